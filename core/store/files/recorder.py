"""Looks at folders, and what each turn's record says of them.

All blocking: call it in a thread, a whole step of it at a time.
"""

import os
import subprocess
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from configs.real_path import real_path
from core.store.files.entries import Scan
from core.store.files.file_snapshots import Shadow
from core.store.files.scan import Scanner
from core.store.files.turn_changes import Changes, Records

#: What a repository that is damaged, or no git, raises: neither keeps a thread from being deleted,
#: nor fails a turn.
DAMAGED = (OSError, subprocess.CalledProcessError, ValueError)
AT_ONCE = "another session worked in this folder at the same time"
CUT_OFF = "it changed after the session was cut off"
BEGUN_BEFORE = "the turn began before its files were kept"
UNSURE = "a command in the background may have changed it, or something else"


@dataclass(frozen=True)
class Turn:
    """A turn, as its record is found: its thread, the checkpoint before it, its folder."""

    thread: str
    before: str
    cwd: str


class Recorder:
    """What `Snapshots` does about a turn under way; see there."""

    def __init__(
        self, home: Path, is_secret: Callable[[str], bool], is_driven: Callable[[str], bool]
    ) -> None:
        self._home = home
        self._is_secret = is_secret
        self._is_driven = is_driven
        self._shadows: dict[str, Shadow] = {}
        self._scanners: dict[str, Scanner] = {}

    def shadow(self, cwd: str) -> Shadow:
        folder = real_path(cwd)
        if folder not in self._shadows:
            self._shadows[folder] = Shadow(self._home, folder)
        return self._shadows[folder]

    def records(self, turn: Turn) -> Records:
        return Records(self.shadow(turn.cwd).turns_of(turn.thread))

    def _scanner(self, shadow: Shadow) -> Scanner:
        if shadow.folder not in self._scanners:
            self._scanners[shadow.folder] = Scanner(shadow, self._is_secret)
        return self._scanners[shadow.folder]

    def look(
        self, cwd: str, names: Collection[str] | None = None, also: Collection[str] = ()
    ) -> Scan:
        """The folder as it is, or these paths of it. A look that fails says why in `off`."""
        return self._look(self.shadow(cwd), names, also)

    def _look(
        self, shadow: Shadow, names: Collection[str] | None = None, also: Collection[str] = ()
    ) -> Scan:
        now = time.time()
        try:
            scanner = self._scanner(shadow)
            return scanner.scan(now, also) if names is None else scanner.look(names, now)
        except DAMAGED as error:
            return Scan(off=f"it failed: {error}")

    def begin(self, turn: Turn) -> None:
        records = self.records(turn)
        if records.get(turn.before) is None:
            found = self.look(turn.cwd)
            put(records, Changes(turn.before, off=found.off))
            with suppress(*DAMAGED):
                self._scanner(self.shadow(turn.cwd)).save()
        records.sweep()

    def enter(self, turn: Turn, only: Collection[str] | None, unsure: Scan | None) -> Scan:
        shadow = self.shadow(turn.cwd)
        records = Records(shadow.turns_of(turn.thread))
        changes = records.get(turn.before) or Changes(turn.before, off=BEGUN_BEFORE)
        base = self._look(shadow, only, () if unsure is None else unsure.entries)
        if base.off:
            changes.off = base.off
        else:
            if unsure is not None:
                changes.dispute(unsure, base, UNSURE)
            changes.open = records.put_look(base)
            changes.only = None if only is None else sorted(only)
        put(records, changes)
        return base

    def leave(self, turn: Turn, base: Scan, goes_on: bool) -> Scan:
        shadow = self.shadow(turn.cwd)
        records = Records(shadow.turns_of(turn.thread))
        changes = records.get(turn.before)
        if changes is None:
            return Scan(off="its record is gone")
        after = self._count(shadow, records, changes, base)
        entered, changes.open = changes.open, ""
        if goes_on and not after.off:
            changes.open = records.put_look(after)
        if put(records, changes):
            records.drop_look(entered)
        return after

    def open_look(self, turn: Turn) -> Scan | None:
        records = self.records(turn)
        changes = records.get(turn.before)
        return records.look(changes.open) if changes is not None and changes.open else None

    def close_cut_off(self, turn: Turn, ended: float | None, store: bool) -> Changes | None:
        records = self.records(turn)
        changes = records.get(turn.before)
        if changes is None or not changes.open:
            return changes
        base = records.look(changes.open)
        if base is not None:
            self._count(self.shadow(turn.cwd), records, changes, base, ended)
        changes.open = ""
        if store:
            put(records, changes)
            records.sweep()
        return changes

    def _count(
        self,
        shadow: Shadow,
        records: Records,
        changes: Changes,
        base: Scan,
        ended: float | None = None,
    ) -> Scan:
        """How the folder is; what differs from `base` is added to `changes`."""
        after = self._look(shadow, changes.only, base.entries)
        if after.off:
            changes.off = after.off
            return after
        theirs = self._theirs(shadow, records, base.at) if changes.only is None else set()

        def doubt(name: str, entry: object) -> str:
            if ended is not None and _changed(shadow.folder, name, after) > ended:
                return CUT_OFF
            return AT_ONCE if theirs is None or name in theirs else ""

        changes.add(base, after, doubt)
        return after

    def _theirs(self, shadow: Shadow, mine: Records, since: float) -> set[str] | None:
        """What other threads changed in the folder since then; None: a command of one may have
        changed anything."""
        found = set[str]()
        for folder in shadow.all_turns():
            if folder == mine.folder:
                continue
            # A look is there while a call runs, or was cut off.
            driven = bool(list(folder.glob("*.look"))) and self._is_driven(unquote(folder.name))
            if not driven and folder.stat().st_mtime < since - 1:
                continue  # each record that is written changes its folder, too
            for changes in Records(folder).since(since):
                is_open = driven and changes.open
                if is_open and changes.only is None:
                    return None
                found |= {*changes.files, *((changes.only or ()) if is_open else ())}
        return found


def put(records: Records, changes: Changes) -> bool:
    """Whether it is on disk. A record that cannot be written never fails a turn: undo says that
    there is none."""
    try:
        records.put(changes, time.time())
        return True
    except OSError:
        return False


def _changed(folder: str, name: str, after: Scan) -> float:
    """When a path was changed last, epoch seconds; of one that is gone, its nearest folder."""
    if name in after.stats:
        return after.stats[name].st_ctime
    path = os.path.join(folder, name)
    while (path := os.path.dirname(path)).startswith(folder):
        with suppress(OSError):
            return os.lstat(path).st_mtime
    return float("inf")
