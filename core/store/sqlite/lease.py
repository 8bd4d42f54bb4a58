"""The lease: one driver per thread, held during a turn.

Two drivers corrupt a thread without any error (measured: a whole turn gone). Next to a SQLite
file it is a file lock: free at once after kill -9, refused to a second open in the same
process too. On Postgres, core/store/postgres/lease.py.
"""

import asyncio
import fcntl
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from configs.folders import is_locked, make_private_folder
from core.errors import StoreError, ThreadBusy


class Leases(Protocol):
    """Who drives which thread."""

    def hold(self, thread: str) -> AbstractAsyncContextManager[None]:
        """Drive `thread` alone while the block runs. Raises ThreadBusy, StoreError."""

    def is_held(self, thread: str) -> bool:
        """Whether some process drives the thread right now."""

    def forget(self, thread: str) -> None:
        """Leave nothing of a thread that is deleted, by whom holds it."""


class FileLeases:
    """`Leases` of all processes that share a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def hold(self, thread: str) -> AsyncIterator[None]:
        """Raises ThreadBusy, naming who holds it; StoreError where the folder cannot be used."""
        descriptor = await _acquire(self._folder, thread)
        try:
            yield
        finally:
            # Closing frees the lock. The file stays: removing it would let two processes lock
            # two files of one name.
            os.close(descriptor)

    def is_held(self, thread: str) -> bool:
        """Only looks: nothing is created."""
        try:
            return is_locked(self._folder / f"{thread}.lock")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"cannot use {self._folder}: {error.strerror}") from error

    def forget(self, thread: str) -> None:
        (self._folder / f"{thread}.lock").unlink(missing_ok=True)


def described(pid: int, host: str, since: float) -> str:
    """Who drives a thread, in words; `since` in epoch seconds."""
    return f"process {pid} on {host} since {time.strftime('%H:%M:%S', time.localtime(since))}"


#: How often, and after how many seconds, a lock is tried again: someone who only looks
#: (`is_held`) has it for an instant.
TRIES, PAUSE = 5, 0.02


async def _acquire(folder: Path, thread: str) -> int:
    descriptor = _opened(folder / f"{thread}.lock")
    try:
        await _lock(descriptor, thread)
    except BaseException:
        os.close(descriptor)
        raise
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(who).encode(), 0)
    return descriptor


def _opened(path: Path) -> int:
    try:
        make_private_folder(path.parent)
        # Not inheritable (PEP 446): no command of ours can keep it.
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror}") from error


async def _lock(descriptor: int, thread: str) -> None:
    for _ in range(TRIES):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(PAUSE)
    holder = os.pread(descriptor, 1000, 0)
    raise ThreadBusy(f"session {thread} is already open in {_described(holder)}")


def _described(holder: bytes) -> str:
    try:
        who = json.loads(holder)
        return described(who["pid"], who["host"], who["since"])
    except (ValueError, KeyError, TypeError):
        return "another process"
