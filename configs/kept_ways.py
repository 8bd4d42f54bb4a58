"""Where special places lead, looked up again only if a folder on their way has changed.

Each call looks at thirty of them, and they hardly ever change. The time at which a folder
changed (ctime) tells that no entry of it was added, removed or exchanged since. Unlike mtime it
cannot be set: only a clock that is put back could repeat it. So it is relied on where the kernel
keeps it, on a disk of this machine; not on one of the network, of a program or in memory.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from stat import S_ISDIR, S_ISLNK
from typing import Generic, NamedTuple, TypeVar

from configs.real_path import once, path_of_existing, real_path

#: Seconds: in a folder that changed this recently, another change may leave the same time. FAT
#: counts in steps of two seconds, other file systems in finer ones.
LEAST_AGE = 2.0
#: Lists of paths that are kept, and folders.
MOST, MOST_FOLDERS = 32, 5000

T = TypeVar("T")

#: A folder's device and inode, and its time of change if what is in it counts.
Stamp = tuple[int, int, int | None]


class _Found(NamedTuple):
    """linked: the paths that a link is on the way of; they are followed each time. there: those of
    the others at which something is. stamps: of the folders on their ways; None: what was found
    cannot be kept."""

    linked: frozenset[str]
    there: frozenset[str]
    stamps: dict[str, Stamp] | None


#: By the paths that were asked for.
_kept: dict[tuple[str, ...], _Found] = {}


def real_paths(paths: tuple[str, ...]) -> tuple[str, ...]:
    """`real_path` of each."""
    linked = _found(paths).linked
    if not linked:
        return paths
    return tuple(real_path(path) if path in linked else path for path in paths)


def existing_paths(paths: tuple[str, ...]) -> set[str]:
    """`real_path` of those at which something is."""
    found = _found(paths)
    return {*found.there, *filter(None, map(path_of_existing, found.linked))}


def _found(paths: tuple[str, ...]) -> _Found:
    found = _kept.get(paths)
    if found is None or not _are_same(found.stamps or {}):
        found = _looked_at(paths)
        _kept.pop(paths, None)
        if found.stamps is not None:
            if len(_kept) >= MOST:
                _kept.clear()
            _kept[paths] = found
    return found


def _are_same(stamps: Mapping[str, Stamp]) -> bool:
    # Most lists have folders of the same home on their ways.
    known: dict[str, os.stat_result] = once("folders", dict)
    try:
        for folder, stamp in stamps.items():
            status = known.get(folder)
            if status is None:
                status = known[folder] = os.lstat(folder)
            if _stamp(status, is_looked_into=stamp[2] is not None) != stamp:
                return False
    except OSError:
        return False
    return True


class KeptFolders(Generic[T]):
    """What `look` says of a folder's entries, looked at again only if the folder has changed.
    It may follow from their names and kinds, not from where a link leads or what is in a file."""

    def __init__(self, look: Callable[[str], T]) -> None:
        self._look = look
        self._kept: dict[str, tuple[Stamp, T]] = {}

    def __contains__(self, folder: str) -> bool:
        return folder in self._kept

    def of(self, folder: str) -> T:
        # Before the entries: what changes meanwhile is seen the next time.
        stamp, kept = _lasting_stamp(folder), self._kept.get(folder)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        found = self._look(folder)
        if stamp is not None:
            if len(self._kept) >= MOST_FOLDERS:
                self._kept.clear()
            self._kept[folder] = stamp, found
        return found


def _lasting_stamp(folder: str) -> Stamp | None:
    """What tells that the entries of a folder are the same as at this moment; None: nothing."""
    before = time.time_ns() - int(LEAST_AGE * 1e9)
    status = _status(folder)
    if status is None or not S_ISDIR(status.st_mode) or status.st_ctime_ns > before:
        return None
    return _stamp(status, is_looked_into=True) if _is_own_disk(status) else None


def _begin() -> tuple[int, dict[str, os.stat_result | None]]:
    """(the newest time of change that is old enough, what is known of each place)."""
    return time.time_ns() - int(LEAST_AGE * 1e9), {os.sep: os.lstat(os.sep)}


def _stamp(status: os.stat_result, *, is_looked_into: bool) -> Stamp:
    return status.st_dev, status.st_ino, status.st_ctime_ns if is_looked_into else None


def _looked_at(paths: Iterable[str]) -> _Found:
    # A folder's status is taken before its entries are looked at, and the time before both.
    before, known = once("ways", _begin)
    passed, looked_into, linked, there = set(), set(), set(), set()
    for path in paths:
        way = _way(path)
        if not way:
            linked.add(path)  # it may have one
            continue
        folder = os.sep
        for place in way:
            if place not in known:
                known[place] = _status(place)
            status = known[place]
            if status is not None and S_ISLNK(status.st_mode):
                linked.add(path)
                break
            if place == path or status is None or not S_ISDIR(status.st_mode):
                looked_into.add(folder)
                if place == path and status is not None:
                    there.add(path)
                break
            passed.add(place)
            folder = place
    stamps: dict[str, Stamp] = {}
    for folder in passed | looked_into:
        status = known[folder]
        assert status is not None
        if folder in looked_into and (status.st_ctime_ns > before or not _is_own_disk(status)):
            return _Found(frozenset(linked), frozenset(there), None)
        stamps[folder] = _stamp(status, is_looked_into=folder in looked_into)
    return _Found(frozenset(linked), frozenset(there), stamps)


@lru_cache(maxsize=512)
def _way(path: str) -> tuple[str, ...]:
    """`/a`, `/a/b`, `/a/b/c`; () of a path that is not absolute, or that `os.path.normpath` would
    change."""
    whole = f"{path}/"
    if not path.startswith(os.sep) or "//" in whole or "/./" in whole or "/../" in whole:
        return ()
    parts = path.split(os.sep)
    return tuple(os.sep.join(parts[:end]) for end in range(2, len(parts) + 1))


def _status(place: str) -> os.stat_result | None:
    try:
        return os.lstat(place)
    except (OSError, ValueError):
        return None


def _is_own_disk(status: os.stat_result) -> bool:
    """Linux numbers file systems that are on no disk of this machine 0:1, 0:2, ..."""
    return sys.platform == "linux" and os.major(status.st_dev) != 0
