"""A SQLite connection in its own thread: where our own tables are read and written.

`Database` is all that the rows of this package need of a database. Their SQL keeps to what
SQLite and Postgres both understand (`ON CONFLICT`, `RETURNING`); core/store/postgres/tables.py is
the other implementation.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from core.errors import StoreError
from core.store.sqlite.connection import BUSY_SECONDS, make_private, store_errors, transaction
from core.store.sqlite.schema import migrate

T = TypeVar("T")
Row = tuple[Any, ...]
Statement = tuple[str, Sequence[Any]]

#: Pages given back in one transaction, 8 MB: others can write in between.
PAGES_AT_ONCE = 2000


class Database(Protocol):
    """What the tables of this package ask of a database. Placeholders are `?`.

    Attributes: place: which database it is, for a user; no password in it.
    """

    @property
    def place(self) -> str: ...

    async def open(self) -> None:
        """Connect, and bring the tables up to date. Raises StoreError, NewerDatabase."""

    async def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run one statement as its own transaction; on disk when it returns."""

    async def batch(self, statements: Sequence[Statement]) -> None:
        """Run all of them or none, in one transaction."""

    async def tables(self) -> set[str]:
        """The names of the tables there are."""

    async def reclaim(self) -> None:
        """Give the space of deleted rows back to the file system."""

    async def size(self) -> int:
        """Bytes that it takes."""

    async def close(self) -> None: ...


class SqliteDatabase:
    """Our own tables in a SQLite file: autocommit, WAL, synchronous FULL.

    Every call is one function in the connection's thread. So a transaction is never mixed
    with someone else's statements, and a caller that is cancelled leaves none open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ml-agent-db")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Create the folder and file where missing, and bring the tables up to date.

        Raises NewerDatabase, or StoreError for whatever keeps the file from being used.
        """
        try:
            self._connection = await self._in_thread(self._connect)
        except BaseException:
            self._pool.shutdown(wait=False)
            raise

    async def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        connection, values = self._open(), storable(params)
        return await self._in_thread(lambda: connection.execute(sql, values).fetchall())

    async def batch(self, statements: Sequence[Statement]) -> None:
        connection = self._open()
        prepared = [(sql, storable(params)) for sql, params in statements]

        def run() -> None:
            with transaction(connection):
                for sql, params in prepared:
                    connection.execute(sql, params)

        await self._in_thread(run)

    async def tables(self) -> set[str]:
        """The names of the tables there are, LangGraph's included."""
        found = await self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {str(name) for (name,) in found}

    async def reclaim(self) -> None:
        """Give free pages back. The file shrinks at once unless someone reads an older state of
        it; then with the next checkpoint of its log."""
        connection = self._open()

        def free_pages() -> int:
            return int(connection.execute("PRAGMA freelist_count").fetchone()[0])

        def step() -> None:
            # As a script: `execute` steps this statement once, which frees one page (measured).
            connection.executescript(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")

        left = await self._in_thread(free_pages)
        while left:
            await self._in_thread(step)
            before, left = left, await self._in_thread(free_pages)
            if left >= before:
                break  # others write meanwhile, or the file is one that never shrinks
        await self._in_thread(lambda: connection.execute("PRAGMA wal_checkpoint").fetchall())

    async def size(self) -> int:
        """Bytes of the file once its log is written into it."""
        ((pages,),) = await self.rows("PRAGMA page_count")
        ((each,),) = await self.rows("PRAGMA page_size")
        return int(pages) * int(each)

    async def close(self) -> None:
        """Close the connection and end its thread. Closing twice is fine."""
        if self._connection is None:
            return
        try:
            await self._in_thread(self._connection.close)
        finally:
            self._connection = None
            self._pool.shutdown(wait=False)

    def _connect(self) -> sqlite3.Connection:
        make_private(self.path)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            migrate(connection, self.path)
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError("the database is closed", "this is a defect: please report it")
        return self._connection

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with store_errors(self.path):
            future = asyncio.get_running_loop().run_in_executor(self._pool, work)
            # Shielded: what was asked for is written even if its asker is cancelled meanwhile.
            return await asyncio.shield(future)


def storable(params: Sequence[Any]) -> list[Any]:
    """Values as any database takes them. File names and arguments that are not UTF-8 carry lone
    surrogates, which neither a database nor a provider's JSON takes; Postgres takes no NUL."""
    return [_storable(value) for value in params]


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return int(value) if isinstance(value, bool) else value
