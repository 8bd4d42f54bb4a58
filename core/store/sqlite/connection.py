"""What a connection to a SQLite file needs: waiting, transactions, and errors in words."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from configs.folders import make_private_folder
from core.errors import StoreError

T = TypeVar("T")

#: How long a statement waits for another process's write, in seconds.
BUSY_SECONDS = 30.0


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its start.

    Not a deferred one: that reads first, and fails at its first write if another process
    wrote in between, whatever the time-out (measured).
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has rolled back already; a second ROLLBACK would hide why.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def patiently(work: Callable[[], T]) -> T:
    """Repeat `work` while another process has the file locked.

    The switch to WAL and the first reads during it fail at once, whatever the connection's
    busy time-out says: SQLite does not call its busy handler there.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another process has the file locked."""
    # Extended codes carry the primary one in their low byte.
    code = error.sqlite_errorcode & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def make_private(path: Path) -> None:
    """Create the file's folder and the file, readable by their owner only: threads hold what
    people and programs said. SQLite gives the files next to it the same rights.

    A file that is there is not opened: closing any descriptor of it would drop the locks that other
    connections of this process hold (POSIX), and another process could then delete the log that
    they write to.
    """
    make_private_folder(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class StoreErrors:
    """Turns what SQLite and the file system raise in its block into a StoreError about `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise _in_words(error, self._path) from error
        if isinstance(error, OSError):
            raise StoreError(
                f"cannot use the database {self._path}: {error.strerror or error}",
                "check the folder's owner and rights, or set ML_AGENT_DATABASE_URL or "
                "ML_AGENT_STATE_DIR to another place",
            ) from error


_ELSEWHERE = "or set ML_AGENT_DATABASE_URL to another place"

#: By SQLite's primary result code: what happened, and what to do.
_WORDS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: (
        "the disk with the database {path} is full",
        f"free some space and run again: what was stored is intact; {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_IOERR: (
        "the database {path} cannot be read or written: {error}",
        f"check that disk's free space, quota and health, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_READONLY: (
        "the database {path} is read-only",
        f"make the file and its folder writable for you, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot open the database {path}",
        f"check that its folder exists and is writable for you, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_PERM: (
        "no permission to use the database {path}",
        f"check its owner and rights, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_NOTADB: (
        "{path} is not an SQLite database",
        f"move that file away, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "the database {path} is damaged: {error}",
        f"restore it from a copy, or move it away to start again, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_BUSY: (
        f"another process kept the database {{path}} locked for {BUSY_SECONDS:.0f} seconds",
        "look for a stopped ml-agent or database tool that has it open, then run again",
    ),
}


def _in_words(error: sqlite3.Error, path: Path) -> StoreError:
    # Extended codes carry the primary one in their low byte. Errors of the Python module
    # itself have none.
    code = getattr(error, "sqlite_errorcode", None)
    known = _WORDS.get(code & 0xFF) if code is not None else None
    if known is None:
        return StoreError(f"the database {path} failed: {error}")
    message, hint = known
    return StoreError(message.format(path=path, error=error), hint)
