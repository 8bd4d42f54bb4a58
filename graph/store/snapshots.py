"""The files of a thread's folder at the start and the end of each turn, for undo.

A turn is named by the checkpoint before it, which no other turn of the thread has. Snapshots are
this machine's: on another one undo covers the conversation alone, and says so.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graph.store.restore import Plan, carried_out, planned
from graph.store.shadow import Shadow, Snapshot, locked, sweep
from graph.store.sqlite import Database

#: What a repository that is damaged, or no git, raises: neither keeps a thread from being deleted.
DAMAGED = (OSError, subprocess.CalledProcessError)


@dataclass(frozen=True)
class TurnFiles:
    """start, finish: snapshot ids; "" where there is none. off: why."""

    start: str
    finish: str
    off: str


class Snapshots:
    """Snapshots of folders, and which turn has which.

    Args:
        state: the state directory. is_secret: whether a path is known to hold credentials.
    """

    def __init__(self, database: Database, state: Path, is_secret: Callable[[str], bool]) -> None:
        self._database = database
        self._home = state / "snapshots"
        self._is_secret = is_secret
        self._lock = asyncio.Lock()

    def _shadow(self, cwd: str) -> Shadow:
        return Shadow(self._home, os.path.realpath(cwd), self._is_secret)

    async def take(self, cwd: str) -> Snapshot:
        """The folder as it is. A snapshot that cannot be taken says why in `off`, and never
        fails a turn."""
        async with self._lock:
            try:
                return await asyncio.to_thread(self._shadow(cwd).take, time.time())
            except (OSError, subprocess.CalledProcessError, ValueError) as error:
                return Snapshot(off=f"it failed: {error}")

    async def begin(self, thread: str, before: str, cwd: str, snapshot: Snapshot) -> None:
        """Store what the turn that follows checkpoint `before` starts from. A turn that was
        begun already keeps its start."""
        await self._keep(thread, before, "start", cwd, snapshot)
        await self._database.rows(
            "INSERT INTO snapshots (thread, before_id, start, finish, off) "
            "VALUES (?, ?, ?, '', ?) ON CONFLICT DO NOTHING",
            [thread, before, snapshot.id, snapshot.off],
        )

    async def finish(self, thread: str, before: str, cwd: str, snapshot: Snapshot) -> None:
        """Store what the turn ended with."""
        await self._keep(thread, before, "finish", cwd, snapshot)
        await self._database.rows(
            "UPDATE snapshots SET finish = ?, off = CASE WHEN off = '' THEN ? ELSE off END "
            "WHERE thread = ? AND before_id = ?",
            [snapshot.id, snapshot.off, thread, before],
        )

    async def of(self, thread: str, before: str) -> TurnFiles | None:
        found = await self._database.rows(
            "SELECT start, finish, off FROM snapshots WHERE thread = ? AND before_id = ?",
            [thread, before],
        )
        return TurnFiles(*map(str, found[0])) if found else None

    async def plan(self, cwd: str, steps: Sequence[tuple[str, str]]) -> Plan:
        """What bringing each step's files back would do, the newest step first; a step is
        (snapshot that is wanted, snapshot that the step left behind)."""
        current = await self.take(cwd)
        if current.off:
            return Plan({}, left={cwd: current.off})
        return await asyncio.to_thread(self._planned, cwd, current.id, steps)

    def _planned(self, cwd: str, now: str, steps: Sequence[tuple[str, str]]) -> Plan:
        shadow = self._shadow(cwd)
        pairs = [(shadow.entries(wanted), shadow.entries(left)) for wanted, left in steps]
        return planned(shadow.entries(now), pairs)

    async def restore(self, cwd: str, plan: Plan) -> Plan:
        """Carry `plan` out."""
        return await asyncio.to_thread(carried_out, plan, self._shadow(cwd))

    async def left_out(self, cwd: str, snapshot: str) -> dict[str, str]:
        """Files that a snapshot does not have, with the reason."""
        return await asyncio.to_thread(self._shadow(cwd).left_out, snapshot)

    async def forget(self, threads: Collection[str], cwd: str) -> None:
        """Let go of the snapshots of threads in one folder. Their rows go with the threads'."""
        with suppress(*DAMAGED):
            await asyncio.to_thread(self._shadow(cwd).forget, threads)

    async def drop_unused(self, folders: Iterable[str]) -> int:
        """Remove the shadow repositories of those `folders` in which no thread is any more; their
        bytes. Where snapshots are being taken right now, nothing is removed."""
        if not self._home.is_dir():
            return 0
        freed = 0
        async with self._lock:
            # A thread's row is there before its first snapshot: whoever waits for the lock to take
            # one starts with a repository of its own, whoever took one is found among the rows.
            with suppress(BlockingIOError), locked(self._home, fcntl.LOCK_EX | fcntl.LOCK_NB):
                rows = await self._database.rows("SELECT DISTINCT cwd FROM threads")
                used = await asyncio.to_thread(_real, [str(cwd) for (cwd,) in rows])
                for folder in await asyncio.to_thread(_real, folders) - used:
                    with suppress(*DAMAGED):
                        freed += await asyncio.to_thread(self._shadow(folder).discard)
        await asyncio.to_thread(sweep, self._home)
        return freed

    async def _keep(
        self, thread: str, before: str, which: str, cwd: str, snapshot: Snapshot
    ) -> None:
        if snapshot.id:
            name = hashlib.sha256(before.encode()).hexdigest()[:24]
            keep = self._shadow(cwd).keep
            await asyncio.to_thread(keep, f"{thread}/{name}-{which}", snapshot.id)


def _real(folders: Iterable[str]) -> set[str]:
    return {os.path.realpath(folder) for folder in folders}
