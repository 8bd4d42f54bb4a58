"""The files of turns' records, and of the looks that calls under way began with. Blocking.

A record is a file of JSON per turn, replaced whole. While a call is under way, the look that it
began with is a file, too: after a kill it says how the folder was. Most calls change nothing, and
then that file alone is written.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from configs.folders import write_atomically, write_new
from core.store.files.entries import Scan
from core.store.files.turn_changes import Changes

#: How the file of a look ends, while its call is under way and after that.
LOOK, SPARE = ".look", ".spare"
#: Entries of a look above which its file does not stay after the call: it takes 100 bytes for one.
MOST_SPARE = 1_000


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
        return f"{self.folder}/{_file_of(before)}"

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
        if scan is not None and len(scan.entries) <= MOST_SPARE:
            with suppress(OSError):
                os.rename(f"{self.folder}/{name}", f"{self.folder}/{self._spare}")
                self._spare_holds = scan
                return
        with suppress(FileNotFoundError):
            os.unlink(f"{self.folder}/{name}")

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


@lru_cache(maxsize=8)
def _file_of(before: str) -> str:
    return f"{hashlib.sha256(before.encode()).hexdigest()[:24]}.json"


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
