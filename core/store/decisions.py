"""What people decided on calls that wait, and what they granted for good.

A decision is a row: whoever comes first decides, from whichever terminal; the thread's driver finds
it. A grant is a rule that holds in one folder.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from core.store.sqlite.tables import Database


class SqlDecisions:
    """`core.durable.Decisions` over a database."""

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
    """Rules that a person granted for a folder."""

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
