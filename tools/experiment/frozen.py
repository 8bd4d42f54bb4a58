"""What no trial may change: the judge's files and its data, told apart by a digest. Blocking."""

import hashlib
import os
from collections.abc import Iterator, Sequence

from core.errors import ToolError

#: Files that are larger are compared by size and time instead of content.
LARGE = 50_000_000
#: What running the judge makes by itself.
MADE = {"__pycache__", ".git", ".ipynb_checkpoints"}


def digest_of(folder: str, frozen: Sequence[str]) -> str:
    """Of names and contents; files that are added to a frozen folder count."""
    whole = hashlib.sha256()
    for path in sorted(set(frozen)):
        whole.update(f"{path}\0".encode("utf-8", "surrogateescape"))
        for name in _files(os.path.join(folder, path)):
            known = os.path.relpath(name, folder).encode("utf-8", "surrogateescape")
            whole.update(known + b"\0" + _content(name) + b"\0")
    return whole.hexdigest()


def checked_paths(folder: str, paths: Sequence[str]) -> tuple[str, ...]:
    """The paths as they are stored, relative to the folder. Raises ToolError: one is outside of it,
    or not there."""
    found = []
    for path in paths:
        whole = os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
        name = os.path.relpath(whole, folder)
        if name == os.curdir or name.startswith(os.pardir):
            raise ToolError(f"Cannot freeze {path}: it is not below {folder}.")
        if not os.path.lexists(whole):
            raise ToolError(f"Cannot freeze {path}: there is no such file. Create it first.")
        found.append(name)
    return tuple(dict.fromkeys(found))


def _files(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for where, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in MADE)
        yield from (os.path.join(where, name) for name in sorted(names))


def _content(path: str) -> bytes:
    """A digest of a file, and where it leads if it is a link."""
    found = hashlib.sha256()
    try:
        if os.path.islink(path):
            found.update(os.fsencode(os.readlink(path)))
        status = os.stat(path)
        if status.st_size > LARGE:
            found.update(f"{status.st_size} {status.st_mtime_ns}".encode())
            return found.digest()
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
    except OSError as error:
        return f"unreadable {error.errno}".encode()
    return found.digest()
