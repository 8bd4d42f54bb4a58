"""What threads wait for: a row for each wait, kept until the turn that it woke has ended.

A wake is one compare-and-set: the event is on disk before the graph continues, so any number of
watchers and kills wake a thread once.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from core.durable import WaitRow
from core.store.base.database import Database
from core.store.threads import COLUMNS, ThreadRow

_COLUMNS = "thread, call_id, conditions, note, made, until, seq, run, event"


class SqlWaits:
    """`core.durable.Waits` over a database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def make(self, row: WaitRow) -> None:
        await self._database.rows(
            "INSERT INTO waits (thread, call_id, conditions, note, made, until, seq, run) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                row.thread,
                row.call_id,
                json.dumps(row.conditions),
                row.note,
                row.made,
                row.until,
                row.seq,
                json.dumps(row.run),
            ],
        )

    async def get(self, thread: str, call_id: str) -> WaitRow | None:
        found = await self._database.rows(
            f"SELECT {_COLUMNS} FROM waits WHERE thread = ? AND call_id = ?", [thread, call_id]
        )
        return _row(found[0]) if found else None

    async def wake(self, thread: str, call_id: str, event: dict[str, Any]) -> WaitRow | None:
        await self._database.rows(
            "UPDATE waits SET woken = ?, event = ? "
            "WHERE thread = ? AND call_id = ? AND event IS NULL RETURNING call_id",
            [self._clock(), json.dumps(event), thread, call_id],
        )
        return await self.get(thread, call_id)

    async def of(self, thread: str) -> WaitRow | None:
        """What a thread waits for, or was woken from last; None if it does not wait."""
        found = await self._database.rows(
            f"SELECT {_COLUMNS} FROM waits WHERE thread = ? ORDER BY made DESC LIMIT 1", [thread]
        )
        return _row(found[0]) if found else None

    async def open(self) -> Sequence[tuple[WaitRow, ThreadRow]]:
        """Every wait of a thread that waits, or whose turn runs or was cut off around its wait, the
        oldest first."""
        columns = [f"waits.{name}" for name in _COLUMNS.split(", ")]
        columns += [f"threads.{name}" for name in COLUMNS]
        found = await self._database.rows(
            f"SELECT {', '.join(columns)} FROM waits JOIN threads ON threads.id = waits.thread "
            "WHERE threads.status IN ('waiting', 'running') ORDER BY waits.made"
        )
        return [(_row(values[:9]), ThreadRow(*values[9:])) for values in found]

    async def spoken_to(self) -> Sequence[str]:
        """Threads that wait, and have a message that came after the wait began."""
        found = await self._database.rows(
            "SELECT DISTINCT waits.thread FROM waits JOIN threads ON threads.id = waits.thread "
            "JOIN inbox ON inbox.thread = waits.thread AND inbox.seq > waits.seq "
            "WHERE threads.status = 'waiting'"
        )
        return [str(thread) for (thread,) in found]

    async def end(self, thread: str, *, but: str = "") -> None:
        """Forget the waits of a thread, all but that of the call `but`."""
        await self._database.rows(
            "DELETE FROM waits WHERE thread = ? AND call_id <> ?", [thread, but]
        )


def _row(values: Sequence[Any]) -> WaitRow:
    thread, call_id, conditions, note, made, until, seq, run, event = values
    return WaitRow(
        thread,
        call_id,
        json.loads(conditions),
        note,
        made,
        until,
        int(seq),
        json.loads(run),
        None if event is None else json.loads(event),
    )
