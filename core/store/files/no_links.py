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

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class LinkInPath(OSError):
    """A link is in a path that had none when the call was judged."""

    def __init__(self, path: str) -> None:
        said = "its path now contains a link, which is not followed. Call again"
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
        # A pipe must not make anyone wait.
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
    """Make `content` the file's content, and change nothing else. Missing folders are made.

    A draft takes the file's place, so that a crash leaves the old or the new content. Mode, owner
    and extended attributes go over to it. A file that would lose something by that is written in
    place: one with other names (hard links), a mount point, one in a folder that takes no new
    files. Raises LinkInPath; PermissionError for a file that is marked read-only.
    """
    parent, name = _split(path)
    with opened_folder(parent, create=True) as folder:
        there = _status(folder, name, path)
        if there is not None and not there.st_mode & _WRITABLE:
            said = f"it is read-only (mode {stat.S_IMODE(there.st_mode):04o}). If it may be "
            raise PermissionError(errno.EACCES, said + "changed, run chmod u+w first", path)
        if there is not None and there.st_nlink > 1:
            return _overwrite(folder, name, content, path)
        try:
            _put_draft(folder, name, content, there, path)
        except _NotReplaceable:
            _overwrite(folder, name, content, path)


class _NotReplaceable(Exception):
    """A draft cannot take the file's place without a loss."""


def _put_draft(
    folder: int, name: str, content: bytes, there: os.stat_result | None, path: str
) -> None:
    draft = f".{name[:40]}.{secrets.token_hex(4)}"
    # A new file takes its mode from the umask, which can only be read by setting it.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(draft, flags, 0o666, dir_fd=folder)
    except OSError:
        if there is None:
            raise
        raise _NotReplaceable from None  # the folder takes no new files; the file may be writable
    try:
        with os.fdopen(descriptor, "wb") as file:
            if there is not None:
                _take_over(file.fileno(), folder, name, there, path)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # It replaces the name: were that a link by now, the link goes, not what it leads to.
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        if isinstance(error, OSError) and error.errno == errno.EBUSY:
            raise _NotReplaceable from None  # a mount point
        raise


def _take_over(draft: int, folder: int, name: str, there: os.stat_result, path: str) -> None:
    """Give `draft` the owner, mode and extended attributes of the file."""
    try:
        made = os.fstat(draft)
        if (made.st_uid, made.st_gid) != (there.st_uid, there.st_gid):
            os.fchown(draft, there.st_uid, there.st_gid)
        os.fchmod(draft, stat.S_IMODE(there.st_mode))
        if hasattr(os, "listxattr"):
            file = _open(folder, name, os.O_NONBLOCK, path)
            try:
                for key in set(os.listxattr(file)) - set(os.listxattr(draft)):
                    os.setxattr(draft, key, os.getxattr(file, key))
            finally:
                os.close(file)
    except LinkInPath:
        raise
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return  # a file system without extended attributes
        raise _NotReplaceable from None


def _overwrite(folder: int, name: str, content: bytes, path: str) -> None:
    """Write into the file that is there. Its end is cut last, so that a crash leaves the old
    bytes behind the new ones, not an empty file."""
    descriptor = _open(folder, name, os.O_WRONLY | os.O_NONBLOCK, path)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        file.truncate(len(content))
        os.fsync(file.fileno())


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
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise LinkInPath(path) from None
        raise


def _status(folder: int, name: str, path: str) -> os.stat_result | None:
    """Of the file that is there; None: there is none."""
    with suppress(FileNotFoundError):
        found = os.lstat(name, dir_fd=folder)
        if stat.S_ISLNK(found.st_mode):
            raise LinkInPath(path)
        return found
    return None


def _is_link(folder: int, name: str) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode)
    return False
