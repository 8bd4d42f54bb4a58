"""LangGraph's saver for SQLite, on our connection."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver

from core.store.base.database import Database
from core.store.checkpoints.saver import GroupedSaver
from core.store.checkpoints.serializer import StrictSerializer


class SqliteCheckpoints(GroupedSaver, SqliteSaver):
    def __init__(self, database: Database) -> None:
        super().__init__(None, serde=StrictSerializer())  # type: ignore[arg-type]
        self.jsonplus_serde = StrictSerializer()
        self.database = database

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[Any]:
        if self.writing.recorder is not None:
            yield self.writing.recorder
            return
        with closing(self.conn.cursor()) as cursor:
            yield cursor


async def open_saver(database: Database) -> SqliteCheckpoints:
    """A saver whose tables are there."""
    saver = SqliteCheckpoints(database)
    await saver.on_connection(saver.setup)
    return saver
