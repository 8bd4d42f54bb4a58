"""Folders and files that only their owner may use: state, settings, caches."""

import fcntl
import os
import stat
from contextlib import suppress
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Literal

import platformdirs

from configs.real_path import real_path


def user_folder(kind: Literal["config", "state"]) -> str:
    """The user's settings or state directory of ML Agent. It need not exist."""
    variables = ("HOME", f"XDG_{kind.upper()}_HOME")
    return _user_folder(kind, *map(os.environ.get, variables))


@lru_cache(maxsize=8)
def _user_folder(kind: str, home: str | None, base: str | None) -> str:
    """Asked for at each call of the model; platformdirs takes 40 µs to answer."""
    find = platformdirs.user_config_dir if kind == "config" else platformdirs.user_state_dir
    return find("ml-agent")


def make_private_folder(path: Path, *, readable: bool = False) -> None:
    """Make `path` and every missing parent, each with mode 0700 whatever the umask is.

    `Path.mkdir` and `os.makedirs` give the mode to the last folder only: with umask 000 others
    could rename what is below the rest. Raises OSError.

    Args:
        readable: with mode 0755 instead, for folders of other programs, which users may share.
    """
    mode = 0o755 if readable else 0o700
    try:
        os.mkdir(path, mode)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_private_folder(path.parent, readable=readable)
        with suppress(FileExistsError):
            os.mkdir(path, mode)
    except OSError as error:
        # It may be there, on a disk that is not ours to write.
        if not os.path.isdir(path):
            if isinstance(error, FileExistsError):
                raise NotADirectoryError(20, os.strerror(20), str(path)) from error
            raise


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Put `content` in the file's place, whole or not at all; readable by its owner alone. Missing
    folders are made. Raises OSError."""
    folder, name = os.path.split(path)
    new = os.path.join(folder, f".{name}.{os.urandom(8).hex()}")
    try:
        try:
            write_new(new, content)
        except FileNotFoundError:
            make_private_folder(Path(folder))
            write_new(new, content)
        os.replace(new, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(new)
        raise


def write_new(path: str, content: str | bytes) -> None:
    """Write a file that only its owner can read. Raises OSError, also if it is there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_whole(handle, content.encode() if isinstance(content, str) else content)
    finally:
        os.close(handle)


def write_whole(descriptor: int, content: bytes) -> None:
    """Raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def small_file(path: str) -> str:
    """The text of a file, read at once: `open` asks the system more. Not by `os.read`, which
    `langgraph dev` forbids on the event loop. Raises OSError, ValueError."""
    with FileIO(path) as file:
        return file.readall().decode()


def is_locked(path: str | os.PathLike[str]) -> bool:
    """Whether a process holds the lock (flock) of a file. Only looks. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def who_else_may_write(path: Path) -> str:
    """Why other users of this machine can change what is in `path`, as one sentence; "": they
    cannot. Every folder on the way counts: who can write to a parent can put another in place."""
    ours = (0, os.getuid())
    whole = Path(real_path(path))
    for folder in (whole, *whole.parents):
        try:
            status = folder.stat()
        except OSError:
            continue
        if status.st_uid not in ours:
            return f"{folder} belongs to another user (uid {status.st_uid})"
        open_to_all = status.st_mode & stat.S_IWOTH
        if open_to_all and (folder == whole or not status.st_mode & stat.S_ISVTX):
            return f"every user of this machine can write to {folder}"
    return ""
