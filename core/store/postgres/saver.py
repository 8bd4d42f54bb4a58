"""LangGraph's saver for Postgres, on our connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg.rows import dict_row

from core.store.base.database import Database
from core.store.checkpoints.saver import GroupedSaver
from core.store.checkpoints.serializer import StrictSerializer
from core.store.postgres.schema import lock_tables, unlock_tables


class PostgresCheckpoints(GroupedSaver, PostgresSaver):
    def __init__(self, database: Database) -> None:
        super().__init__(None, serde=StrictSerializer())  # type: ignore[arg-type]
        self.database = database

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[Any]:
        if self.writing.recorder is not None:
            yield self.writing.recorder
            return
        # Not the connection's own kind, which puts values into the text: these have types.
        with psycopg.Cursor(self.conn, row_factory=dict_row) as cursor:
            cursor.format = psycopg.pq.Format.BINARY
            yield cursor

    def make_tables(self) -> None:
        lock_tables(self.conn)
        try:
            self.setup()
        finally:
            unlock_tables(self.conn)


async def open_saver(database: Database) -> PostgresCheckpoints:
    """A saver whose tables are there."""
    saver = PostgresCheckpoints(database)
    await saver.on_connection(saver.make_tables)
    return saver
