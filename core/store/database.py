"""Opens everything durable, behind one URL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from configs.settings import Settings
from core.errors import StoreError
from core.secrets.redaction import keep_digests_in
from core.store.ledger import SqlLedger
from core.store.rows import SqlDecisions, SqlFilesSeen, SqlGrants, SqlInbox, SqlJournal
from core.store.sqlite.connection import store_errors
from core.store.sqlite.lease import FileLeases, Leases
from core.store.sqlite.tables import Database, SqliteDatabase
from core.store.threads import ThreadRow, ThreadRows

if TYPE_CHECKING:
    from core.store.checkpoints.postgres import PostgresSaver
    from core.store.checkpoints.sqlite import Saver


def _database(settings: Settings) -> tuple[Database, Leases]:
    """The database that `settings` name, and the leases of its threads."""
    url, state = settings.database_url, settings.state_path()
    if url.startswith(("postgresql://", "postgres://")):
        try:
            from core.store.postgres.lease import AdvisoryLeases
            from core.store.postgres.tables import PostgresDatabase
        except ImportError as error:
            said = str(error).splitlines()[0]
            raise StoreError(
                f"a postgresql:// database needs packages that are not installed: {said}",
                "pip install 'ml-agent[postgres]', in a checkout: uv sync --extra postgres",
            ) from None
        postgres = PostgresDatabase(url)
        return postgres, AdvisoryLeases(postgres)
    if url and not url.startswith("sqlite:///"):
        raise StoreError(
            f"threads are stored in SQLite or Postgres, not in {url.split('://')[0]}",
            "set ML_AGENT_DATABASE_URL to sqlite:////absolute/path.db or "
            "postgresql://user:password@host/database, or leave it unset",
        )
    path = state / "ml-agent.db"
    if url:
        path = Path(url.removeprefix("sqlite:///")).expanduser().absolute()
    # Next to the file: whoever shares it, with whatever state directory, shares the locks.
    return SqliteDatabase(path), FileLeases(path.parent / "locks")


class Store:
    """Everything durable of one process.

    Attributes: threads, inbox, journal, files_seen: our tables. place: which database it is,
    for a user; no password in it. `saver()` opens LangGraph's checkpoints, on a connection
    of its own, when they are first needed.
    """

    def __init__(self, settings: Settings) -> None:
        self._state = settings.state_path()
        self._database, self._leases = _database(settings)
        self.place = self._database.place
        self._saver: Saver | PostgresSaver | None = None
        self.threads = ThreadRows(self._database)
        self.inbox = SqlInbox(self._database)
        self.journal = SqlJournal(self._database)
        self.files_seen = SqlFilesSeen(self._database)
        self.ledger = SqlLedger(self._database)
        self.decisions = SqlDecisions(self._database)
        self.grants = SqlGrants(self._database)

    async def saver(self) -> Saver | PostgresSaver:
        """LangGraph's checkpointer. The import is late: a list of threads needs none of it."""
        if self._saver is None:
            if isinstance(self._database, SqliteDatabase):
                from core.store.checkpoints.sqlite import open_saver

                with store_errors(self._database.path):
                    self._saver = await open_saver(self.place)
            else:
                from core.store.checkpoints import postgres as postgres_saver
                from core.store.postgres.tables import PostgresDatabase

                assert isinstance(self._database, PostgresDatabase)
                self._saver = await postgres_saver.open_saver(self._database)
        return self._saver

    @property
    def database(self) -> Database:
        """Our own tables' connection, for further tables."""
        return self._database

    def lease(self, thread: str) -> AbstractAsyncContextManager[None]:
        """Drive `thread` alone while the block runs. Raises ThreadBusy."""
        return self._leases.hold(thread)

    def is_driven(self, thread: str) -> bool:
        """Whether some process drives the thread right now."""
        return self._leases.is_held(thread)

    def standing(self, row: ThreadRow) -> str:
        """The state of its last turn; "cut off": it runs, and no one drives it."""
        if row.status == "running" and not self.is_driven(row.id):
            return "cut off"
        return row.status

    async def size(self) -> int:
        """Bytes that the database takes."""
        return await self._database.size()

    async def delete_held(self, threads: Sequence[str]) -> None:
        """Remove threads whose leases the caller holds, with all they left: rows, checkpoints, run
        directories. Their space in the database is free after `database.reclaim`."""
        await self.threads.delete(threads)
        for thread in threads:
            await asyncio.to_thread(shutil.rmtree, self.folder_of(thread), ignore_errors=True)
            self._leases.forget(thread)

    def folder_of(self, thread: str) -> Path:
        """Where a thread's run directories and saved results are."""
        return self._state / "threads" / thread

    async def close(self) -> None:
        """Close both connections. Closing twice is fine."""
        if self._saver is not None:
            saver, self._saver = self._saver, None
            await saver.conn.close()
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


async def open_store(settings: Settings) -> Store:
    """Open the database that `settings` name, made and migrated where needed.

    Raises StoreError (a folder or disk that cannot be used), NewerDatabase.
    """
    store = Store(settings)
    await store._database.open()
    keep_digests_in(settings.state_path())
    return store
