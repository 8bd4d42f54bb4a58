"""What is in a git repository's index, read without git: no program of its settings runs."""

import os
import struct
from pathlib import Path

from configs.folder_files import Unreadable, read_regular

#: A larger index is not read.
LARGEST = 5_000_000
#: The mode of an entry that is its own repository.
GITLINK = 0o160000


def entries_of(index: Path) -> list[tuple[int, str]] | None:
    """The modes and names of an index of version 2 or 3; None for another or a broken one."""
    try:
        data = read_regular(index, LARGEST)
    except FileNotFoundError:
        return []
    except (OSError, Unreadable):
        return None
    if data[:4] != b"DIRC" or len(data) < 12:
        return None
    version, count = struct.unpack(">II", data[4:12])
    if version not in (2, 3):
        return None
    found, at = [], 12
    for _ in range(count):
        if at + 62 > len(data):
            return None
        mode, flags = struct.unpack(">I", data[at + 24 : at + 28])[0], data[at + 60]
        start = at + (64 if flags & 0x40 else 62)
        end = data.find(b"\0", start)
        if end < 0:
            return None
        found.append((mode & 0o170000, os.fsdecode(data[start:end])))
        at += (end - at + 8) // 8 * 8
    # A part of the entries may stand in another file, or folders stand for what is in them.
    while at + 8 <= len(data) - 20:
        if data[at : at + 4] in (b"link", b"sdir"):
            return None
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return found
