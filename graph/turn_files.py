"""Which files each turn changes: a look before each call that may change some, and one after it.

What changes while no such call runs is not the turn's: the user's, another program's. While a
command runs, what changes in the folder counts as its own; `write` and `edit` name their files, so
that nothing else counts.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel

from configs.real_path import real_path
from configs.settings import Settings
from core.durable import ThreadFiles
from core.effects import Effect
from core.policy.paths import is_secret
from core.store import Store, ThreadRow
from core.store.files.entries import Scan
from core.store.files.history import Snapshots
from core.store.files.recorder import Turn
from core.store.runs import Run, runs_of
from core.tool import AgentTool, Services


def snapshots_of(settings: Settings, store: Store) -> Snapshots:
    """What the store keeps of the files of each turn."""
    return Snapshots(store.database, settings.state_path(), is_secret, store.is_driven)


class TurnFiles:
    """One session's records. A call that may change files runs inside `changing`."""

    def __init__(self, services: Services, snapshots: Snapshots, thread: ThreadRow) -> None:
        self._services = services
        self._snapshots = snapshots
        self._thread = thread
        self._turn: Turn | None = None
        self._beginning: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        #: Calls under way that may change files; how the folder stood before what they do.
        self._calls = 0
        self._base: Scan | None = None
        #: How the folder stood after the newest call, and when that was.
        self._last: Scan | None = None
        #: The turn's newest call was ended here: no killed process can have left one open.
        self._is_closed = False
        #: Commands of the thread that are known not to run in the background.
        self._foreground: set[str] = set()

    def begin(self, before: str | None, *, after: str | None) -> None:
        """A turn begins behind checkpoint `before`. `after`: the turn before it, which may have
        been cut off in a call."""
        self.follow(before)
        if self._turn is not None:
            cut_off = self._named(after) if after else None
            self._beginning = asyncio.ensure_future(self._begin(self._turn, cut_off))

    def follow(self, before: str | None) -> None:
        """The calls that come are of the turn behind `before`, which continues."""
        turn = self._named(before) if self._services.settings.undo_files and before else None
        if turn != self._turn:
            self._turn, self._last, self._is_closed = turn, None, False

    def _named(self, before: str) -> Turn:
        return Turn(self._thread.id, before, self._thread.cwd)

    async def _begin(self, turn: Turn, cut_off: Turn | None) -> None:
        if cut_off is not None:
            await self._snapshots.close_cut_off(cut_off, await self._last_end(cut_off))
        await self._snapshots.begin(turn)

    @asynccontextmanager
    async def changing(
        self, tool: AgentTool, arguments: BaseModel, effect: Effect
    ) -> AsyncIterator[None]:
        """While the block runs, a call of `tool` may change files."""
        exact = effect.kind == "write" and bool(effect.paths)
        only = names_of(self._thread.cwd, effect.paths) if exact else None
        elsewhere = bool(self._thread.sandbox) and tool.in_backend
        may_change = tool.may_change_files(arguments, effect) and only != []
        if self._turn is None or elsewhere or not may_change:
            yield
            return
        if self._beginning is not None:
            await asyncio.shield(self._beginning)
        await self._enter(self._turn, only)
        try:
            yield
        finally:
            # A call that is stopped has changed files, too.
            leaving = asyncio.ensure_future(self._leave(self._turn))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            await asyncio.shield(leaving)

    async def _enter(self, turn: Turn, only: list[str] | None) -> None:
        async with self._lock:
            if self._calls and self._base is not None and not self._base.rules:
                # The look is at the paths of another call alone: from here on it is at all.
                await self._snapshots.leave(turn, self._base, goes_on=False)
                self._base = await self._snapshots.enter(turn)
            elif not self._calls:
                self._base = await self._first_look(turn, only)
            self._calls += 1

    async def _first_look(self, turn: Turn, only: list[str] | None) -> Scan:
        if not self._is_closed:
            cut_off = await self._snapshots.open_look(turn)
            if cut_off is not None:
                ended = await self._last_end(turn)
                if ended is None:
                    return cut_off  # the command that an earlier process began still runs
                await self._snapshots.close_cut_off(turn, ended)
        self._is_closed = False
        return await self._snapshots.enter(turn, only, self._unsure)

    async def _leave(self, turn: Turn) -> None:
        async with self._lock:
            self._calls -= 1
            if self._base is None or self._base.off:
                return
            goes_on = self._calls > 0
            after = await self._snapshots.leave(turn, self._base, goes_on=goes_on)
            self._base, self._is_closed = (after, False) if goes_on else (None, True)
            if not after.off and after.rules:  # a look at some paths alone has none
                self._last = after

    async def settled(self) -> None:
        """Wait for what is under way, whatever comes of it: the store may be closed next."""
        under_way = {*self._leaving, *([self._beginning] if self._beginning else [])}
        if under_way:
            await asyncio.wait(under_way)
        beginning = self._beginning
        if beginning is not None and (beginning.cancelled() or not beginning.exception()):
            self._beginning = None

    async def _last_end(self, turn: Turn) -> float | None:
        return await last_end(self._snapshots, self._services.outputs, turn)

    def _unsure(self) -> Scan | None:
        """The newest look, if a command of the thread ran in the background after it. Blocking."""
        look = self._last
        if look is None:
            return None
        runs = self._services.outputs.runs(self._thread.id)
        for name in _names_in(runs):
            run = Run(runs / name)
            meta = None if name in self._foreground else run.meta()
            if meta is not None and not meta.background:
                self._foreground.add(name)
            elif meta is not None and (run.state() == "alive" or _end_of(run) > look.at):
                return look
        return None


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


async def last_end(snapshots: Snapshots, outputs: ThreadFiles, turn: Turn) -> float | None:
    """When the newest command of the turn's open call ended, epoch seconds; None: it still runs.
    0 where the call was no command: no one can tell when that ended."""
    look = await snapshots.open_look(turn)
    if look is None:
        return 0.0
    runs = outputs.runs(turn.thread)
    ends = await asyncio.to_thread(lambda: list(_ends(runs, look.at)))
    return None if None in ends else max((end for end in ends if end is not None), default=0.0)


def _ends(runs: Path, since: float) -> Iterator[float | None]:
    """When each command in the foreground ended; None for one that runs."""
    for run in runs_of(runs):
        meta = run.meta()
        if meta is not None and not meta.background and meta.started >= since:
            yield None if run.state() == "alive" else _end_of(run)


def _end_of(run: Run) -> float:
    """The last sign of life that a command left."""
    for name in ("exit", "ended", "output"):
        path = run.folder / name
        if path.exists():
            return path.stat().st_mtime
    return 0.0


def names_of(cwd: str, paths: Iterable[str]) -> list[str]:
    """Paths as a look names them, with the folders that may have to be made for them; those
    outside of `cwd`, or of git's own, are left out."""
    home = real_path(cwd)
    found: list[str] = []
    for path in paths:
        whole = real_path(os.path.join(cwd, os.path.expanduser(path)))
        name = os.path.relpath(whole, home)
        parts = name.split(os.sep)
        if ".." not in parts and ".git" not in parts and name != os.curdir:
            found += [os.sep.join(parts[:count]) for count in range(1, len(parts) + 1)]
    return list(dict.fromkeys(found))
