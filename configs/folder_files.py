"""Files that a folder brings: read only if they are regular, small, and in the folder.

Whoever made the folder may have put a pipe, a device, a socket, a link to a key of yours, or
gigabytes where a settings file is looked for. Nothing here waits, and nothing reads without limit.
"""

import os
import stat
from pathlib import Path

from configs.real_path import real_path

#: A settings file, a .env, a command: larger ones are left out. Bytes.
LARGEST = 100_000
#: An AGENTS.md or SKILL.md, of which the first characters are used. Bytes.
LARGEST_TEXT = 1_000_000


class Unreadable(Exception):
    """Why a file is left out, in a few words."""


def read_regular(path: Path, largest: int) -> bytes:
    """The content of a regular file of at most `largest` bytes, links followed. Raises Unreadable;
    FileNotFoundError if there is none."""
    try:
        # The last look before the open: opening alone can wait (a pipe) or act (a device).
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unreadable("it is not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise Unreadable(getattr(error, "strerror", None) or "it cannot be opened") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is not a regular file")
        try:
            content = file.read(largest + 1)
        except OSError as error:
            raise Unreadable(error.strerror or "it cannot be read") from None
    if len(content) > largest:
        raise Unreadable(f"it is larger than {largest:,} bytes")
    return content


def read_in_folder(path: Path, top: Path, largest: int = LARGEST) -> bytes:
    """As `read_regular`, of a file that must be in the folder `top`: a link that leads out of it,
    or to a file of another kind (`AGENTS.md` to `.env`), is not followed."""
    try:
        real = Path(os.path.realpath(path, strict=True))  # noqa: TID251
        inside = real_path(top)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise Unreadable(getattr(error, "strerror", None) or "it cannot be opened") from None
    if not real.is_relative_to(inside):
        raise Unreadable("it is a link that leads out of the folder")
    if (real.suffix or real.name) != (path.suffix or path.name):
        raise Unreadable("it is a link to a file of another kind")
    return read_regular(real, largest)


def text_in_folder(path: Path, top: Path, largest: int = LARGEST) -> str:
    """The text of a file of the folder, strictly UTF-8. Raises Unreadable, FileNotFoundError."""
    try:
        return read_in_folder(path, top, largest).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8 text") from None
