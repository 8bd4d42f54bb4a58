"""Our tables and LangGraph's in a SQLite file, on one connection: WAL, synchronous FULL.

A statement here takes less than handing it to another thread does, so it runs on the event loop's
own. What could hold the loop up goes to a thread: what another process has locked, a write on a
disk that is slow, or all of it in a server that allows no file work on its loop.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from core.errors import StoreError
from core.quick import allows_quick_work
from core.store.base.database import Database, Row, Statement
from core.store.sqlite.connection import (
    BUSY_SECONDS,
    StoreErrors,
    is_busy,
    make_private,
    transaction,
)
from core.store.sqlite.schema import migrate

T = TypeVar("T")

#: Pages given back in one transaction, 8 MB: others can write in between.
PAGES_AT_ONCE = 2000
#: A commit that took so many seconds says that the next one is better made in a thread.
SLOW_SECONDS = 0.02


class SqliteDatabase(Database):
    """`Database` in a file. All work in the thread comes one after another; while there is some,
    nothing runs on the loop's, so a transaction is never mixed with other statements."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.place = str(path)
        self._errors = StoreErrors(path)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ml-agent-db")
        self._connection: sqlite3.Connection | None = None
        #: Pieces of work in the thread.
        self._away = 0
        self._is_slow = False
        #: How long a statement waits now.
        self._waits = BUSY_SECONDS

    async def open(self) -> None:
        """Create the folder and file where missing, and bring the tables up to date.

        Raises NewerDatabase, or StoreError for whatever keeps the file from being used.
        """
        try:
            self._connection = await self._in_thread(self._connect)
        except BaseException:
            self._pool.shutdown(wait=False)
            raise

    async def tables(self) -> set[str]:
        """The names of the tables there are, LangGraph's included."""
        found = await self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {str(name) for (name,) in found}

    async def reclaim(self) -> None:
        """Give free pages back. The file shrinks at once unless someone reads an older state of
        it; then with the next checkpoint of its log."""
        await self.flush()
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
        await self.flush()
        ((pages,),) = await self.rows("PRAGMA page_count")
        ((each,),) = await self.rows("PRAGMA page_size")
        return int(pages) * int(each)

    async def close(self) -> None:
        if self._connection is None:
            return
        try:
            await self.flush()
        finally:
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

    def check(self) -> None:
        self._open()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._open()
        if not self._away and allows_quick_work():
            with self._errors:
                try:
                    self._wait_for_others(0.0)
                    return work(connection)
                except sqlite3.OperationalError as error:
                    if not is_busy(error):
                        raise
        return await self._in_thread(lambda: work(connection))

    def _read(self, sql: str, params: Sequence[object]) -> Coroutine[Any, Any, list[Row]]:
        return self._run(lambda connection: connection.execute(sql, params).fetchall())

    async def _commit(self, statements: Sequence[Statement]) -> list[Row]:
        connection = self._open()
        return await self._in_thread(lambda: self._transact(connection, statements))

    def _commit_here(self, statements: Sequence[Statement]) -> list[Row] | None:
        connection = self._open()
        if self._away or self._is_slow or not allows_quick_work():
            return None
        with self._errors:
            try:
                self._wait_for_others(0.0)
                return self._transact(connection, statements)
            except sqlite3.OperationalError as error:
                if is_busy(error):
                    return None
                raise

    def _transact(
        self, connection: sqlite3.Connection, statements: Sequence[Statement]
    ) -> list[Row]:
        found: list[Row] = []
        with transaction(connection):
            for sql, params in statements:
                found = connection.execute(sql, params).fetchall()
            began = time.monotonic()
        self._is_slow = time.monotonic() - began > SLOW_SECONDS
        return found

    def _wait_for_others(self, seconds: float) -> None:
        """From now on a statement waits so long for another process's lock: on the loop not at all,
        in the thread as long as it takes. The loop asks again in the thread."""
        if self._connection is not None and seconds != self._waits:
            self._connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
            self._waits = seconds

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def patiently() -> T:
            self._wait_for_others(BUSY_SECONDS)
            return work()

        self._away += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, patiently)
        future.add_done_callback(self._came_back)
        with self._errors:
            return await asyncio.shield(future)

    def _came_back(self, future: "asyncio.Future[T]") -> None:
        self._away -= 1
        if not future.cancelled():
            future.exception()  # its asker may have been cancelled
