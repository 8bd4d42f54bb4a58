"""Opens everything durable, behind one URL."""

from __future__ import annotations

import shutil
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from configs.settings import Settings
from graph.errors import StoreError
from graph.store.connection import store_errors
from graph.store.files_seen import SqlFilesSeen
from graph.store.inbox import SqlInbox
from graph.store.journal import SqlJournal
from graph.store.lease import is_held, lease
from graph.store.ledger import SqlLedger
from graph.store.sqlite import Database, SqliteDatabase
from graph.store.threads import ThreadRows

if TYPE_CHECKING:
    from graph.store.checkpoints import Saver


def database_path(settings: Settings) -> Path:
    """The SQLite file that `settings` name. Raises StoreError for a URL of another kind."""
    url = settings.database_url
    if not url:
        return settings.state_path() / "ml-agent.db"
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite:///")).expanduser().absolute()
    scheme = url.split("://")[0]
    raise StoreError(
        f"this version stores threads in SQLite; it cannot open a {scheme}:// database",
        "set ML_AGENT_DATABASE_URL to sqlite:////absolute/path.db, or leave it unset",
    )


class Store:
    """Everything durable of one process.

    Attributes: threads, inbox, journal, files_seen: our tables. `saver()` opens LangGraph's
    checkpoints, on a connection of its own, when they are first needed.
    """

    def __init__(self, settings: Settings) -> None:
        self.path = database_path(settings)
        self._state = settings.state_path()
        self._database = SqliteDatabase(self.path)
        self._saver: Saver | None = None
        self.threads = ThreadRows(self._database)
        self.inbox = SqlInbox(self._database)
        self.journal = SqlJournal(self._database)
        self.files_seen = SqlFilesSeen(self._database)
        self.ledger = SqlLedger(self._database)

    async def saver(self) -> Saver:
        """LangGraph's checkpointer. The import is late: a list of threads needs none of it."""
        if self._saver is None:
            from graph.store.checkpoints import open_saver

            with store_errors(self.path):
                self._saver = await open_saver(str(self.path))
        return self._saver

    @property
    def database(self) -> Database:
        """Our own tables' connection, for further tables."""
        return self._database

    def lease(self, thread: str) -> AbstractAsyncContextManager[None]:
        """Drive `thread` alone while the block runs. Raises ThreadBusy."""
        return lease(self._state / "locks", thread)

    def is_driven(self, thread: str) -> bool:
        """Whether some process drives the thread right now."""
        return is_held(self._state / "locks", thread)

    async def delete_thread(self, thread: str) -> None:
        """Remove a thread with all it left: rows, checkpoints, run directories.

        Raises ThreadBusy while a process drives it.
        """
        async with self.lease(thread):
            await self.threads.delete(thread)
            shutil.rmtree(self._state / "threads" / thread, ignore_errors=True)
            (self._state / "locks" / f"{thread}.lock").unlink(missing_ok=True)

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
    return store
