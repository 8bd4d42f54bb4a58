"""What a command left that runs or counts later: git settings, hooks, shell profiles, `.ml-agent`.

A sandbox keeps those that exist from being changed (Landlock does not even that). None keeps a
command from making new ones where it may write, as `git clone` does. So they are told about.
"""

import os
from collections.abc import Iterable, Mapping
from stat import S_ISDIR, S_ISLNK

from configs.real_path import one_look
from configs.visible import visible
from tools.workspace.command_sandbox import places
from tools.workspace.command_sandbox.repositories import special_in

#: Files that one look takes in at most, and that are named at most.
LOOKED, NAMED = 400, 5

Marks = dict[str, str]


def marks(governing: Iterable[str]) -> Marks:
    """Each file of the governing places with what changes if it is changed."""
    found: Marks = {}
    for path in governing:
        for file in _files(path):
            mark = _mark(file)
            if mark:
                found[file] = mark
            if len(found) >= LOOKED:
                return found
    return found


def changed(before: Mapping[str, str], folder: str) -> str:
    """A line about what is new or other than `before`; "" if nothing is."""
    with one_look():
        now = marks((*special_in(folder).governing, *places.governing()))
    new = [path for path in now if path not in before]
    other = [path for path, mark in now.items() if before.get(path, mark) != mark]
    if not new and not other:
        return ""
    parts = [
        f"{word} {_named(paths)}" for word, paths in (("made", new), ("changed", other)) if paths
    ]
    return (
        f"[While this command ran, it or another program {' and '.join(parts)}. Programs that are "
        "named there may run later, outside the sandbox.]"
    )


def _named(paths: list[str]) -> str:
    shown = ", ".join(visible(path) for path in paths[:NAMED])
    return shown if len(paths) <= NAMED else f"{shown} and {len(paths) - NAMED} more"


def _files(path: str) -> Iterable[str]:
    if not os.path.isdir(path) or os.path.basename(path) == "worktrees":
        return [path]
    found = []
    for folder, _, names in os.walk(path):
        found += [os.path.join(folder, name) for name in names if not name.endswith(".sample")]
        if len(found) > LOOKED:
            break
    return found


def _mark(path: str) -> str:
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    if S_ISDIR(status.st_mode) or (S_ISLNK(status.st_mode) and os.path.isdir(path)):
        return ""
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}-{status.st_mode}"
