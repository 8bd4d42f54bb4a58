"""Where a path leads: `os.path.realpath` that never raises OSError."""

import os

#: Links on one way; the kernel follows no more either.
MOST_LINKS = 40


def real_path(path: str | os.PathLike[str]) -> str:
    """`path` as an absolute path, with links followed as far as they exist.

    A link that may not be read (`/proc/PID/root` of another user's process) ends the way: what is
    behind it counts as below the link itself, so it is never taken for a place somewhere else.
    Raises ValueError for a path that no file can have.
    """
    try:
        return os.path.realpath(path)  # noqa: TID251
    except OSError:
        return _as_far_as_readable(os.path.join(os.getcwd(), path))


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
