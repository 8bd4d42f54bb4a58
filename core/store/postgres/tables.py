"""Our tables and LangGraph's in Postgres, on one connection in its own thread.

That connection carries the leases too (core/store/postgres/lease.py): when it is lost, they are,
and nothing is written any more under them. While no lease is held, a connection that is found
dead before it is used is opened again; nothing that was sent is ever sent twice.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from typing import Any, TypeVar

import psycopg

from core.errors import StoreError
from core.store.base.database import Database, Row, Statement
from core.store.postgres import connection as limits
from core.store.postgres.connection import Address, Connection, connect, doubtful, hang_up, silent
from core.store.postgres.schema import migrate, table_names
from core.store.postgres.sql import translated

T = TypeVar("T")

#: Before each transaction that writes: writes come one after another, as on SQLite.
#: So a statement that reads and writes (the next number of an inbox, a cap and a reservation)
#: needs no more thought here than there.
ONE_AT_A_TIME = (
    "SELECT pg_advisory_xact_lock(hashtextextended('ml-agent write ' || current_schema(), 0))"
)


class PostgresDatabase(Database):
    """`Database` on a server.

    Attributes: place; held: who holds the lease of each thread that this connection carries.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.address = Address(url)
        self.place = self.address.place
        self.held: dict[str, object] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ml-agent-db")
        self._connection: Connection | None = None
        self._used = 0.0
        self._is_open = False

    async def open(self) -> None:
        self._is_open = True
        try:
            await self._run(lambda c: migrate(c, self.address))
        except BaseException:
            await self.close()
            raise

    async def tables(self) -> set[str]:
        """The names of the tables there are, LangGraph's included."""
        return await self._run(table_names)

    async def reclaim(self) -> None:
        """Nothing to do: the server's autovacuum does it."""

    async def size(self) -> int:
        """Bytes that the tables take."""
        found = await self.rows(
            "SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
            "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        )
        return int(found[0][0])

    async def close(self) -> None:
        if not self._is_open:
            return
        try:
            await self.flush()
        finally:
            self._is_open = False
            await self._end()

    async def _end(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._disconnect)
        finally:
            self._pool.shutdown(wait=False)

    # --- the connection -----------------------------------------------------------------------

    async def _run(self, work: Callable[[Connection], T]) -> T:
        if not self._is_open:
            raise StoreError("the database is closed", "this is a defect: please report it")
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._answered, work)
        try:
            # Shielded: what was asked for is written even if its asker is cancelled meanwhile.
            # Not wait_for: in Python 3.11 it swallows a cancel that comes with the answer.
            async with asyncio.timeout(limits.ANSWER_SECONDS):
                return await asyncio.shield(future)
        except TimeoutError:
            self._give_up()
            raise silent(self.place) from None

    def call_now(self, work: Callable[[Connection], T]) -> T:
        """`call` for a caller that is not a coroutine; it is held up meanwhile."""
        try:
            return self._pool.submit(self._answered, work).result(limits.ANSWER_SECONDS)
        except NoAnswer:
            self._give_up()
            raise silent(self.place) from None

    def release(self, thread: str, ours: object, unlock: Callable[[Connection], None]) -> None:
        """Give a lease back if it is `ours`, after all that was asked for before."""

        def give_back() -> None:
            if self.held.get(thread) is not ours:
                return
            del self.held[thread]
            if self._connection is not None and not self._connection.closed:
                try:
                    unlock(self._connection)
                except psycopg.Error:
                    self._disconnect()  # which frees it too

        if self._is_open:
            self._pool.submit(give_back)

    async def _read(self, sql: str, params: Sequence[Any]) -> list[Row]:
        return await self._run(lambda connection: _execute(connection, translated(sql), params))

    async def _commit(self, statements: Sequence[Statement]) -> list[Row]:
        # Sent as one string, which the server takes as one transaction: no client that stops
        # half-way can keep the others waiting.
        text = "; ".join([ONE_AT_A_TIME, *(translated(sql) for sql, _ in statements)])
        values = [value for _, params in statements for value in params]
        return await self._run(lambda connection: _execute(connection, text, values))

    def check(self) -> None:
        if self.held and (self._connection is None or self._connection.closed):
            raise self._lost()

    def _may_repeat(self) -> bool:
        """Not once the connection is gone: another process may drive the thread now."""
        return self._connection is not None and not self._connection.closed

    def _answered(self, work: Callable[[Connection], T]) -> T:
        with self.address.errors():
            connection = self._ready()
            try:
                return work(connection)
            except psycopg.Error:
                if connection.closed and self.held:
                    raise self._lost() from None
                raise
            finally:
                self._used = time.monotonic()

    def _ready(self) -> Connection:
        connection = self._connection
        if self.held:
            if connection is None or connection.closed:
                raise self._lost()
            return connection
        if connection is not None and not connection.closed:
            if not doubtful(connection.fileno(), time.monotonic() - self._used):
                return connection
            try:
                connection.execute("SELECT 1")
                return connection
            except psycopg.Error:
                connection.close()
        self._connection = connect(self.address)
        return self._connection

    def _lost(self) -> StoreError:
        return StoreError(
            f"the connection to {self.place} was lost, and the hold on the session with it",
            "the session is intact: ml-agent sessions resume continues once the server is back",
        )

    def _give_up(self) -> None:
        if self._connection is not None and not self._connection.closed:
            hang_up(self._connection.fileno())

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _execute(connection: Connection, text: str, values: Sequence[Any]) -> list[Row]:
    cursor = connection.execute(text, values)
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []
