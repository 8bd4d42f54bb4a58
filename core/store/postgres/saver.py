"""LangGraph's saver on Postgres, made safe for the way we run it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import DictRow, dict_row

from core.store.checkpoints.serializer import StrictSerializer
from core.store.checkpoints.versions import next_version
from core.store.postgres import connection as limits
from core.store.postgres.connection import Address, doubtful, hang_up, silent
from core.store.postgres.schema import lock_tables, unlock_tables
from core.store.postgres.tables import PostgresDatabase

T = TypeVar("T")
Connection = psycopg.AsyncConnection[DictRow]


class PostgresSaver(AsyncPostgresSaver):
    """AsyncPostgresSaver whose writes end once they have begun, and are refused once the lease
    is lost: then another process may drive the thread.

    A connection that is found dead before it is used is opened again. What Postgres raises
    becomes a StoreError.
    """

    conn: Connection

    def __init__(self, conn: Connection, database: PostgresDatabase) -> None:
        super().__init__(conn, serde=StrictSerializer())
        self._database = database
        self._opening = asyncio.Lock()
        self._used = self.loop.time()

    def get_next_version(self, current: str | None, channel: None) -> str:
        return next_version(current)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        await self._database.check_lease()
        return await self._answered(super().aput(config, checkpoint, metadata, new_versions))

    # The signature must be LangGraph's: see core/store/checkpoints/sqlite.py.
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        await self._database.check_lease()
        await self._answered(super().aput_writes(config, writes, task_id, task_path))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await self._answered(super().aget_tuple(config))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        history = super().aget_delta_channel_history(config=config, channels=channels)
        return await self._answered(history)

    @asynccontextmanager
    async def _cursor(
        self, *, pipeline: bool = False
    ) -> AsyncIterator[psycopg.AsyncCursor[DictRow]]:
        # Everything that the saver does goes through here.
        with self._database.address.errors():
            await self._refresh()
            try:
                async with super()._cursor(pipeline=pipeline) as cursor:
                    yield cursor
            finally:
                self._used = self.loop.time()

    async def _refresh(self) -> None:
        """Open a connection again that has ended while no one used it."""
        async with self._opening:
            idle = self.loop.time() - self._used
            in_use = self.lock.locked()
            if not self.conn.closed and (in_use or not doubtful(self.conn.fileno(), idle)):
                return
            try:
                await self.conn.execute("SELECT 1")
            except psycopg.Error:
                await self.conn.close()
                self.conn = await _connect(self._database.address)

    async def _answered(self, work: Awaitable[T]) -> T:
        """`work`, which continues to its end when its asker is cancelled."""
        try:
            async with asyncio.timeout(limits.ANSWER_SECONDS):
                return await asyncio.shield(work)
        except TimeoutError:
            if not self.conn.closed:
                hang_up(self.conn.fileno())
            raise silent(self._database.place) from None


async def open_saver(database: PostgresDatabase) -> PostgresSaver:
    """A saver next to `database`, on its own connection. Its tables are made here;
    `saver.conn.close()` ends it."""
    with database.address.errors():
        saver = PostgresSaver(await _connect(database.address), database)
    try:
        await database.call(lock_tables)
        try:
            await saver.setup()
        finally:
            await database.call(unlock_tables)
    except BaseException:
        await saver.conn.close()
        raise
    return saver


async def _connect(address: Address) -> Connection:
    connection = await psycopg.AsyncConnection.connect(
        **address.parameters, autocommit=True, row_factory=dict_row
    )
    try:
        await connection.execute(address.greeting())
    except BaseException:
        await connection.close()
        raise
    return connection
