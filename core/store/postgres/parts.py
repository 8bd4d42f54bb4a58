"""What `core/store/database.py` opens for a postgresql:// URL."""

from collections.abc import Awaitable, Callable
from typing import Any

from core.store.postgres.lease import AdvisoryLeases
from core.store.postgres.tables import PostgresDatabase


def parts(url: str) -> tuple[PostgresDatabase, AdvisoryLeases, Callable[[], Awaitable[Any]]]:
    """The database, its leases, and what opens LangGraph's saver on it."""
    database = PostgresDatabase(url)

    async def open_saver() -> Any:
        from core.store.postgres import saver

        return await saver.open_saver(database)

    return database, AdvisoryLeases(database), open_saver
