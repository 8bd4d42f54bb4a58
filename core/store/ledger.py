"""The ledger: what was spent and what is set aside, in millionths of a dollar. Append-only.

A charge is one or more rows under its reference: `reserve` adds its price, `settle` the
difference to what it really cost, `release` takes it back. So the sum of all amounts is what is
spent and set aside. Undo touches no row.
"""

import time
from collections.abc import Callable

from core.durable import Caps, Scope, Spent
from core.store.base.database import Database

#: The columns by which each cap sums up.
SCOPES = ("invocation", "turn", "thread", "day")
_COLUMNS = "id, ref, thread, invocation, turn, day, kind, state, amount, known, at, tokens"


class SqlLedger:
    """`core.durable.Ledger` over a database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def reserve(self, ref: str, amount: int, scope: Scope, caps: Caps) -> bool:
        """Set `amount` aside unless a cap would break; a second time for one `ref` is one time."""
        conditions, limits = "", []
        for name in SCOPES:
            cap = getattr(caps, name)
            if cap is not None:
                conditions += (
                    f" AND (SELECT COALESCE(SUM(amount), 0) FROM ledger WHERE {name} = ?) + ? <= ?"
                )
                limits += [getattr(scope, name), amount, cap]
        marks = ", ".join("?" for _ in _COLUMNS.split(", "))
        # One statement, and writes come one after another on both databases: no two sums can
        # each leave out the other's row.
        await self._database.rows(
            f"INSERT INTO ledger ({_COLUMNS}) SELECT {marks} WHERE 1 = 1{conditions} "
            "ON CONFLICT DO NOTHING",
            [*self._row(ref, "reserve", "tool", amount, scope), *limits],
        )
        found = await self._database.rows("SELECT 1 FROM ledger WHERE id = ?", [f"{ref}:reserve"])
        return bool(found)

    async def settle(self, ref: str, cost: int | None) -> None:
        """What was set aside really cost `cost`; None: nothing happened, all of it is released."""
        found = await self._database.rows(
            "SELECT thread, invocation, turn, day, amount FROM ledger WHERE id = ?",
            [f"{ref}:reserve"],
        )
        if not found:
            return
        *names, reserved = found[0]
        scope = Scope(*map(str, names))
        state = "release" if cost is None else "settle"
        await self._put(ref, state, "tool", (cost or 0) - int(reserved), scope)

    async def book(self, ref: str, cost: int | None, scope: Scope, tokens: int = 0) -> None:
        *row, _ = self._row(ref, "settle", "model", cost, scope)
        await self._insert([*row, tokens])

    async def tokens(self, thread: str) -> int:
        """Tokens of the model, read and written, that a thread came to."""
        ((count,),) = await self._database.rows(
            "SELECT COALESCE(SUM(tokens), 0) FROM ledger WHERE thread = ?", [thread]
        )
        return int(count)

    async def spent(self, column: str, value: str) -> Spent:
        """What one scope came to: `column` is invocation, turn, thread or day."""
        assert column in SCOPES
        ((amount, unknown),) = await self._database.rows(
            "SELECT COALESCE(SUM(amount), 0), COALESCE(SUM(1 - known), 0) "
            f"FROM ledger WHERE {column} = ?",
            [value],
        )
        return Spent(int(amount), bool(unknown))

    async def by_turn(self, thread: str) -> dict[str, Spent]:
        """What each turn of a thread came to, by its key."""
        found = await self._database.rows(
            "SELECT turn, COALESCE(SUM(amount), 0), COALESCE(SUM(1 - known), 0) "
            "FROM ledger WHERE thread = ? GROUP BY turn",
            [thread],
        )
        return {str(turn): Spent(int(amount), bool(unknown)) for turn, amount, unknown in found}

    async def by_kind(self, thread: str) -> dict[str, Spent]:
        """What a thread came to by kind: "model", and "tool" for jobs and sandboxes."""
        found = await self._database.rows(
            "SELECT kind, COALESCE(SUM(amount), 0), COALESCE(SUM(1 - known), 0) "
            "FROM ledger WHERE thread = ? GROUP BY kind ORDER BY kind",
            [thread],
        )
        return {str(kind): Spent(int(amount), bool(unknown)) for kind, amount, unknown in found}

    async def left(self, scope: Scope, caps: Caps) -> tuple[int, str] | None:
        found = []
        for name in SCOPES:
            cap = getattr(caps, name)
            if cap is not None:
                spent = await self.spent(name, getattr(scope, name))
                found.append((cap - spent.amount, name))
        return min(found, default=None)

    async def _put(self, ref: str, state: str, kind: str, amount: int | None, scope: Scope) -> None:
        await self._insert(self._row(ref, state, kind, amount, scope))

    async def _insert(self, row: list[object]) -> None:
        marks = ", ".join("?" for _ in _COLUMNS.split(", "))
        sql = f"INSERT INTO ledger ({_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        await self._database.later([(sql, row)])

    def _row(
        self, ref: str, state: str, kind: str, amount: int | None, scope: Scope
    ) -> list[object]:
        names = [scope.thread, scope.invocation, scope.turn, scope.day]
        known = int(amount is not None)
        return [f"{ref}:{state}", ref, *names, kind, state, amount or 0, known, self._clock(), 0]
