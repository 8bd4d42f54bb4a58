"""What git keeps of a repository: whether it lies where the repository does, and its index.

A `.git` can be a link or a file that names a folder anywhere, and within it links, `commondir` and
`alternates` can lead on: git then shows commits and files of another repository. All is read
without git: no program of the repository's settings runs.
"""

import os
import struct
from pathlib import Path

from configs.folder_files import LARGEST, Unreadable, read_regular
from configs.real_path import real_path
from core.policy.paths import inside

#: A larger index is not read.
LARGEST_INDEX = 5_000_000
#: The mode of an entry that is its own repository.
GITLINK = 0o160000
#: In a git directory, what a command that only reads does not open, or opens for names alone.
NOT_READ = frozenset({"annex", "hooks", "lfs", "modules", "worktrees"})
#: More entries are not looked at: git packs its objects long before.
MOST_ENTRIES = 20_000


def store_problem(git: Path, common: Path, own: Path, home: str) -> str:
    """What leads git out of the working directory; "" if nothing does.

    Args:
        git: the `.git` that was found. own, common: the directories that it is for, of the
            working tree and of the repository. home: the working directory.
    """
    within = all(inside(real_path(place), home) for place in (own, common))
    if not within and not _is_our_worktree(git, common, own):
        return "git keeps the repository outside the working directory"
    if os.path.lexists(common / "objects" / "info" / "alternates"):
        return "the repository reads the objects of another one"
    for place in dict.fromkeys(map(real_path, (own, common))):
        why = _links_problem(place)
        if why:
            return why
    return ""


def _is_our_worktree(git: Path, common: Path, own: Path) -> bool:
    """Whether the main repository says itself that `git` is the `.git` of one of its worktrees:
    what the worktree says alone, any folder could."""
    if git.is_symlink() or own.parent.name != "worktrees":
        return False
    if real_path(own.parent.parent) != real_path(common):
        return False
    try:
        back = own / read_regular(own / "gitdir", LARGEST).decode("utf-8").strip()
    except (OSError, Unreadable, UnicodeDecodeError):
        return False
    return back.name == git.name and real_path(back.parent) == real_path(git.parent)


def _links_problem(folder: str) -> str:
    waiting, count = [folder], 0
    while waiting:
        where = waiting.pop()
        try:
            with os.scandir(where) as entries:
                for entry in entries:
                    count += 1
                    if count > MOST_ENTRIES:
                        return "the repository is too large to be judged"
                    if where == folder and entry.name in NOT_READ:
                        continue
                    if entry.is_symlink():
                        return f"the repository holds a link ({entry.name})"
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            return "the repository cannot be read"
    return ""


def entries_of(index: Path) -> list[tuple[int, str]] | None:
    """The modes and names of an index of version 2 or 3; None for another or a broken one."""
    try:
        data = read_regular(index, LARGEST_INDEX)
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
