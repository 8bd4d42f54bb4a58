"""What is in a folder at a moment: files, links and folders that no ignore rule names.

The walk never follows a link. What cannot be kept (too large, credentials, unreadable, no regular
file) is an entry too, of kind LEFT_OUT: it is compared by its stamp and never written. All
blocking: call it in a thread.
"""

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from configs.folders import write_atomically
from configs.real_path import one_look, real_path
from core.store.files.entries import FOLDER, LEFT_OUT, LINK, Entry, Scan
from core.store.files.file_snapshots import Shadow, status_of
from core.store.files.walk import RACY, Walker, stamp

#: Larger files are left out.
LARGEST = 10_000_000

#: Of a path that a link on the way leads somewhere else.
LEADS_OUT = "a link on the way leads out of its folder"


class Scanner:
    """Looks at one folder; content that it reads is stored in the folder's shadow repository.

    Args:
        is_secret: whether an absolute path is known to hold credentials: it is left out.
    """

    def __init__(self, shadow: Shadow, is_secret: Callable[[str], bool]) -> None:
        self._shadow = shadow
        self.folder = shadow.folder
        self._walker = Walker(shadow)
        self._is_secret = is_secret
        self._known: dict[str, list[object]] = {}
        self._written: set[str] = set()
        self._repository: tuple[int, ...] | None = None
        self._dirty = False

    def scan(self, now: float, also: Collection[str] = ()) -> Scan:
        """The whole folder. `also`: paths to look at whatever ignore rules say now. `now`: epoch
        seconds, before anything is looked at."""
        off = self._shadow.unfit()
        if off:
            return Scan(off=off, at=now)
        with self._shadow.in_use():
            self._prepare()
            walk = self._walker.walk(now)
            if walk.off:
                return Scan(off=walk.off, at=now)
            scan = Scan(at=now, folder=self.folder, ignored=sorted(walk.ignored))
            found = walk.found
            for name in also:
                if name not in found:
                    self._add(name, found, scan)
            self._fill(found, scan)
            scan.rules = _rules(scan, walk.above)
            return scan

    def look(self, names: Iterable[str], now: float) -> Scan:
        """These paths alone."""
        off = self._shadow.unfit()
        if off:
            return Scan(off=off, at=now)
        with self._shadow.in_use():
            self._prepare()
            found: dict[str, os.stat_result] = {}
            scan = Scan(at=now, folder=self.folder)
            for name in names:
                self._add(name, found, scan)
            self._fill(found, scan)
            return scan

    def save(self) -> None:
        """Keep for the next process which content each file has, by its stamp."""
        if not self._dirty:
            return
        write_atomically(self._shadow.known_path, json.dumps(self._known, ensure_ascii=True))
        self._dirty = False

    # --- how ----------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """What is known of files holds for one repository: one that was removed takes it along."""
        here = self._shadow.create()
        if here != self._repository:
            self._repository, self._written, self._dirty = here, set(), True
            try:
                self._known = json.loads(self._shadow.known_path.read_text())
            except (OSError, ValueError):
                self._known = {}

    def _add(self, name: str, found: dict[str, os.stat_result], scan: Scan) -> None:
        """Look at one path, by whatever way it was named."""
        path = os.path.join(self.folder, name)
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError:
            scan.entries[name] = Entry(LEFT_OUT, "", 0)
            scan.left_out[name] = "it cannot be read"
            return
        if leads_out(self.folder, name):
            scan.entries[name] = Entry(LEFT_OUT, stamp(status), 0)
            scan.left_out[name] = LEADS_OUT
            return
        found[name] = status

    def _fill(self, found: Mapping[str, os.stat_result], scan: Scan) -> None:
        with one_look():
            self._fill_in(found, scan)

    def _fill_in(self, found: Mapping[str, os.stat_result], scan: Scan) -> None:
        fresh: dict[str, os.stat_result] = {}
        above = os.path.join(self.folder, "")
        for name, status in found.items():
            mode = status.st_mode
            if stat.S_ISDIR(mode):
                scan.entries[name] = _made(FOLDER, "", stat.S_IMODE(mode))
            elif reason := self._reason(above + name, status):
                scan.entries[name] = Entry(LEFT_OUT, stamp(status), 0)
                scan.left_out[name] = reason
            elif stat.S_ISLNK(mode):
                self._link(name, scan)
            elif self._known.get(name, [None])[0] == stamp(status):
                scan.entries[name] = _entry(status, str(self._known[name][1]))
            else:
                fresh[name] = status
        scan.stats.update(found)
        for name, blob in self._hashed(fresh).items():
            if blob is None and not os.path.lexists(os.path.join(self.folder, name)):
                del scan.stats[name]  # it went away meanwhile
                continue
            if blob is None:
                scan.entries[name] = Entry(LEFT_OUT, stamp(fresh[name]), 0)
                scan.left_out[name] = "it cannot be read"
                continue
            scan.entries[name] = _entry(fresh[name], blob)
            if max(fresh[name].st_mtime, fresh[name].st_ctime) < scan.at - RACY:
                self._known[name] = [stamp(fresh[name]), blob]
                self._dirty = True

    def _reason(self, path: str, status: os.stat_result) -> str:
        """Why a file is left out; "" if it is not."""
        if self._is_secret(path):
            return "it is known to hold credentials"
        if stat.S_ISLNK(status.st_mode):
            return ""
        if not stat.S_ISREG(status.st_mode):
            return "it is not a regular file"
        return f"it has {status.st_size:,} bytes" if status.st_size > LARGEST else ""

    def _link(self, name: str, scan: Scan) -> None:
        try:
            target = os.fsencode(os.readlink(os.path.join(self.folder, name)))
        except OSError:
            return  # it went away meanwhile
        blob = hashlib.sha1(b"blob %d\0" % len(target) + target, usedforsecurity=False).hexdigest()
        if blob not in self._written:
            blob = self._shadow.put(target)
            self._written.add(blob)
        scan.entries[name] = Entry(LINK, blob, 0o777)

    def _hashed(self, names: Iterable[str]) -> dict[str, str | None]:
        """The blob of each file, stored; None for one that cannot be read."""
        readable: list[str] = []
        found: dict[str, str | None] = {}
        for name in names:
            path = os.path.join(self.folder, name)
            if "\n" in name or name.startswith('"') or not os.access(path, os.R_OK):
                found[name] = self._hashed_alone(path)
            else:
                readable.append(name)
        if readable:
            try:
                paths = [os.path.join(self.folder, name) for name in readable]
                found |= dict(zip(readable, self._shadow.put_files(paths), strict=True))
            except (subprocess.CalledProcessError, ValueError):
                # One of them went away meanwhile: each on its own.
                found |= {n: self._hashed_alone(os.path.join(self.folder, n)) for n in readable}
        return found

    def _hashed_alone(self, path: str) -> str | None:
        try:
            content = Path(path).read_bytes()
        except OSError:
            return None
        return self._shadow.put(content)


def _rules(scan: Scan, above: Mapping[str, os.stat_result | None]) -> str:
    """A digest of what says which files git ignores."""
    inside = [n for n in scan.entries if n.rpartition("/")[2] == ".gitignore"]
    said = [f"{name} {scan.entries[name]}" for name in sorted(inside)]
    said += [f"{path} {stamp(status) if status else ''}" for path, status in above.items()]
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogateescape")).hexdigest()


def leads_out(folder: str, name: str) -> bool:
    """Whether a link on the way to a path below `folder` leads somewhere else."""
    parent = os.path.dirname(name)
    home = real_path(folder)
    return real_path(os.path.join(home, parent)) != os.path.normpath(os.path.join(home, parent))


def _entry(status: os.stat_result, blob: str) -> Entry:
    kind = "100755" if status.st_mode & 0o100 else "100644"
    return _made(kind, blob, stat.S_IMODE(status.st_mode))


#: Of what did not change, two looks have the very same entry: that is quick to compare.
_made = lru_cache(maxsize=50_000)(Entry)


def _stamp_of(path: str) -> str:
    status = status_of(path)
    return stamp(status) if status else ""


def same_file(scan: Scan, name: str) -> bool:
    """Whether the path is still as `scan` found it. A folder is: its entries may change."""
    status, path = scan.stats.get(name), os.path.join(scan.folder, name)
    if status is not None and stat.S_ISDIR(status.st_mode):
        return os.path.isdir(path)
    return _stamp_of(path) == (stamp(status) if status is not None else "")
