"""What each turn did to the files of a thread's folder, for undo.

A turn is named by the checkpoint before it, which no other turn of the thread has. Records are this
machine's: on another one undo covers the conversation alone, and says so.
"""

import asyncio
import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from configs.real_path import real_path
from core.store.base.database import Database
from core.store.files.entries import Scan
from core.store.files.file_snapshots import Shadow, locked, sweep
from core.store.files.restore import RestorePlan, Step, carried_out, planned, remove_empty
from core.store.files.scan import Scanner
from core.store.files.turn_changes import Changes, Records

#: What a repository that is damaged, or no git, raises: neither keeps a thread from being deleted,
#: nor fails a turn.
DAMAGED = (OSError, subprocess.CalledProcessError, ValueError)
AT_ONCE = "another session worked in this folder at the same time"
CUT_OFF = "it changed after the session was cut off"


@dataclass(frozen=True)
class Turn:
    """A turn, as its record is found: its thread, the checkpoint before it, its folder."""

    thread: str
    before: str
    cwd: str


class Snapshots:
    """Looks at folders, and the records of turns.

    Args:
        state: the state directory. is_secret: whether a path is known to hold credentials.
        is_driven: whether a thread has a turn under way, in whichever process.
    """

    def __init__(
        self,
        database: Database,
        state: Path,
        is_secret: Callable[[str], bool],
        is_driven: Callable[[str], bool] = lambda thread: False,
    ) -> None:
        self._database = database
        self._home = state / "snapshots"
        self._is_secret = is_secret
        self._is_driven = is_driven
        self._scanners: dict[str, Scanner] = {}
        self._lock = asyncio.Lock()

    def _shadow(self, cwd: str) -> Shadow:
        return Shadow(self._home, real_path(cwd))

    def _scanner(self, cwd: str) -> Scanner:
        shadow = self._shadow(cwd)
        if shadow.folder not in self._scanners:
            self._scanners[shadow.folder] = Scanner(shadow, self._is_secret)
        return self._scanners[shadow.folder]

    def _records(self, turn: Turn) -> Records:
        return Records(self._shadow(turn.cwd).turns_of(turn.thread))

    async def look(
        self, cwd: str, names: Collection[str] | None = None, also: Collection[str] = ()
    ) -> Scan:
        """The folder as it is, or these paths of it. A look that fails says why in `off`."""

        def work() -> Scan:
            scanner, now = self._scanner(cwd), time.time()
            if names is None:
                return scanner.scan(now, also)
            return scanner.look(names, now)

        async with self._lock:
            try:
                return await asyncio.to_thread(work)
            except DAMAGED as error:
                return Scan(off=f"it failed: {error}")

    async def begin(self, turn: Turn) -> None:
        """Make the turn's record, and read the folder once, so that the looks at its calls are
        quick. A turn that was begun already keeps its record."""
        if await self.changes(turn) is None:
            found = await self.look(turn.cwd)
            await self._put(turn, Changes(turn.before, off=found.off))
            with suppress(*DAMAGED):
                await asyncio.to_thread(self._scanner(turn.cwd).save)

    async def changes(self, turn: Turn) -> Changes | None:
        """The turn's record; None: none was made, or on another machine."""
        return await asyncio.to_thread(self._records(turn).get, turn.before)

    async def enter(self, turn: Turn, only: Collection[str] | None, unsure: Scan | None) -> Scan:
        """A call begins that may change files, `only` these or any; how the folder stands.
        `unsure`: an earlier look; what changed since then is of unknown origin."""
        changes = await self.changes(turn)
        if changes is None:
            said = "the turn began before its files were kept"
            changes = Changes(turn.before, off=said)
        base = await self.look(turn.cwd, only, () if unsure is None else unsure.entries)
        if base.off:
            changes.off = base.off
            await self._put(turn, changes)
            return base
        if unsure is not None and only is None:
            said = "a command in the background may have changed it, or something else"
            changes.dispute(unsure, base, said)
        records = self._records(turn)
        changes.open = await asyncio.to_thread(records.put_look, base)
        changes.only = None if only is None else sorted(only)
        await self._put(turn, changes)
        return base

    async def leave(self, turn: Turn, base: Scan, *, goes_on: bool) -> Scan:
        """A call has ended: what changed since `base` is the turn's. `goes_on`: another call that
        may change files still runs."""
        changes = await self.changes(turn)
        if changes is None:
            return Scan(off="its record is gone")
        after = await self._count(turn, changes, base, None)
        changes.open = ""
        if goes_on and not after.off:
            changes.open = await asyncio.to_thread(self._records(turn).put_look, after)
        await self._put(turn, changes)
        await asyncio.to_thread(self._records(turn).sweep)
        return after

    async def open_look(self, turn: Turn) -> Scan | None:
        """How the folder stood when a call began that a killed process did not end."""
        changes = await self.changes(turn)
        if changes is None or not changes.open:
            return None
        return await asyncio.to_thread(self._records(turn).look, changes.open)

    async def close_cut_off(
        self, turn: Turn, ended: float | None, *, store: bool = True
    ) -> Changes | None:
        """The turn's record, with what a killed process left open closed. `ended`: when its last
        command ended, epoch seconds; None: it still runs. What changed later is not the turn's."""
        changes = await self.changes(turn)
        if changes is None or not changes.open:
            return changes
        base = await asyncio.to_thread(self._records(turn).look, changes.open)
        if base is not None:
            await self._count(turn, changes, base, ended)
        changes.open = ""
        if store:
            await self._put(turn, changes)
            await asyncio.to_thread(self._records(turn).sweep)
        return changes

    async def _count(self, turn: Turn, changes: Changes, base: Scan, ended: float | None) -> Scan:
        after = await self.look(turn.cwd, changes.only, base.entries)
        if after.off:
            changes.off = after.off
            return after
        folder = self._shadow(turn.cwd).folder
        theirs: set[str] | None = set()
        if changes.only is None:
            theirs = await self._theirs(turn, base.at)

        def doubt(name: str, entry: object) -> str:
            if ended is not None and _changed(folder, name, after) > ended:
                return CUT_OFF
            return AT_ONCE if theirs is None or name in theirs else ""

        changes.add(base, after, doubt)
        return after

    async def _theirs(self, turn: Turn, since: float) -> set[str] | None:
        """What other threads changed in the folder since then; None: a command of one may have
        changed anything."""
        mine = self._shadow(turn.cwd).turns_of(turn.thread)

        def work() -> set[str] | None:
            found: set[str] = set()
            for folder in self._shadow(turn.cwd).all_turns():
                # A look is there while a call runs, or was cut off.
                driven = bool(list(folder.glob("*.look"))) and self._is_driven(unquote(folder.name))
                if folder == mine or (not driven and folder.stat().st_mtime < since - 1):
                    continue  # each record that is written changes its folder, too
                for changes in Records(folder).since(since):
                    is_open = driven and changes.open
                    if is_open and changes.only is None:
                        return None
                    found |= {*changes.files, *((changes.only or ()) if is_open else ())}
            return found

        return await asyncio.to_thread(work)

    async def put_undone(self, turn: Turn, spared: Iterable[str], made: Iterable[str] = ()) -> None:
        """Remember what an undo of the turn does not touch, and the folders that it made."""
        changes = await self.changes(turn)
        if changes is not None:
            changes.spared, changes.made = sorted(spared), [*made]
            await self._put(turn, changes)

    async def put_redone(self, turn: Turn) -> None:
        """The turn is done again: what undo had to make goes, too."""
        changes = await self.changes(turn)
        if changes is not None:
            folder = self._shadow(turn.cwd).folder
            await asyncio.to_thread(remove_empty, folder, changes.made)
            changes.spared, changes.made = None, []
            await self._put(turn, changes)

    async def of_older_version(self, turn: Turn) -> Step | None:
        """A turn that an older version kept, whole trees at its start and end."""
        found = await self._database.rows(
            "SELECT start, finish FROM snapshots WHERE thread = ? AND before_id = ?",
            [turn.thread, turn.before],
        )
        start, finish = map(str, found[0]) if found else ("", "")
        if not start or not finish:
            return None
        shadow = self._shadow(turn.cwd)
        try:
            wanted = await asyncio.to_thread(shadow.entries, start)
            left = await asyncio.to_thread(shadow.entries, finish)
        except DAMAGED:
            return None
        names = {name for name in {*wanted, *left} if wanted.get(name) != left.get(name)}
        return Step({n: wanted.get(n) for n in names}, {n: left.get(n) for n in names})

    async def plan(self, cwd: str, steps: Sequence[Step]) -> RestorePlan:
        """What bringing each step's files back would do, the newest step first."""
        now = await self.look(cwd, sorted({name for step in steps for name in step.names()}))
        if now.off:
            return RestorePlan(now, left={cwd: now.off})
        return planned(now, steps)

    async def restore(self, cwd: str, plan: RestorePlan) -> RestorePlan:
        """Carry `plan` out."""
        return await asyncio.to_thread(carried_out, plan, self._shadow(cwd))

    async def forget(self, threads: Collection[str], cwd: str) -> None:
        """Let go of what was kept of threads in one folder."""
        with suppress(*DAMAGED):
            await asyncio.to_thread(self._shadow(cwd).forget, threads)

    async def drop_unused(self, folders: Iterable[str]) -> int:
        """Remove the shadow repositories of those `folders` in which no thread is any more; their
        bytes. While a folder is being looked at, nothing is removed."""
        if not self._home.is_dir():
            return 0
        freed = 0
        async with self._lock:
            # A thread's row is there before its first look: whoever waits for the lock to take
            # one starts with its own repository, whoever took one is found among the rows.
            with suppress(BlockingIOError), locked(self._home, fcntl.LOCK_EX | fcntl.LOCK_NB):
                rows = await self._database.rows("SELECT DISTINCT cwd FROM threads")
                used = await asyncio.to_thread(_real, [str(cwd) for (cwd,) in rows])
                for folder in await asyncio.to_thread(_real, folders) - used:
                    with suppress(*DAMAGED):
                        freed += await asyncio.to_thread(self._shadow(folder).discard)
        await asyncio.to_thread(sweep, self._home)
        return freed

    async def _put(self, turn: Turn, changes: Changes) -> None:
        """A record that cannot be written never fails a turn: undo says that there is none."""
        with suppress(OSError):
            await asyncio.to_thread(self._records(turn).put, changes, time.time())


def _changed(folder: str, name: str, after: Scan) -> float:
    """When a path was changed last, epoch seconds; of one that is gone, its nearest folder."""
    if name in after.stats:
        return after.stats[name].st_ctime
    path = os.path.join(folder, name)
    while (path := os.path.dirname(path)).startswith(folder):
        with suppress(OSError):
            return os.lstat(path).st_mtime
    return float("inf")


def _real(folders: Iterable[str]) -> set[str]:
    return {real_path(folder) for folder in folders}
