"""LangGraph's checkpoints on the connection of our tables, written with them.

Each of the two savers (sqlite.py, postgres.py) is LangGraph's own for that database: its SQL, its
tables. What it reads is read on our connection; what it writes is recorded and given to
`Database.later`, so that a checkpoint and the journal rows that it follows are one transaction.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)

from core.store.base.database import Database, Statement
from core.store.checkpoints.versions import next_version

T = TypeVar("T")


class Recorder:
    """Stands for a cursor while a saver writes. Placeholders become those of `Database`."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        self.statements.append((sql.replace("%s", "?"), params))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        for params in rows:
            self.execute(sql, params)


class Writing(threading.local):
    """The recorder of a thread: while one writes, the database's own may read."""

    recorder: Recorder | None = None


class GroupedSaver(BaseCheckpointSaver[str]):
    """To be mixed in before a blocking saver of LangGraph's, which takes its cursors from
    `writing.recorder`, if there is one, else from `conn`."""

    database: Database
    writing = Writing()
    conn: Any
    #: What came before the checkpoint that was asked about last; that never changes. A turn asks
    #: twice: for the thread's state, and to run the graph from there.
    _history: tuple[object, Mapping[str, DeltaChannelHistory]] | None = None

    def get_next_version(self, current: str | None, channel: None) -> str:
        return next_version(current)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        read = super().get_tuple
        return await self.on_connection(lambda: read(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        read = super().list
        found = await self.on_connection(
            lambda: list(read(config, filter=filter, before=before, limit=limit))
        )
        for checkpoint in found:
            yield checkpoint

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        read = super().get_delta_channel_history
        where = config["configurable"]
        names = ("thread_id", "checkpoint_ns", "checkpoint_id")
        place = (*(where.get(name) for name in names), *channels)
        if self._history is None or self._history[0] != place or not where.get("checkpoint_id"):
            found = await self.on_connection(lambda: read(config=config, channels=channels))
            self._history = place, found
        return self._history[1]

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        put = super().put
        return await self._written(lambda: put(config, checkpoint, metadata, new_versions))

    # LangGraph reads this signature: without a parameter of the name `task_path` it drops the
    # path, and replay orders the results of parallel calls at random (measured).
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        put = super().put_writes
        await self._written(lambda: put(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        delete = super().delete_thread
        await self._written(lambda: delete(thread_id))

    async def on_connection(self, work: Callable[[], T]) -> T:
        """The result of `work`, for which `conn` is our connection."""

        def run(connection: Any) -> T:
            self.conn = connection
            return work()

        return await self.database.call(run)

    async def _written(self, put: Callable[[], T]) -> T:
        self.database.check()
        self.writing.recorder = recorder = Recorder()
        try:
            result = put()
        finally:
            self.writing.recorder = None
        await self.database.later(recorder.statements)
        return result
