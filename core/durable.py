"""What is durable, in its smallest form: a journal that remembers what was begun, an inbox that
loses no message, the files a thread knows. Implemented in core/store/.

Imports nothing heavy: a list of threads must not cost LangChain's start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class JournalRow:
    """state: started or done. note: the evidence a tool left before its effect, None if it
    left none. result: `ToolResult.to_dict()`, None while started or once a checkpoint has it."""

    state: Literal["started", "done"]
    note: dict[str, Any] | None
    result: dict[str, Any] | None


class Journal(Protocol):
    """Which tool calls were begun and which are done, under our own call ids.

    A note is on disk when it returns, with all that was written before it; the rest comes within
    a moment, in order (core/store/base/database.py).
    """

    async def begin(self, thread: str, call_id: str, tool: str) -> JournalRow | None:
        """Write `started`. None: this call is new. Else the row an earlier process left."""

    async def note(self, thread: str, call_id: str, note: dict[str, Any]) -> None:
        """Store the evidence by which a later process can tell whether the effect happened."""

    async def notes(self, thread: str, *tools: str) -> Sequence[tuple[str, dict[str, Any]]]:
        """(call id, note) of every call of each tool that left one, each tool's by the time in
        `note["at"]`."""

    async def finish(self, thread: str, call_id: str, result: dict[str, Any]) -> None: ...

    async def row(self, thread: str, call_id: str) -> JournalRow | None: ...

    async def drop_results(self, thread: str, call_ids: Sequence[str]) -> None:
        """Forget results that a checkpoint holds now; the rows stay."""


@dataclass(frozen=True)
class InboxRow:
    seq: int
    text: str


class Inbox(Protocol):
    """Messages of the user, on disk before anything else happens."""

    async def after(self, thread: str, seq: int) -> list[InboxRow]:
        """The rows beyond `seq`, oldest first."""


@dataclass(frozen=True)
class WaitRow:
    """A thread that waits.

    Attributes:
        conditions: what it waits for, each a dict of plain values (tools/wait/conditions.py).
        made: when the wait began. until: when it ends without any of them, or None; epoch seconds.
        seq: the newest inbox row that the thread had taken: a later one ends the wait.
        run: the options of the run that waits, for the process that continues it.
        event: what has happened, once it has: {"kind", "text", ...}.
    """

    thread: str
    call_id: str
    conditions: list[dict[str, Any]]
    note: str
    made: float
    until: float | None
    seq: int
    run: dict[str, Any]
    event: dict[str, Any] | None = None


class Waits(Protocol):
    """What threads wait for, and what has happened."""

    async def make(self, row: WaitRow) -> None:
        """Begin a wait; on disk when it returns. A second time it changes nothing."""

    async def get(self, thread: str, call_id: str) -> WaitRow | None: ...

    async def wake(self, thread: str, call_id: str, event: dict[str, Any]) -> WaitRow | None:
        """Store what has happened, if nothing has yet: the first event counts. The row as it then
        is; None if there is none. The caller holds the thread's lease."""


@dataclass(frozen=True)
class Scope:
    """Whom a charge counts for. invocation: one start of the program. turn: unique in the
    database. day: the local date."""

    thread: str
    invocation: str
    turn: str
    day: str


@dataclass(frozen=True)
class Caps:
    """Most that may be spent, in micro-USD, by scope; None: no cap."""

    invocation: int | None = None
    turn: int | None = None
    thread: int | None = None
    day: int | None = None


@dataclass(frozen=True)
class Spent:
    """amount: micro-USD, what is set aside included. unknown: some of it has no known price."""

    amount: int
    unknown: bool


class Ledger(Protocol):
    """All money, in one place. Amounts are integer micro-USD."""

    async def reserve(self, ref: str, amount: int, scope: Scope, caps: Caps) -> bool:
        """Set `amount` aside for the call `ref`, unless that would break a cap: checked and
        written at once, so that parallel calls cannot overshoot."""

    async def settle(self, ref: str, cost: int | None) -> None:
        """What was set aside really cost `cost`; None releases it."""

    async def book(self, ref: str, cost: int | None, scope: Scope, tokens: int = 0) -> None:
        """A request of a model that has ended; None: its price is not known. `tokens`: those that
        it read and wrote."""

    async def tokens(self, thread: str) -> int:
        """Tokens of the model that a thread came to."""

    async def spent(self, column: str, value: str) -> Spent: ...

    async def by_turn(self, thread: str) -> dict[str, Spent]:
        """What each turn of a thread came to, by its key."""

    async def left(self, scope: Scope, caps: Caps) -> tuple[int, str] | None:
        """(micro-USD that are left, of which cap) of the narrowest cap; None without any."""


class Grants(Protocol):
    """Rules that a user granted for a folder."""

    async def of(self, folder: str) -> list[str]: ...


class FilesSeen(Protocol):
    """Which files this thread has read, by content: `write` refuses to overwrite others."""

    async def mark(self, thread: str, path: str, sha256: str) -> None: ...

    async def get(self, thread: str, path: str) -> str | None: ...


class ThreadFiles(Protocol):
    """Where a thread's commands and long results are kept in the state directory."""

    def runs(self, thread: str) -> Path:
        """The folder of a thread's run directories."""

    def run(self, thread: str, call_id: str) -> Path:
        """The run directory of one call."""

    def result(self, thread: str, call_id: str) -> Path:
        """The file of a long result."""

    def copies(self, thread: str) -> Path:
        """The folder of the copies that trials work in."""

    async def bounded(self, thread: str, call_id: str, text: str, limit: int) -> str:
        """Head and tail of `text` within `limit` characters; all of it goes to a file."""
