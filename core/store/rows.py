"""Our tables next to the threads and the money: journal, inbox, files seen, decisions, grants.

The journal: LangGraph runs a killed node's side effects again, in every durability mode (measured).
Its rows are what keeps an effect from happening twice.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from core.durable import InboxRow, JournalRow
from core.store.base.database import Database


class SqlJournal:
    """`core.durable.Journal` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beginning = asyncio.Lock()

    async def begin(self, thread: str, call_id: str, tool: str) -> JournalRow | None:
        async with self._beginning:
            row = await self.row(thread, call_id)
            if row is None:
                # No disk yet: a row without a note says the same as no row.
                sql = (
                    "INSERT INTO journal (thread, call_id, tool, state) "
                    "VALUES (?, ?, ?, 'started') ON CONFLICT DO NOTHING"
                )
                await self._database.later([(sql, [thread, call_id, tool])])
        return row

    async def note(self, thread: str, call_id: str, note: dict[str, Any]) -> None:
        await self._database.rows(
            "UPDATE journal SET note = ? WHERE thread = ? AND call_id = ?",
            [json.dumps(note), thread, call_id],
        )

    async def notes(self, thread: str, *tools: str) -> Sequence[tuple[str, dict[str, Any]]]:
        marks = ", ".join("?" for _ in tools)
        # In the words of the index `journal_elsewhere`, or it is not used.
        elsewhere = "" if "bash" in tools else "AND tool <> 'bash' "
        found = await self._database.rows(
            "SELECT call_id, note, tool FROM journal "
            f"WHERE thread = ? AND tool IN ({marks}) {elsewhere}AND note IS NOT NULL",
            [thread, *tools],
        )
        notes = [(tools.index(tool), str(call), json.loads(note)) for call, note, tool in found]
        notes.sort(key=lambda each: (each[0], _when(each[2]), each[1]))
        return [(call, note) for _, call, note in notes]

    async def finish(self, thread: str, call_id: str, result: dict[str, Any]) -> None:
        """Write `done` with the result, `ToolResult.to_dict()`."""
        sql = "UPDATE journal SET state = 'done', result = ? WHERE thread = ? AND call_id = ?"
        await self._database.later([(sql, [json.dumps(result), thread, call_id])])

    async def row(self, thread: str, call_id: str) -> JournalRow | None:
        found = await self._database.rows(
            "SELECT state, note, result FROM journal WHERE thread = ? AND call_id = ?",
            [thread, call_id],
            about=call_id,
        )
        if not found:
            return None
        state, note, result = found[0]
        return JournalRow(state, _loaded(note), _loaded(result))

    async def drop_results(self, thread: str, call_ids: Sequence[str]) -> None:
        if not call_ids:
            return
        marks = ", ".join("?" for _ in call_ids)
        sql = f"UPDATE journal SET result = NULL WHERE thread = ? AND call_id IN ({marks})"
        await self._database.batch([(sql, [thread, *call_ids])])


class SqlInbox:
    """`core.durable.Inbox` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, thread: str, text: str) -> int:
        # One statement, so that two writers cannot take the same number.
        found = await self._database.rows(
            "INSERT INTO inbox (thread, seq, text) "
            "SELECT ?, COALESCE(MAX(ABS(seq)), 0) + 1, ? FROM inbox WHERE thread = ? RETURNING seq",
            [thread, text, thread],
        )
        return int(found[0][0])

    async def after(self, thread: str, seq: int) -> list[InboxRow]:
        found = await self._database.rows(
            "SELECT seq, text FROM inbox WHERE thread = ? AND seq > ? ORDER BY seq", [thread, seq]
        )
        return [InboxRow(int(s), str(text)) for s, text in found]

    async def withdraw(self, thread: str, seq: int) -> None:
        """Take a message back. Its row stays, out of reach, so that its number is not given again:
        a step under way may have read it."""
        await self._database.batch(
            [("UPDATE inbox SET seq = -seq WHERE thread = ? AND seq = ?", [thread, seq])]
        )


class SqlFilesSeen:
    """`core.durable.FilesSeen` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self, thread: str, path: str, sha256: str) -> None:
        """Remember the content that this thread knows of `path`."""
        sql = (
            "INSERT INTO files_seen (thread, path, sha256) VALUES (?, ?, ?) "
            "ON CONFLICT (thread, path) DO UPDATE SET sha256 = excluded.sha256"
        )
        await self._database.later([(sql, [thread, path, sha256])])

    async def copy(self, thread: str, other: str) -> None:
        """Let `other` know what `thread` knows."""
        await self._database.rows(
            "INSERT INTO files_seen (thread, path, sha256) "
            "SELECT ?, path, sha256 FROM files_seen WHERE thread = ? ON CONFLICT DO NOTHING",
            [other, thread],
        )

    async def get(self, thread: str, path: str) -> str | None:
        """The content's sha256 as last read or written by this thread; None if never."""
        found = await self._database.rows(
            "SELECT sha256 FROM files_seen WHERE thread = ? AND path = ?", [thread, path]
        )
        return str(found[0][0]) if found else None


class SqlDecisions:
    """What people decided on calls that wait. A row each: whoever comes first decides, from
    whichever terminal, and the thread's driver finds it."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def put(self, thread: str, call_id: str, decision: dict[str, Any]) -> bool:
        """Store a decision. False: the call was decided before, and that counts."""
        ours = await self._database.rows(
            "INSERT INTO decisions (thread, call_id, decision, at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING RETURNING call_id",
            [thread, call_id, json.dumps(decision), self._clock()],
        )
        return bool(ours)

    async def of(self, thread: str, call_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The decisions there are on these calls, by call id."""
        found = {}
        for call_id in call_ids:
            rows = await self._database.rows(
                "SELECT decision FROM decisions WHERE thread = ? AND call_id = ?",
                [thread, call_id],
            )
            if rows:
                found[call_id] = json.loads(rows[0][0])
        return found


class SqlGrants:
    """Rules that a user granted for a folder."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def add(self, folder: str, rule: str) -> None:
        await self._database.rows(
            "INSERT INTO grants (folder, rule, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [folder, rule, self._clock()],
        )

    async def of(self, folder: str) -> list[str]:
        """The rules of a folder, the oldest first."""
        rows = await self._database.rows(
            "SELECT rule FROM grants WHERE folder = ? ORDER BY at, rule", [folder]
        )
        return [str(rule) for (rule,) in rows]

    async def remove(self, folder: str, rule: str) -> bool:
        """False: there was none."""
        gone = await self._database.rows(
            "DELETE FROM grants WHERE folder = ? AND rule = ? RETURNING rule", [folder, rule]
        )
        return bool(gone)


def _loaded(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)


def _when(note: dict[str, Any]) -> float:
    """When it was written; 0 if the tool does not say, or keeps something else under that name."""
    at = note.get("at")
    return float(at) if isinstance(at, int | float) else 0.0
