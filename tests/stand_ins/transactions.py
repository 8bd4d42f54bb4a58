"""Counts the transactions in which a store writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.store import Store
from core.store.sqlite.tables import SqliteDatabase


@dataclass
class Count:
    count: int = 0


@contextmanager
def counted(store: Store) -> Iterator[Count]:
    """SQLite tells of each statement; Postgres gets a transaction as one string."""
    database, found = store.database, Count()
    if isinstance(database, SqliteDatabase):

        def traced(sql: str) -> None:
            found.count += sql == "COMMIT"

        connection = database._open()
        connection.set_trace_callback(traced)
        try:
            yield found
        finally:
            connection.set_trace_callback(None)
        return
    commit = database._commit

    async def counting(statements):  # type: ignore[no-untyped-def]
        found.count += 1
        return await commit(statements)

    database._commit = counting  # type: ignore[method-assign]
    try:
        yield found
    finally:
        database._commit = commit  # type: ignore[method-assign]
