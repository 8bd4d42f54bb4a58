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
from core.store.files.turn_changes import Changes
from core.store.files.turn_records import Records, new_look

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
        self._records: dict[tuple[str, str], Records] = {}

    def shadow(self, cwd: str) -> Shadow:
        folder = real_path(cwd)
        if folder not in self._shadows:
            self._shadows[folder] = Shadow(self._home, folder)
        return self._shadows[folder]

    def records(self, turn: Turn) -> Records:
        return self._records_of(self.shadow(turn.cwd), turn)

    def _records_of(self, shadow: Shadow, turn: Turn) -> Records:
        place = shadow.folder, turn.thread
        if place not in self._records:
            self._records[place] = Records(shadow.turns_of(turn.thread))
        return self._records[place]

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
            put(records, Changes(turn.before, off=found.off, open=new_look()))
            with suppress(*DAMAGED):
                self._scanner(self.shadow(turn.cwd)).save()
        records.sweep()

    def enter(self, turn: Turn, only: Collection[str] | None, unsure: Scan | None) -> Scan:
        shadow = self.shadow(turn.cwd)
        records = self._records_of(shadow, turn)
        stored = records.newest(turn.before)
        base = self._look(shadow, only, () if unsure is None else unsure.entries)
        paths = None if only is None else sorted(only)
        if stored is not None and unsure is None:
            # Most often the record says all of it already.
            if base.off and stored.off == base.off:
                return base
            if not base.off and stored.open and stored.only == paths:
                records.put_look(stored.open, base)
                return base
        changes = stored.copy() if stored is not None else Changes(turn.before, off=BEGUN_BEFORE)
        if base.off:
            changes.off = base.off
            put(records, changes)
            return base
        if unsure is not None:
            changes.dispute(unsure, base, UNSURE)
        changes.open, changes.only = new_look(), paths
        # In this order: under the name that it had, the look would be of the call before.
        put(records, changes)
        records.put_look(changes.open, base)
        return base

    def leave(self, turn: Turn, base: Scan, goes_on: bool) -> Scan:
        shadow = self.shadow(turn.cwd)
        records = self._records_of(shadow, turn)
        stored = records.newest(turn.before)
        if stored is None:
            return Scan(off="its record is gone")
        after = self._look(shadow, stored.only, base.entries)
        if not after.off and after.same_as(base):
            if not goes_on:
                records.drop_look(stored.open)
            return after
        changes = stored.copy()
        self._count(records, changes, base, after)
        changes.open = new_look()
        if goes_on and not after.off:
            records.put_look(changes.open, after)
        if put(records, changes):
            records.drop_look(stored.open)
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
            after = self.look(turn.cwd, changes.only, base.entries)
            self._count(records, changes, base, after, ended)
        entered, changes.open = changes.open, ""
        if store and base is None:
            records.drop_look(entered)  # it cannot be read, or, as most often, is not there
        elif store:
            put(records, changes)
            records.sweep()
        return changes

    def _count(
        self,
        records: Records,
        changes: Changes,
        base: Scan,
        after: Scan,
        ended: float | None = None,
    ) -> None:
        """Add what differs between two looks to `changes`."""
        if after.off:
            changes.off = after.off
            return
        if after.entries == base.entries:
            return
        shadow = self._shadows[after.folder]
        theirs = self._theirs(shadow, records, base.at) if changes.only is None else set()

        def doubt(name: str, entry: object) -> str:
            if ended is not None and _changed(shadow.folder, name, after) > ended:
                return CUT_OFF
            return AT_ONCE if theirs is None or name in theirs else ""

        changes.add(base, after, doubt)

    def _theirs(self, shadow: Shadow, mine: Records, since: float) -> set[str] | None:
        """What other threads changed in the folder since then; None: a command of one may have
        changed anything."""
        found = set[str]()
        for folder in shadow.all_turns():
            if folder == mine.folder:
                continue
            records = Records(folder)
            looks = records.looks()
            driven = bool(looks) and self._is_driven(unquote(os.path.basename(folder)))
            if not driven and os.stat(folder).st_mtime < since - 1:
                continue  # each record that is written changes its folder, too
            for changes in records.since(since, looks):
                is_open = driven and changes.open in looks
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
