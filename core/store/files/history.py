"""What each turn did to the files of a thread's folder, for undo.

A turn is named by the checkpoint before it, which no other turn of the thread has. Records are this
machine's: on another one undo covers the conversation alone, and says so.
"""

import asyncio
import fcntl
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from configs.real_path import real_path
from core.quick import Measured
from core.store.base.database import Database
from core.store.files.entries import Scan
from core.store.files.file_snapshots import locked, sweep
from core.store.files.recorder import DAMAGED, Recorder, Turn, put
from core.store.files.restore import RestorePlan, Step, carried_out, planned, remove_empty
from core.store.files.turn_changes import Changes

T = TypeVar("T")

#: Seconds that a look at a folder may hold up the event loop.
LONGEST_LOOK = 0.005


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
        self._recorder = Recorder(self._home, is_secret, is_driven)
        self._lock = asyncio.Lock()
        #: A look at a small folder takes less time than to hand it to a thread does.
        self._looks = Measured(LONGEST_LOOK)

    async def _at_work(self, work: Callable[..., T], *arguments: object) -> T:
        async with self._lock:
            return await self._looks.run(work, *arguments)

    async def begin(self, turn: Turn) -> None:
        """Make the turn's record, and read the folder once, so that the looks at its calls are
        quick. A turn that was begun already keeps its record."""
        await self._at_work(self._recorder.begin, turn)

    async def changes(self, turn: Turn) -> Changes | None:
        """The turn's record; None: none was made, or on another machine."""
        return await asyncio.to_thread(self._recorder.records(turn).get, turn.before)

    async def enter(
        self,
        turn: Turn,
        only: Collection[str] | None = None,
        unsure: Callable[[], Scan | None] = lambda: None,
    ) -> Scan:
        """A call begins that may change files, `only` these or any; how the folder is. A look
        that fails says why in `off`.

        Args:
            unsure: an earlier look; what changed since then is of unknown origin. Blocking.
        """

        def work() -> Scan:
            return self._recorder.enter(turn, only, unsure() if only is None else None)

        return await self._at_work(work)

    async def leave(self, turn: Turn, base: Scan, *, goes_on: bool) -> Scan:
        """A call has ended: what changed since `base` is the turn's. `goes_on`: another call that
        may change files still runs."""
        return await self._at_work(self._recorder.leave, turn, base, goes_on)

    async def open_look(self, turn: Turn) -> Scan | None:
        """How the folder was when a call began that a killed process did not end."""
        return await self._at_work(self._recorder.open_look, turn)

    async def close_cut_off(
        self, turn: Turn, ended: float | None, *, store: bool = True
    ) -> Changes | None:
        """The turn's record, with what a killed process left open closed. `ended`: when its last
        command ended, epoch seconds; None: it still runs. What changed later is not the turn's."""
        return await self._at_work(self._recorder.close_cut_off, turn, ended, store)

    async def put_undone(self, turn: Turn, spared: Iterable[str], made: Iterable[str] = ()) -> None:
        """Remember what an undo of the turn does not touch, and the folders that it made."""
        changes = await self.changes(turn)
        if changes is not None:
            changes.spared, changes.made = sorted(spared), [*made]
            await asyncio.to_thread(put, self._recorder.records(turn), changes)

    async def put_redone(self, turn: Turn, made: Iterable[str], later: Turn | None) -> None:
        """The turn is done again. Folders that undo or this redo (`made`) had to make are removed
        if they are empty. The others are remembered with `later`, the turn that can be done again
        next."""
        changes = await self.changes(turn)
        if changes is None:
            return
        folder = self._recorder.shadow(turn.cwd).folder
        stay = await asyncio.to_thread(remove_empty, folder, [*changes.made, *made])
        changes.spared, changes.made = None, []
        await asyncio.to_thread(put, self._recorder.records(turn), changes)
        following = await self.changes(later) if later is not None and stay else None
        if later is not None and following is not None:
            following.made = [*following.made, *stay]
            await asyncio.to_thread(put, self._recorder.records(later), following)

    async def of_older_version(self, turn: Turn) -> Step | None:
        """A turn that an older version kept, whole trees at its start and end."""
        found = await self._database.rows(
            "SELECT start, finish FROM snapshots WHERE thread = ? AND before_id = ?",
            [turn.thread, turn.before],
        )
        start, finish = map(str, found[0]) if found else ("", "")
        if not start or not finish:
            return None
        shadow = self._recorder.shadow(turn.cwd)
        try:
            wanted = await asyncio.to_thread(shadow.entries, start)
            left = await asyncio.to_thread(shadow.entries, finish)
        except DAMAGED:
            return None
        names = {name for name in {*wanted, *left} if wanted.get(name) != left.get(name)}
        return Step({n: wanted.get(n) for n in names}, {n: left.get(n) for n in names})

    async def plan(self, cwd: str, steps: Sequence[Step]) -> RestorePlan:
        """What bringing each step's files back would do, the newest step first."""
        names = sorted({name for step in steps for name in step.names()})
        now = await self._at_work(self._recorder.look, cwd, names)
        if now.off:
            return RestorePlan(now, left={cwd: now.off})
        return planned(now, steps)

    async def restore(self, cwd: str, plan: RestorePlan) -> RestorePlan:
        """Carry `plan` out."""
        return await asyncio.to_thread(carried_out, plan, self._recorder.shadow(cwd))

    async def forget(self, threads: Collection[str], cwd: str) -> None:
        """Let go of what was kept of threads in one folder."""
        with suppress(*DAMAGED):
            await asyncio.to_thread(self._recorder.shadow(cwd).forget, threads)

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
                        freed += await asyncio.to_thread(self._recorder.shadow(folder).discard)
        await asyncio.to_thread(sweep, self._home)
        return freed


def _real(folders: Iterable[str]) -> set[str]:
    return {real_path(folder) for folder in folders}
