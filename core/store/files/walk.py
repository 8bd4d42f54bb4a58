"""A walk over a folder, past what git ignores. It never follows a link. Blocking.

Git is a process, twice for each command of the model, and most commands make no new name.
What git ignores follows from the names, the files with rules and its index. So what it said is
kept, and counts again if none of these has changed.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.quick import leave_loop
from core.store.files.file_snapshots import Shadow, status_of

#: Files of a folder above which nothing is kept.
MOST_FILES = 50_000
#: Files of a folder above which no walk is done on the event loop.
QUICK_FILES = 500
#: Names above which git is asked each time: to walk once more takes longer than that.
FEW = 2_000
#: A file that changed so shortly before it was read may change again within one tick of the
#: clock, and look the same: it is read again the next time. Seconds.
RACY = 1.0


@dataclass
class Walk:
    """What a walk came past.

    Attributes:
        found: by path below the folder, what is not ignored. ignored: as git said, folders with a
            final slash. names: all that was seen, ignored or not. repositories: folders that hold
            one, with a final slash. rules: the files that say what is ignored. above: those that
            are not among `names` (`Shadow.rule_files`).
        off: why it was broken off; "" if it was not.
    """

    found: dict[str, os.stat_result] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    repositories: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    above: dict[str, os.stat_result | None] = field(default_factory=dict)
    off: str = ""


class Walker:
    """Walks over the folder of one shadow repository."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        #: What git ignored at last, and what that followed from.
        self._known: tuple[set[str], object] | None = None

    def walk(self, now: float) -> Walk:
        """`now`: epoch seconds."""
        if self._known is not None:
            ignored, basis = self._known
            walk = self._pass(ignored)
            if self._basis(walk, now) == basis:
                return walk
        walk = self._pass(None)
        basis = self._basis(walk, now)
        stays = basis is not None and self._are_named_by_rules(walk)
        self._known = (walk.ignored, basis) if stays else None
        return walk

    def _pass(self, ignored: set[str] | None) -> Walk:
        """`ignored`: what is passed by; None: what git says."""
        walk = Walk(ignored=set(self._shadow.ignored("") if ignored is None else ignored))
        waiting, count = [""], 0
        while waiting:
            prefix = waiting.pop()
            listed = _listed(os.path.join(self._shadow.folder, prefix))
            if prefix and any(entry.name == ".git" for entry in listed):
                walk.repositories.append(prefix)
                if ignored is None:
                    walk.ignored |= {prefix + path for path in self._shadow.ignored(prefix)}
            for entry in listed:
                name = prefix + entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name == ".git":
                    continue
                if entry.name == ".gitignore":
                    walk.rules.append(name)
                seen = f"{name}/" if is_folder else name
                walk.names.add(seen)
                # Rules that ignore themselves count as well: else what they hide stays hidden.
                if seen in walk.ignored and seen not in walk.rules:
                    continue
                if is_folder:
                    waiting.append(seen)
                count += 1
                if count > QUICK_FILES:
                    leave_loop()
                if count > MOST_FILES:
                    walk.off = f"it holds more than {MOST_FILES:,} files"
                    return walk
                try:
                    walk.found[name] = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # it went away meanwhile
        return walk

    def _basis(self, walk: Walk, now: float) -> object:
        """What git's word follows from; None if that cannot be told later from another state."""
        walk.above = self._shadow.rule_files()
        if len(walk.names) > FEW:
            return None
        stamps: list[tuple[str, object]] = []
        for path, status in self._rule_files(walk):
            if status is None:
                stamps.append((path, None))
                continue
            is_folder = os.path.isdir(path)
            is_file = os.path.basename(path) == ".git" and not is_folder
            if is_file or max(status.st_mtime, status.st_ctime) > now - RACY:
                return None  # a work tree's index lies somewhere else
            stamps.append((path, "folder" if is_folder else stamp(status)))
        return walk.names, stamps

    def _rule_files(self, walk: Walk) -> Iterable[tuple[str, os.stat_result | None]]:
        """The files with rules, and each repository's index: what git tracks is not ignored."""
        folder = self._shadow.folder
        yield from walk.above.items()
        gits = [path for path, status in walk.above.items() if status and path.endswith("/.git")]
        others = [f"{git}/index" for git in gits]
        others += (os.path.join(folder, name) for name in sorted(walk.rules))
        for prefix in walk.repositories:
            git = os.path.join(folder, prefix, ".git")
            inside = ("info/exclude", "config", "index")
            others += (git, *(os.path.join(git, name) for name in inside))
        yield from ((path, status_of(path)) for path in others)

    def _are_named_by_rules(self, walk: Walk) -> bool:
        """Whether the ignored folders are so themselves. Of one that is not, git says that all in
        it is ignored, but a new file in it might be seen."""
        folders = [name for name in walk.ignored if name.endswith("/")]
        if any(name.startswith(prefix) for name in folders for prefix in walk.repositories):
            return False  # only its own git could tell
        return not folders or self._shadow.excludes(folders)


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []  # it went away, or cannot be read: `also` says which of the two


def stamp(status: os.stat_result) -> str:
    """What is another one when a file has changed."""
    return f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"
