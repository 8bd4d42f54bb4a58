"""LangGraph's saver, made safe for the way we run it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from core.store.checkpoints.serializer import StrictSerializer
from core.store.checkpoints.versions import next_version
from core.store.sqlite.connection import BUSY_SECONDS, store_errors


class Saver(AsyncSqliteSaver):
    """AsyncSqliteSaver whose writes end once they have begun.

    A write that is cancelled half-way leaves its transaction open on the connection, and the
    database locked for everyone (measured: 30 of 300 cancels). What SQLite raises (a full
    disk) becomes a StoreError about `path`.
    """

    path = Path()

    def get_next_version(self, current: str | None, channel: None) -> str:
        return next_version(current)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        with store_errors(self.path):
            return await asyncio.shield(super().aput(config, checkpoint, metadata, new_versions))

    # LangGraph reads this signature: without a parameter of the name `task_path` it drops the
    # path, and replay orders the results of parallel calls at random (measured).
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        with store_errors(self.path):
            await asyncio.shield(super().aput_writes(config, writes, task_id, task_path))


async def open_saver(path: str) -> Saver:
    """A saver on the SQLite file at `path`, on its own connection. Its tables are made
    here; `saver.conn.close()` ends it."""
    connection = await aiosqlite.connect(path, timeout=BUSY_SECONDS)
    try:
        await connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        saver = Saver(connection, serde=StrictSerializer())
        saver.jsonplus_serde = StrictSerializer()
        saver.path = Path(path)
        await saver.setup()
    except BaseException:
        # Its thread is not a daemon: left open, it keeps the program from ending (seen).
        await connection.close()
        raise
    return saver
