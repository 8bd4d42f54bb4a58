"""What a path leads to: `os.path.realpath` that never raises OSError, and is quicker."""

import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from stat import S_ISLNK
from typing import Any, TypeVar

T = TypeVar("T")

#: Links on one way; the kernel follows no more either.
MOST_LINKS = 40
#: Characters of a path whose parents are looked at one by one.
LONGEST = 400


@dataclass
class _Look:
    """What is known while one look lasts.

    Attributes:
        places: where each path leads, and whether something is there.
        by_python: where `os.path.realpath` says that a path leads.
        found: what `once` found.
    """

    places: dict[str, tuple[str, bool]] = field(default_factory=dict)
    by_python: dict[str, str] = field(default_factory=dict)
    found: dict[Hashable, Any] = field(default_factory=dict)


#: None outside of `one_look`.
_now: ContextVar[_Look | None] = ContextVar("look", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """While this is open, each place is looked at once: for work about one moment, with no wait in
    it."""
    token = _now.set(_Look()) if _now.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _now.reset(token)


def once(what: Hashable, find: Callable[[], T]) -> T:
    """What `find` finds on the disk; while one look lasts, what it found first."""
    look = _now.get()
    if look is None:
        return find()
    if what not in look.found:
        look.found[what] = find()
    found: T = look.found[what]
    return found


def real_path(path: str | os.PathLike[str]) -> str:
    """`path` as an absolute path, with links followed as far as they exist.

    A link that may not be read (`/proc/PID/root` of another user's process) ends the way: what is
    behind it counts as below the link itself, so it is never taken for a place somewhere else.
    Raises ValueError for a path that no file can have.
    """
    path = os.fspath(path)
    found = _followed(path)
    if found is not None:
        return found[0]
    look = _now.get()
    if look is None:
        return _by_python(path)
    if path not in look.by_python:
        look.by_python[path] = _by_python(path)
    return look.by_python[path]


def path_of_existing(path: str) -> str:
    """`real_path` if something is there; "" if nothing is."""
    found = _followed(path)
    if found is not None:
        return found[0] if found[1] else ""
    return real_path(path) if os.path.exists(path) else ""


def is_there(path: str) -> bool:
    """Whether something is at `path`, be it a link that leads nowhere. Raises ValueError for a path
    that no file can have."""
    found = _followed(path)
    return found[1] if found is not None else os.path.lexists(path)


def _by_python(path: str) -> str:
    try:
        return os.path.realpath(path)  # noqa: TID251
    except OSError:
        return _as_far_as_readable(os.path.join(os.getcwd(), path))


def _followed(path: str) -> tuple[str, bool] | None:
    """What a path leads to, looked up below its parent, and whether something is there. None:
    `os.path.realpath` has to say. The path is long, not absolute or goes up, or a link on the way
    leads nowhere."""
    look = _now.get()
    known = look.places if look is not None else {}
    if path in known:
        return known[path]
    is_plain = path.startswith(os.sep) and len(path) <= LONGEST and "\0" not in path
    if not is_plain or "/../" in f"{path}/":
        return None
    if not path.isascii():
        os.fsencode(path)  # raises ValueError, which no look at a missing folder would
    try:
        return _look(path, known)
    except OSError:
        return None


def _look(path: str, known: dict[str, tuple[str, bool]]) -> tuple[str, bool]:
    """Raises OSError for a link that leads nowhere."""
    found = known.get(path)
    if found is not None:
        return found
    above, _, name = path.rpartition("/")
    place, is_there = _look(above, known) if above else (os.sep, True)
    if name in ("", os.curdir):
        is_there = is_there and os.path.isdir(place)
    else:
        place = f"{place}/{name}" if place != os.sep else f"/{name}"
        if is_there:
            try:
                is_link = S_ISLNK(os.lstat(place).st_mode)
            except OSError:
                is_link = is_there = False
            if is_link:
                place = os.path.realpath(place, strict=True)  # noqa: TID251
    known[path] = place, is_there
    return known[path]


def _as_far_as_readable(path: str) -> str:
    waiting, found, links = _parts(path), os.sep, 0
    while waiting:
        name = waiting.pop()
        if name == os.pardir:
            found = os.path.dirname(found)
            continue
        place = os.path.join(found, name)
        if not os.path.islink(place):
            found = place
            continue
        links += 1
        try:
            target = os.readlink(place) if links <= MOST_LINKS else ""
        except OSError:
            target = ""
        if not target:
            behind = [part for part in reversed(waiting) if part != os.pardir]
            return os.path.join(place, *behind)
        if os.path.isabs(target):
            found = os.sep
        waiting += _parts(target)
    return found


def _parts(path: str) -> list[str]:
    """The parts of a path, the last one first."""
    return [part for part in reversed(path.split(os.sep)) if part not in ("", os.curdir)]
