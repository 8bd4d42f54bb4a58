"""Git directories and other special files in a working directory.

Git's settings and hooks run programs at the user's next git command. So do the ones of nested
repositories, of a worktree's main repository, and of submodules.
"""

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from configs.kept_ways import KeptFolders
from configs.real_path import real_path
from core.policy.paths import inside
from core.policy.secret_files import is_secret_name

#: Folders that one look around opens, and entries of one that it looks at: each command waits for
#: it. What lies deeper is not found. No time limit: what is found must not hang on the load.
FOLDERS, ENTRIES = 200, 1000
#: Where nested repositories and secrets are not looked for.
SKIPPED = {"node_modules", "site-packages", "__pycache__", ".venv", "venv", ".tox", "objects"}


#: What governs in a git directory. `worktrees`: each has a file that leads to other settings.
OF_GIT = ("config", "config.worktree", "hooks", "commondir", "worktrees")
#: What counts most, looked up by name in each folder.
BY_NAME = (".git", ".ml-agent", ".env")
#: Folders of a git directory in which no other one lies.
INNER = {"hooks", "info", "lfs", "logs", "objects", "refs"}
OF_WORKTREE = ("commondir", "gitdir", "config.worktree")


@dataclass
class Special:
    """What a working directory holds.

    Attributes:
        governing: files and folders that a command must not change: git's settings and hooks, and
            `.ml-agent`. secret: files whose names say that they hold credentials.
        outside: git directories that belong to the folder and lie outside of it.
    """

    governing: list[str] = field(default_factory=list)
    secret: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def special_in(folder: str) -> Special:
    """What `folder` (no links in its path) holds, as deep as the time allows."""
    found = Special()
    waiting, opened = deque([folder]), 0
    while waiting and opened < FOLDERS:
        opened += 1
        _look(waiting.popleft(), found, waiting)
    enclosing = _enclosing(folder)
    for git in [os.path.join(folder, ".git"), *([enclosing] if enclosing else [])]:
        common = _common_of(git)
        if common and not inside(common, folder):
            found.outside.append(common)
            found.governing += _of_git(common)
            own = _own_worktree(git)
            if own:
                found.outside.append(own)
                found.governing += [os.path.join(own, name) for name in OF_WORKTREE]
    return found


def _look(folder: str, found: Special, waiting: deque[str]) -> None:
    entries = kept.of(folder)
    for git in entries.git:
        found.governing += _of_git(git)
    found.governing += entries.governing
    for folder in entries.bare:
        if _may_be_git(folder):
            found.governing += _of_git(folder)
    waiting += entries.folders
    found.secret += entries.secret


class _Entries(NamedTuple):
    """What the entries of a folder are, without what is in them.

    Attributes:
        git: `.git` if it is a folder. governing: `.git` if it is not, and `.ml-agent`.
        bare: folders that may be git directories. folders: those to look into. secret: files.
    """

    git: list[str]
    governing: list[str]
    bare: list[str]
    folders: list[str]
    secret: list[str]


def entries_by_kind(folder: str) -> _Entries:
    found = _Entries([], [], [], [], [])
    # By their names: among many files they may not be in the part that is looked at.
    git, ours, secret = (os.path.join(folder, name) for name in BY_NAME)
    if os.path.lexists(git):
        is_folder = os.path.isdir(git) and not os.path.islink(git)
        (found.git if is_folder else found.governing).append(git)
    if os.path.lexists(ours):
        found.governing.append(ours)
    if os.path.isfile(secret) and not os.path.islink(secret):
        found.secret.append(secret)
    for entry in entries_of(folder):
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name in BY_NAME:
            continue
        if is_folder:
            if entry.name not in SKIPPED:
                found.folders.append(entry.path)
            if entry.name.endswith(".git"):
                found.bare.append(entry.path)
        elif is_secret_name(entry.path) and not entry.is_symlink():
            found.secret.append(entry.path)
    return found


kept = KeptFolders(entries_by_kind)


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    """The first entries of a folder; none of one that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, ENTRIES))
    except OSError:
        return []


def _of_git(git: str) -> list[str]:
    """What governs in a git directory, with its submodules and worktrees."""
    directories = [git, *_submodules(os.path.join(git, "modules"))]
    found = [os.path.join(one, name) for one in directories for name in OF_GIT]
    return [path for path in found if os.path.exists(path) and not os.path.islink(path)]


def _submodules(modules: str) -> Iterator[str]:
    """The git directories below; a submodule's name may hold slashes, and it may have its own."""
    waiting, opened = deque([modules]), 0
    while waiting and opened < FOLDERS:
        opened += 1
        folder = waiting.popleft()
        is_git = _may_be_git(folder)
        if is_git:
            yield folder
        waiting += [
            entry.path
            for entry in entries_of(folder)
            if entry.is_dir(follow_symlinks=False) and not (is_git and entry.name in INNER)
        ]


def _may_be_git(folder: str) -> bool:
    """Whether a folder is, or was, a git directory: a command can take its HEAD away and put it
    back later, but not its settings."""
    return any(os.path.lexists(os.path.join(folder, name)) for name in ("HEAD", "config"))


def _enclosing(folder: str) -> str:
    """The `.git` of the repository in which `folder` lies; "" if there is none."""
    if os.path.lexists(os.path.join(folder, ".git")):
        return ""
    above = folder.rpartition(os.sep)[0]
    while above:
        git = f"{above}/.git"
        if os.path.lexists(git):
            return git
        above = above.rpartition(os.sep)[0]
    return ""


def _common_of(git: str) -> str:
    """The directory in which a repository keeps its objects, if `git` (a `.git`) leads there and
    that directory says the same: what a folder claims alone would make any place writable."""
    if os.path.isdir(git) and not os.path.islink(git):
        return git if _is_git(git) else ""
    own = _led_to(git)
    if os.path.basename(os.path.dirname(own)) == "worktrees":
        common = os.path.dirname(os.path.dirname(own))
        back = os.path.join(own, _text(os.path.join(own, "gitdir")).strip())
        return common if real_path(back) == git and _is_git(common) else ""
    if f"{os.sep}.git{os.sep}modules{os.sep}" in own and _is_git(own):
        tree = re.search(r"^\s*worktree\s*=\s*(.+?)\s*$", _text(os.path.join(own, "config")), re.M)
        back = os.path.join(own, tree[1].strip('"')) if tree else ""
        return own if back and real_path(back) == os.path.dirname(git) else ""
    return ""


def _own_worktree(git: str) -> str:
    """The directory of a worktree in its main repository; "" if `git` is not a worktree's."""
    own = _led_to(git)
    return own if os.path.basename(os.path.dirname(own)) == "worktrees" else ""


def _led_to(git: str) -> str:
    """Where a file `.git` says that the git directory is; "" if it says nothing."""
    text = "" if os.path.isdir(git) else _text(git)
    if not text.startswith("gitdir:"):
        return ""
    named = text.removeprefix("gitdir:").strip()
    return real_path(os.path.join(os.path.dirname(git), named))


def _is_git(folder: str) -> bool:
    return all(os.path.exists(os.path.join(folder, name)) for name in ("HEAD", "objects", "refs"))


def _text(path: str) -> str:
    """The start of a small regular file; "" if it is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 65_536).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
