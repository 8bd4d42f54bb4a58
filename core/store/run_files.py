"""The files of a command's directory (core/store/runs.py), in few system calls: a command that does
nothing is over sooner than Python opens ten files."""

import json
import os

from configs.folders import is_locked, small_file, write_whole
from core.backend import Meta


def meta_in(place: str) -> Meta | None:
    """What was asked, without what its sandbox was: another file has that. None: nothing yet."""
    try:
        return Meta(**json.loads(small_file(f"{place}/meta.json")))
    except (OSError, ValueError, TypeError):
        return None


def new_meta(place: str, text: str) -> int:
    """The descriptor of the written `meta.json`. Raises OSError."""
    descriptor = _emptied(f"{place}/meta.json", os.O_RDWR)
    try:
        write_whole(descriptor, text.encode())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def new_output(place: str) -> int:
    """The descriptor of the empty `output`. Raises OSError."""
    return _emptied(f"{place}/output", os.O_WRONLY)


def _emptied(path: str, access: int) -> int:
    return os.open(path, access | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)


def exit_code_in(place: str) -> int | None:
    """None: there is none, or not all of it."""
    try:
        text = small_file(f"{place}/exit")
        return int(text) if text.endswith("\n") else None
    except (OSError, ValueError):
        return None


def is_held(place: str) -> bool:
    """Whether the command's wrapper lives. Older versions had a file for the lock alone."""
    for name in ("lock", "meta.json"):
        try:
            return is_locked(f"{place}/{name}")
        except OSError:
            continue
    return False
