"""The journal: which tool calls were begun, and what became of them.

LangGraph runs a killed node's side effects again, in every durability mode (measured). These
rows are what keeps an effect from happening twice.
"""

import json
from collections.abc import Sequence
from typing import Any

from core.durable import JournalRow
from core.store.sqlite.tables import Database


class SqlJournal:
    """`core.durable.Journal` over a database. Every write is on disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, thread: str, call_id: str, tool: str) -> JournalRow | None:
        """Write `started`. None: this call is new. Else the row an earlier process left."""
        ours = await self._database.rows(
            "INSERT INTO journal (thread, call_id, tool, state) VALUES (?, ?, ?, 'started') "
            "ON CONFLICT DO NOTHING RETURNING state",
            [thread, call_id, tool],
        )
        return None if ours else await self.row(thread, call_id)

    async def note(self, thread: str, call_id: str, note: dict[str, Any]) -> None:
        """Store the evidence by which a later process can tell whether the effect happened."""
        await self._database.rows(
            "UPDATE journal SET note = ? WHERE thread = ? AND call_id = ?",
            [json.dumps(note), thread, call_id],
        )

    async def notes(self, thread: str, tool: str) -> Sequence[tuple[str, dict[str, Any]]]:
        """(call id, note) of every call of `tool` that left one, by the time in `note["at"]`."""
        found = await self._database.rows(
            "SELECT call_id, note FROM journal WHERE thread = ? AND tool = ? AND note IS NOT NULL",
            [thread, tool],
        )
        notes = [(str(call), json.loads(note)) for call, note in found]
        return sorted(notes, key=lambda pair: (pair[1].get("at", 0.0), pair[0]))

    async def finish(self, thread: str, call_id: str, result: dict[str, Any]) -> None:
        """Write `done` with the result, `ToolResult.to_dict()`."""
        await self._database.rows(
            "UPDATE journal SET state = 'done', result = ? WHERE thread = ? AND call_id = ?",
            [json.dumps(result), thread, call_id],
        )

    async def row(self, thread: str, call_id: str) -> JournalRow | None:
        found = await self._database.rows(
            "SELECT state, note, result FROM journal WHERE thread = ? AND call_id = ?",
            [thread, call_id],
        )
        if not found:
            return None
        state, note, result = found[0]
        return JournalRow(state, _loaded(note), _loaded(result))

    async def drop_results(self, thread: str, call_ids: Sequence[str]) -> None:
        """Forget results that a checkpoint holds now; the rows stay."""
        if not call_ids:
            return
        marks = ", ".join("?" for _ in call_ids)
        await self._database.rows(
            f"UPDATE journal SET result = NULL WHERE thread = ? AND call_id IN ({marks})",
            [thread, *call_ids],
        )


def _loaded(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)
