"""What one turn did to the files of its folder: the record by which it is undone.

Only what changed while a call of the turn ran counts as the turn's. What someone else may have
changed is kept as disputed: it is never touched, and named. One file of JSON per turn, replaced
whole. While a call is under way, the look that it began with is a file, too; most calls change
nothing, and for them it is the only file that is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from configs.folders import write_atomically, write_new
from core.store.files.entries import LEFT_OUT, Entry, Scan

#: A path before the turn changed it, and as the turn left it; None: not there.
Change = tuple[Entry | None, Entry | None]
#: Why a change may be someone else's; "" if it is the turn's.
Doubt = Callable[[str, Entry | None], str]

BY_SOMEBODY = "something else changed it during the turn"
WAS_IGNORED = "git ignored it when the turn began"
#: A file's times come from a clock that lags by at most one tick. Seconds.
TICK = 0.02
#: How the file of a look ends, while its call is under way and after that.
LOOK, SPARE = ".look", ".spare"
#: Entries of a look above which its file does not stay after the call: it takes 100 bytes for one.
MOST_SPARE = 1_000


@dataclass
class Changes:
    """One turn's record.

    Attributes:
        files: by path. disputed: paths that undo leaves, with the reason.
        off: why files are not covered at all, or not any more. at: epoch seconds of the last write.
        open: the file of the look that a call under way began with. While none is under way,
            there is no such file, and the next call's look gets this name; "" if that gets another.
        only: the paths that this call changes; None: it may change any.
        spared: while the turn is undone, the paths that undo did not touch.
        made: while the turn is undone, the folders that undo had to make for what it brought back.
    """

    before: str
    files: dict[str, Change] = field(default_factory=dict)
    disputed: dict[str, str] = field(default_factory=dict)
    off: str = ""
    at: float = 0.0
    open: str = ""
    only: list[str] | None = None
    spared: list[str] | None = None
    made: list[str] = field(default_factory=list)

    def add(self, base: Scan, after: Scan, doubt: Doubt = lambda name, entry: "") -> None:
        """Count what differs between two looks as the turn's, unless there is a doubt."""
        for name in sorted({*base.entries, *after.entries}):
            was, now = base.entries.get(name), after.entries.get(name)
            if was == now:
                continue
            reason = self._hidden(name, base, after) if was is None else ""
            if reason is None:
                continue
            for entry, look in ((now, after), (was, base)):
                if entry is not None and entry.kind == LEFT_OUT:
                    reason = reason or look.left_out.get(name, "it was left out")
            first, last = self.files.get(name, (was, was))
            if last != was:
                reason = reason or BY_SOMEBODY
            reason = reason or doubt(name, now)
            if reason:
                self.disputed.setdefault(name, reason)
            self.files[name] = (first, now)
            if first == now and name not in self.disputed:
                del self.files[name]

    def _hidden(self, name: str, base: Scan, after: Scan) -> str | None:
        """Of a path that was not seen before: why it may have been there all the same; None if it
        certainly was; "" if it was not."""
        if base.rules == after.rules or base.covers(name):
            return ""
        status = after.stats.get(name)
        if status is not None and status.st_ctime < base.at - TICK:
            return None
        return WAS_IGNORED

    def dispute(self, base: Scan, after: Scan, reason: str) -> None:
        """Name what changed between two looks, by whom no one knows."""
        for name in sorted({*base.entries, *after.entries}):
            was, now = base.entries.get(name), after.entries.get(name)
            if was != now and not (was is None and self._hidden(name, base, after) is None):
                first, _ = self.files.get(name, (was, was))
                self.files[name] = (first, now)
                self.disputed.setdefault(name, reason)

    def copy(self) -> Changes:
        """One to change."""
        return replace(self, files={**self.files}, disputed={**self.disputed})

    def to_dict(self) -> dict[str, Any]:
        files = {
            name: [entry.to_list() if entry else None for entry in change]
            for name, change in self.files.items()
        }
        return {**self.__dict__, "files": files}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Changes:
        files: dict[str, Change] = {}
        for name, (was, now) in data["files"].items():
            first = Entry.from_list(was) if was else None
            files[name] = (first, Entry.from_list(now) if now else None)
        return cls(**{**data, "files": files})


class Records:
    """The records of one thread in a folder. Blocking."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        #: The record that was read or written last, and what its file was.
        self._newest: tuple[object, Changes] | None = None
        #: What this process put into the files of looks that it has not dropped yet.
        self._put: dict[str, Scan] = {}
        #: The look that was dropped last: most calls find the folder as the one before left it,
        #: and to give a file another name costs a tenth of making one. No one else knows its name.
        self._spare = f"{secrets.token_hex(6)}{SPARE}"
        self._spare_holds: Scan | None = None

    def _path(self, before: str) -> str:
        return f"{self.folder}/{hashlib.sha256(before.encode()).hexdigest()[:24]}.json"

    def get(self, before: str) -> Changes | None:
        """The record of the turn that follows checkpoint `before`."""
        return read(self._path(before))

    def newest(self, before: str) -> Changes | None:
        """The same, to be looked at only. A file that is still the one that was read or written
        last is not read again: each record that is written is a new file."""
        path = self._path(before)
        file = _file_at(path)
        if self._newest is not None and self._newest[0] == file and file is not None:
            return self._newest[1]
        changes = read(path)
        self._newest = (file, changes) if file is not None and changes is not None else None
        return changes

    def put(self, changes: Changes, now: float) -> None:
        """Store a record. It is not to be changed any more."""
        changes.at = now
        path = self._path(changes.before)
        self._newest = None
        write_atomically(path, json.dumps(changes.to_dict()))
        file = _file_at(path)
        self._newest = (file, changes) if file is not None else None

    def put_look(self, name: str, scan: Scan) -> None:
        """Store a look; it gets its name once it is whole."""
        spare, held = f"{self.folder}/{self._spare}", self._spare_holds
        self._spare_holds = None
        if held is None or not held.same_as(scan) or not _has_time(spare, scan.at):
            with suppress(FileNotFoundError):
                os.unlink(spare)
            write_new(spare, json.dumps(scan.to_dict()))
            os.utime(spare, (scan.at, scan.at))
        os.rename(spare, f"{self.folder}/{name}")
        self._put[name] = scan

    def look(self, name: str) -> Scan | None:
        """A look; None if there is none, or none that can be read."""
        path = Path(self.folder, name)
        try:
            found = Scan.from_dict(json.loads(path.read_bytes()))
            # A look that is found again is not written again: its file has the time.
            found.at = max(found.at, path.stat().st_mtime)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return found

    def drop_look(self, name: str) -> None:
        """The call that began with a look has ended."""
        scan = self._put.pop(name, None)
        with suppress(FileNotFoundError):
            if scan is None or len(scan.entries) > MOST_SPARE:
                os.unlink(f"{self.folder}/{name}")
            else:
                os.rename(f"{self.folder}/{name}", f"{self.folder}/{self._spare}")
                self._spare_holds = scan

    def looks(self) -> set[str]:
        """The looks of calls that are under way, or were cut off."""
        return self._named(LOOK)

    def _named(self, end: str) -> set[str]:
        with suppress(OSError):
            return {name for name in os.listdir(self.folder) if name.endswith(end)}
        return set()

    def sweep(self) -> None:
        """Remove the looks that no call under way began with."""
        used = {changes.open for path in self._all() if (changes := read(path))}
        for name in (self.looks() | self._named(SPARE)) - used - {self._spare}:
            with suppress(FileNotFoundError):
                os.unlink(f"{self.folder}/{name}")

    def since(self, moment: float, looks: Collection[str]) -> list[Changes]:
        """Those that were written since `moment`, or have one of `looks`: a call under way."""
        found = (read(path) for path in self._all())
        return [each for each in found if each and (each.at >= moment or each.open in looks)]

    def _all(self) -> list[str]:
        return [f"{self.folder}/{name}" for name in self._named(".json")]


def new_look() -> str:
    """A name for the file of a look."""
    return f"{secrets.token_hex(6)}{LOOK}"


def _has_time(path: str, at: float) -> bool:
    """Set a file's time; False: it is gone."""
    try:
        os.utime(path, (at, at))
    except FileNotFoundError:
        return False
    return True


def _file_at(path: str) -> object:
    """What tells a file from the one that is put in its place; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def read(path: str) -> Changes | None:
    """The record in a file; None if there is none that can be read."""
    try:
        return Changes.from_dict(json.loads(Path(path).read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        return None
