"""What no trial may change: the judge's files and its data, told apart by a digest. Blocking.

Two looks of different kinds: the digest says whether the contents are those of the baseline, the
seal whether anything was written between two looks, even if it was put back.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

from core.errors import ToolError

#: The digest of a file that is larger is kept while its stamp is the same.
LARGE = 1_000_000
#: What running the judge makes by itself.
CACHES = "__pycache__"
MADE = {CACHES, ".git", ".ipynb_checkpoints"}


def digest_of(folder: str, frozen: Sequence[str]) -> str:
    """Of names and contents; files that are added to a frozen folder count."""
    whole = hashlib.sha256()
    for path in sorted(set(frozen)):
        whole.update(f"{path}\0".encode("utf-8", "surrogateescape"))
        for name in files_below(os.path.join(folder, path)):
            known = os.path.relpath(name, folder).encode("utf-8", "surrogateescape")
            whole.update(known + b"\0" + content_of(name) + b"\0")
    return whole.hexdigest()


def seal_of(folder: str, frozen: Sequence[str]) -> str:
    """Of the times of the last change of frozen files and folders, which no program can set: a
    file that was replaced, renamed or written and put back has another. Compiled Python next to
    them goes first: it would run in their place."""
    whole = hashlib.sha256()
    for path in sorted(set(frozen)):
        start = os.path.join(folder, path)
        _remove_caches(start)
        for name in sorted({start, *files_below(start), *_folders_below(start)}):
            for look in (os.lstat, os.stat):
                with suppress(OSError):
                    found = look(name)
                    whole.update(f"{name}\0{found.st_ino} {found.st_ctime_ns}\0".encode(
                        "utf-8", "surrogateescape"
                    ))  # fmt: skip
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


def files_below(path: str) -> Iterator[str]:
    """The files of a path, itself if it is one; also those behind links to folders."""
    if not os.path.isdir(path):
        yield path
        return
    for where, folders, names in walked(path):
        # A link to a folder counts as itself, too: it could lead somewhere else.
        links = [name for name in folders if os.path.islink(os.path.join(where, name))]
        yield from (os.path.join(where, name) for name in sorted([*names, *links]))


def _folders_below(path: str) -> Iterator[str]:
    if os.path.isdir(path):
        yield from (where for where, _, _ in walked(path))


def walked(
    path: str, skipped: Collection[str] = MADE
) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` through links to folders, each folder once, without those of the names `skipped`:
    what judges make."""
    seen = set()
    for where, folders, names in os.walk(path, followlinks=True):
        with suppress(OSError):
            status = os.stat(where)
            if (status.st_dev, status.st_ino) in seen:
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if name not in skipped)
        yield where, folders, names


def _remove_caches(path: str) -> None:
    """Of a frozen folder, or next to a frozen file."""
    if not os.path.isdir(path):
        stem = os.path.basename(path).removesuffix(".py")
        remove_compiled(os.path.dirname(path), lambda name, _: name.startswith(f"{stem}."))
        return
    for where, _, _ in walked(path):
        remove_compiled(where, lambda *_: False)  # a link
        shutil.rmtree(os.path.join(where, CACHES), ignore_errors=True)


def remove_compiled(folder: str, is_removed: Callable[[str, os.stat_result], bool]) -> None:
    """Remove the compiled files of a folder for which `is_removed` is true, by name and status; an
    OSError of it counts as false.

    A link in place of `__pycache__` is removed itself: Python would follow it, but the files behind
    it can be the user's.
    """
    place = os.path.join(folder, CACHES)
    try:
        opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        if os.path.islink(place):
            with suppress(OSError):
                os.unlink(place)
        return
    try:
        for name in os.listdir(opened):
            with suppress(OSError):
                status = os.stat(name, dir_fd=opened, follow_symlinks=False)
                if name.endswith(".pyc") and is_removed(name, status):
                    os.unlink(name, dir_fd=opened)
    finally:
        os.close(opened)


def content_of(path: str) -> bytes:
    """A digest of a file, and where it leads if it is a link."""
    found = hashlib.sha256()
    try:
        if os.path.islink(path):
            found.update(os.fsencode(os.readlink(path)))
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            # Reading a pipe or a device could wait without end.
            return found.digest() + f"{stat.S_IFMT(status.st_mode)}".encode()
        if status.st_size > LARGE:
            stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            return found.digest() + _large(path, (*stamp, status.st_ctime_ns))
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            found.update(file.read())
    except OSError as error:
        return f"unreadable {error.errno}".encode()
    return found.digest()


@lru_cache(maxsize=10_000)
def _large(path: str, stamp: tuple[int, ...]) -> bytes:
    """By the file's stamp, which a change of its content always changes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
