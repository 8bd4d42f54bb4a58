"""What a sandbox costs: set aside hour by hour while it lives, settled with what it really ran.

Each sandbox has a row in the journal (tool `sandbox`), written before it is asked for: namespace,
flavor, price, when it began, how many hours are set aside; its id, and how long it ran.
"""

import secrets
import time
from dataclasses import replace
from typing import Any, Protocol

from core.backend import Spending
from core.durable import Journal, Ledger
from core.hub.jobs import Flavor
from core.units import exact_dollars

HOUR = 3600.0
#: Seconds before an hour ends at which the next one is set aside.
AHEAD = 60.0
TOOL = "sandbox"


class Books(Protocol):
    """What a bill is written into: the services of a run, or a store."""

    @property
    def journal(self) -> Journal: ...
    @property
    def ledger(self) -> Ledger: ...


class Bill:
    """The money of one sandbox. `note` is the journal's row."""

    def __init__(self, books: Books, thread: str, ref: str, note: dict[str, Any]) -> None:
        self._books = books
        self._thread = thread
        self.ref = ref
        self.note = note

    @property
    def hourly(self) -> int:
        """Micro-USD; 0 where the price is not known."""
        return round((self.note["per_minute"] or 0) * 60)

    async def open(self) -> None:
        """On disk, before anything is asked for."""
        await self._books.journal.begin(self._thread, self.ref, TOOL)
        await self.keep()

    async def keep(self, **more: Any) -> None:
        self.note = {**self.note, **more}
        await self._books.journal.note(self._thread, self.ref, self.note)

    async def pay(self, spending: Spending, now: float) -> bool:
        """Set aside the hours begun at `now`; False where the next one would break a cap."""
        due = int((now - self.note["at"] + AHEAD) // HOUR) + 1
        day = time.strftime("%Y-%m-%d", time.localtime(now))
        scope = replace(spending.scope, day=day)
        for hour in range(self.note["hours"] + 1, due + 1):
            name = f"{self.ref}-{hour}"
            if not await self._books.ledger.reserve(name, self.hourly, scope, spending.caps):
                return False
            await self.keep(hours=hour)
        return True

    async def too_dear(self, what: str, spending: Spending) -> str:
        left = await self._books.ledger.left(spending.scope, spending.caps)
        there = f"${max(left[0], 0) / 1e6:.2f} are left under the cap" if left else "the cap"
        return f"{what} costs ${self.hourly / 1e6:.2f}, and {there}."

    async def settle(self, seconds: float) -> int | None:
        """It has ended after so many seconds; micro-USD that it came to, None: not known."""
        rate = self.note["per_minute"]
        cost = None if rate is None else round(rate * seconds / 60)
        rest = cost or 0
        for hour in range(1, self.note["hours"] + 1):
            last = hour == self.note["hours"]
            part = rest if last else min(rest, self.hourly)
            await self._books.ledger.settle(f"{self.ref}-{hour}", part)
            rest -= part
        await self.keep(ended=True, seconds=seconds, cost=cost)
        return cost


def new_bill(books: Books, thread: str, namespace: str, flavor: Flavor, at: float) -> Bill:
    """Of a sandbox that began at `at` (epoch seconds); not on disk yet."""
    note = {
        "namespace": namespace,
        "flavor": flavor.name,
        "per_minute": flavor.per_minute,
        "at": at,
        "hours": 0,
    }
    return Bill(books, thread, f"sandbox-{secrets.token_hex(8)}", note)


async def bills(books: Books, thread: str) -> list[Bill]:
    """Those of the thread that are not settled, the oldest first."""
    notes = await books.journal.notes(thread, TOOL)
    return [Bill(books, thread, ref, note) for ref, note in notes if not note.get("ended")]


async def settle_job(books: Books, thread: str, job_id: str, seconds: float) -> int | None:
    """Settle the bill of a sandbox that ran so long; what it came to, None: no bill, no price."""
    for bill in await bills(books, thread):
        if bill.note.get("job") == job_id:
            return await bill.settle(seconds)
    return None


def came_to(cost: int | None) -> str:
    """What a sandbox came to, in words to append. cost: micro-USD; None: not known."""
    return "" if cost is None else f"; it came to {exact_dollars(cost)}"
