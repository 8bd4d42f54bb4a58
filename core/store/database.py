"""Opens everything durable, behind one URL."""

from __future__ import annotations

import asyncio
import importlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from configs.settings import Settings
from core.durable import WaitRow
from core.errors import StoreError
from core.secrets.redaction import keep_digests_in
from core.store.base.database import Database
from core.store.experiments import SqlExperiments
from core.store.goals import SqlGoals
from core.store.ledger import SqlLedger
from core.store.rows import SqlDecisions, SqlFilesSeen, SqlGrants, SqlInbox, SqlJournal
from core.store.search import SqlSearch
from core.store.sqlite.lease import FileLeases, Leases
from core.store.sqlite.tables import SqliteDatabase
from core.store.threads import ThreadRow, ThreadRows
from core.store.waits import SqlWaits

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

#: Databases other than SQLite, by a URL's scheme: what makes their parts.
OTHERS = {
    "postgresql": "core.store.postgres.parts:parts",
}
#: A database, the leases of its threads, and what opens LangGraph's saver on it.
Parts = tuple[Database, Leases, Callable[[], Awaitable[Any]]]


def _parts(settings: Settings) -> Parts:
    """Of the database that `settings` name."""
    url = settings.database_url
    scheme = url.partition("://")[0]
    scheme = "postgresql" if scheme == "postgres" else scheme
    if scheme in OTHERS:
        module, _, name = OTHERS[scheme].partition(":")
        try:
            parts: Parts = getattr(importlib.import_module(module), name)(url)
        except ImportError as error:
            said = str(error).splitlines()[0]
            raise StoreError(
                f"a postgresql:// database needs packages that are not installed: {said}",
                "pip install 'ml-agent[postgres]', in a checkout: uv sync --extra postgres",
            ) from None
        return parts
    if url and not url.startswith("sqlite:///"):
        raise StoreError(
            f"sessions are stored in SQLite or Postgres, not in {scheme}",
            "set ML_AGENT_DATABASE_URL to sqlite:////absolute/path.db or "
            "postgresql://user:password@host/database, or leave it unset",
        )
    path = settings.state_path() / "ml-agent.db"
    if url:
        path = Path(url.removeprefix("sqlite:///")).expanduser().absolute()

    database = SqliteDatabase(path)

    async def open_saver() -> Any:
        from core.store.checkpoints import sqlite

        return await sqlite.open_saver(database)

    # Next to the file: whoever shares it, with whatever state directory, shares the locks.
    return database, FileLeases(path.parent / "locks"), open_saver


class Store:
    """Everything durable of one process.

    Attributes: threads, inbox, journal, files_seen: our tables. place: which database it is,
    for a user; no password in it. `saver()` opens LangGraph's checkpoints, on the same
    connection, when they are first needed.
    """

    def __init__(self, settings: Settings) -> None:
        self._state = settings.state_path()
        self._database, self._leases, self._open_saver = _parts(settings)
        self.place = self._database.place
        self._saver: Any = None
        self._opening = asyncio.Lock()
        self.threads = ThreadRows(self._database)
        self.inbox = SqlInbox(self._database)
        self.journal = SqlJournal(self._database)
        self.files_seen = SqlFilesSeen(self._database)
        self.ledger = SqlLedger(self._database)
        self.decisions = SqlDecisions(self._database)
        self.grants = SqlGrants(self._database)
        self.waits = SqlWaits(self._database)
        self.experiments = SqlExperiments(self._database)
        self.goals = SqlGoals(self._database)
        self.search = SqlSearch(self._database)

    async def saver(self) -> BaseCheckpointSaver[str]:
        """LangGraph's checkpointer. The import is late: a list of threads needs none of it."""
        async with self._opening:
            # Two turns that begin at once get one: a second would stay open, and hold the process.
            if self._saver is None:
                self._saver = await self._open_saver()
        saver: BaseCheckpointSaver[str] = self._saver
        return saver

    @property
    def database(self) -> Database:
        """The connection, for further tables."""
        return self._database

    @asynccontextmanager
    async def lease(self, thread: str) -> AsyncIterator[None]:
        """Drive `thread` alone while the block runs; what it wrote is on disk then. Raises
        ThreadBusy."""
        async with self._leases.hold(thread):
            try:
                yield
            finally:
                await self._database.flush()

    async def wake(self, row: WaitRow, happened: dict[str, Any]) -> bool:
        """Store what has happened of that which a thread waits for. False: something else did
        before. Raises ThreadBusy."""
        async with self.lease(row.thread):
            now = await self.waits.wake(row.thread, row.call_id, happened)
        return now is not None and now.event == happened

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
        """Put on disk what waits, and close the connection. Closing twice is fine."""
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
