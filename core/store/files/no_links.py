"""Files opened by a path that was resolved before, so that no link counts any more.

Between the verdict on a call and its effect a command can put a link in a folder's place. Here each
part of the path is opened relative to the one before it, and a link on the way is an error. So what
was judged is what is opened. All functions block, and raise OSError.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: O_PATH asks only for the right to pass through a folder; macOS has none, and asks to read it.
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


class LinkInPath(OSError):
    """A link stands in a path that had none when the call was judged."""

    def __init__(self, path: str) -> None:
        said = "a link stands in its path now and is not followed. Call again"
        super().__init__(errno.ELOOP, said, path)


@contextmanager
def opened_folder(path: str, *, create: bool = False) -> Iterator[int]:
    """A descriptor of the folder at `path`, absolute and without links. `create`: missing folders
    are made. It is a place to start from (dir_fd, fchdir); it cannot be read."""
    descriptor = os.open("/", _FOLDER)
    try:
        for name in _parts(path):
            inner = _step(descriptor, name, path, create)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def status_of(path: str) -> os.stat_result:
    """What `os.stat` says. Raises LinkInPath."""
    parent, name = _split(path)
    with opened_folder(parent) as folder:
        found = os.lstat(name, dir_fd=folder)
    if stat.S_ISLNK(found.st_mode):
        raise LinkInPath(path)
    return found


def open_file(path: str) -> int:
    """A descriptor to read the regular file at `path`. Raises LinkInPath."""
    parent, name = _split(path)
    with opened_folder(parent) as folder:
        # A pipe must not make anybody wait.
        descriptor = _open(folder, name, os.O_NONBLOCK, path)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return descriptor


def read_file(path: str) -> bytes:
    with os.fdopen(open_file(path), "rb") as file:
        return file.read()


def list_folder(path: str) -> list[str]:
    """The names in a folder."""
    with opened_folder(path) as folder:
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)


def replace_file(path: str, content: bytes) -> None:
    """Put `content` in the file's place, atomically. Its mode is kept, missing folders are made.
    Other names of the file (hard links) keep the old content. Raises LinkInPath."""
    parent, name = _split(path)
    with opened_folder(parent, create=True) as folder:
        draft = f".{name[:40]}.{secrets.token_hex(4)}"
        # A new file takes its mode from the umask, which can only be read by setting it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(draft, flags, 0o666, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                mode = _mode(folder, name, path)
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
            # It replaces the name: were that a link by now, the link goes, not what it leads to.
            os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft, dir_fd=folder)
            raise


def _split(path: str) -> tuple[str, str]:
    """(the folder of a path, its name there)."""
    parts = _parts(path)
    return "/" + "/".join(parts[:-1]), parts[-1] if parts else "."


def _parts(path: str) -> list[str]:
    if not os.path.isabs(path) or "\0" in path:
        raise OSError(errno.EINVAL, "it is not an absolute path", path)
    parts = [part for part in path.split("/") if part]
    if {".", ".."} & set(parts):
        raise OSError(errno.EINVAL, "it is not a resolved path", path)
    return parts


def _step(folder: int, name: str, path: str, create: bool) -> int:
    try:
        return _open_folder(folder, name, path)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return _open_folder(folder, name, path)


def _open_folder(folder: int, name: str, path: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        # Linux says ENOTDIR of a link, macOS ELOOP.
        if error.errno in (errno.ENOTDIR, errno.ELOOP) and _is_link(folder, name):
            raise LinkInPath(path) from None
        raise


def _open(folder: int, name: str, flags: int, path: str) -> int:
    try:
        return os.open(name, flags | os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise LinkInPath(path) from None
        raise


def _mode(folder: int, name: str, path: str) -> int | None:
    """The mode of the file that is there; None: there is none."""
    with suppress(FileNotFoundError):
        found = os.lstat(name, dir_fd=folder)
        if stat.S_ISLNK(found.st_mode):
            raise LinkInPath(path)
        return stat.S_IMODE(found.st_mode)
    return None


def _is_link(folder: int, name: str) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode)
    return False
