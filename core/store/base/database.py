"""What the tables of this package ask of a database, and when their writes reach the disk.

A step of a turn writes a dozen times. What nothing depends on yet waits in one list, in the order
in which it was written, and goes to disk as one transaction: with the next write that must be
there at once, with a read of the same table, or GROUP_SECONDS later. So a kill leaves what was
written up to some moment, and never a later write without an earlier one.
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

from core.errors import StoreError

T = TypeVar("T")
Row = tuple[Any, ...]
Statement = tuple[str, Sequence[Any]]

#: How long a write may wait for others, in seconds.
GROUP_SECONDS = 0.02

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_TABLES = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(\w+)", re.IGNORECASE)


class Database(ABC):
    """A database for our tables and LangGraph's. Placeholders are `?`; the SQL is what SQLite and
    Postgres both take (`ON CONFLICT`, `RETURNING`).

    Attributes: place: which database it is, for a user; no password in it.
    """

    place: str

    def __init__(self) -> None:
        self._waiting: list[Statement] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        #: What kept waiting writes from the disk while no call could be told.
        self._failure: Exception | None = None
        #: Whether waiting writes are lost, and no call was told yet.
        self._is_lost = False
        self._writing = asyncio.Lock()

    @abstractmethod
    async def open(self) -> None:
        """Connect, and bring the tables up to date. Raises StoreError, NewerDatabase."""

    async def rows(self, sql: str, params: Sequence[Any] = (), *, about: str = "") -> list[Row]:
        """Run one statement. A write is a transaction, and on disk when it returns.

        Args:
            about: a value that every waiting write has which could change what is read.
        """
        if self._failure is not None:
            await self._tell_failure()
        values = storable(params)
        if writes(sql):
            return await self._write([(sql, values)])
        if any(tables_in(s) & tables_in(sql) and _has(p, about) for s, p in self._waiting):
            await self._write([])
        return await self._read(sql, values)

    async def batch(self, statements: Sequence[Statement]) -> None:
        """Run all of them or none, in one transaction; on disk when it returns."""
        if self._failure is not None:
            await self._tell_failure()
        await self._write([(sql, storable(params)) for sql, params in statements])

    async def later(self, statements: Sequence[Statement]) -> None:
        """Run them with what is written next, GROUP_SECONDS from now at the latest. Raises what
        kept earlier ones from the disk; they are tried again first."""
        if self._failure is not None:
            await self._tell_failure()
        self.check()
        self._waiting += [(sql, storable(params)) for sql, params in statements]
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(GROUP_SECONDS, self._flush_soon)

    async def flush(self) -> None:
        """Put on disk what waits."""
        if self._failure is not None:
            await self._tell_failure()
        await self._write([])

    async def call(self, work: Callable[[Any], T]) -> T:
        """The result of `work`, which is given the connection, once everything is on disk."""
        await self.flush()
        return await self._run(work)

    @abstractmethod
    async def tables(self) -> set[str]:
        """The names of the tables there are."""

    @abstractmethod
    async def reclaim(self) -> None:
        """Give the space of deleted rows back to the file system."""

    @abstractmethod
    async def size(self) -> int:
        """Bytes that it takes."""

    @abstractmethod
    async def close(self) -> None:
        """Put on disk what waits, and disconnect. Closing twice is fine."""

    # --- what a database brings ---------------------------------------------------------------

    @abstractmethod
    async def _run(self, work: Callable[[Any], T]) -> T:
        """Run `work` with the connection. Raises StoreError."""

    @abstractmethod
    async def _read(self, sql: str, params: Sequence[Any]) -> list[Row]: ...

    @abstractmethod
    async def _commit(self, statements: Sequence[Statement]) -> list[Row]:
        """Run them in one transaction; the rows of the last one."""

    def _commit_here(self, statements: Sequence[Statement]) -> list[Row] | None:
        """`_commit` at once; None, and nothing was done, if that could hold up the event loop."""
        return None

    @abstractmethod
    def check(self) -> None:
        """Raise StoreError if what is written now could never reach the disk."""

    def _may_repeat(self) -> bool:
        """Whether writes that failed may be sent again."""
        return True

    # --- in their order -----------------------------------------------------------------------

    async def _write(self, own: Sequence[Statement]) -> list[Row]:
        """One transaction of all that waits, then `own`."""
        if not (own or self._waiting or self._writing.locked()):
            return []
        if not self._writing.locked():
            with self._taken(own) as statements:
                rows = self._commit_here(statements)
                if rows is not None:
                    self._waiting = []
                    return rows
        # Shielded: what was asked for is written even if its asker is cancelled meanwhile.
        return await asyncio.shield(asyncio.ensure_future(self._write_in_turn(own)))

    async def _write_in_turn(self, own: Sequence[Statement]) -> list[Row]:
        async with self._writing:
            with self._taken(own) as statements:
                count = len(self._waiting)
                rows = await self._commit(statements) if statements else []
                # What came meanwhile waits for the next transaction.
                del self._waiting[:count]
                return rows

    @contextmanager
    def _taken(self, own: Sequence[Statement]) -> Iterator[list[Statement]]:
        """All that goes to disk now. If that fails, what waited still waits: a later write must not
        be there without it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            yield [*self._waiting, *own]
        except StoreError:
            if not self._may_repeat():
                self._is_lost = self._is_lost or bool(self._waiting)
                self._waiting = []
            raise
        if not self._is_lost:
            self._failure = None  # what was kept from the disk is there now

    def _flush_soon(self) -> None:
        self._timer = None
        self._flushing = asyncio.ensure_future(self._flush_quietly())

    async def _flush_quietly(self) -> None:
        try:
            await self._write([])
        except StoreError as error:
            self._failure = error

    async def _tell_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None and not self._waiting:
            self._is_lost = False
            raise failure
        await self._write([])


@lru_cache(maxsize=500)
def writes(sql: str) -> bool:
    """Whether a statement changes rows."""
    return _WRITES.match(sql) is not None


@lru_cache(maxsize=500)
def tables_in(sql: str) -> frozenset[str]:
    """The names of the tables that a statement names."""
    return frozenset(_TABLES.findall(sql))


def _has(params: Sequence[Any], about: str) -> bool:
    return not about or about in params


def storable(params: Sequence[Any]) -> list[Any]:
    """Values as any database takes them. File names and arguments that are not UTF-8 carry lone
    surrogates, which neither a database nor a provider's JSON takes; Postgres takes no NUL."""
    # Nearly all are keys and bytes, a hundred of them in a step.
    return [
        value
        if type(value) is bytes or (type(value) is str and value.isascii() and "\0" not in value)
        else _storable(value)
        for value in params
    ]


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return int(value) if isinstance(value, bool) else value
