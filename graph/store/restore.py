"""Bringing files back: what a turn changed, unless somebody changed it since.

A plan is made from snapshots alone; then it is carried out, so that a kill in between and the same
undo again end right. Nothing is written through a link that leads out of the folder. Blocking.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from graph.store.shadow import Entry, Shadow

Files = Mapping[str, Entry]


@dataclass
class Plan:
    """now: the files as they are. wanted: as they shall be (None: not there). left: what stays
    as it is, with the reason."""

    now: Files
    wanted: dict[str, Entry | None] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    @property
    def restored(self) -> list[str]:
        return sorted(self.wanted)


def planned(now: Files, steps: Sequence[tuple[Files, Files]]) -> Plan:
    """What to do so that each step's changes are gone.

    Args:
        now: the files as they are.
        steps: (as it shall be, as the step left it), the newest first. A file that is not as the
            step left it was changed since, by somebody else: it is left.
    """
    after: dict[str, Entry | None] = dict(now)
    plan = Plan(now)
    for wanted, left_behind in steps:
        for name in sorted({*wanted, *left_behind}):
            target, known = wanted.get(name), left_behind.get(name)
            if target == known or name in plan.left:
                continue
            there = after.get(name)
            if there == known:
                after[name] = target
            elif there != target:
                plan.left[name] = "it was changed since"
    plan.wanted = {n: e for n, e in after.items() if e != now.get(n) and n not in plan.left}
    return plan


def carried_out(plan: Plan, shadow: Shadow) -> Plan:
    """Do what `plan` says; what could not be done moves to `left`."""
    folder = shadow.folder
    gone = [name for name, entry in plan.wanted.items() if entry is None]
    for name in sorted(gone, reverse=True):
        _attempt(plan, name, partial(_remove, folder, name))
    kept = {n: e for n, e in plan.wanted.items() if e is not None}
    by_blob: dict[str, list[str]] = {}
    for name, entry in kept.items():
        there = plan.now.get(name)
        if there is not None and (there.kind, there.blob) == (entry.kind, entry.blob):
            _attempt(plan, name, partial(_set_mode, folder, name, entry))
        else:
            by_blob.setdefault(entry.blob, []).append(name)
    for blob, content in shadow.contents(by_blob):
        for name in by_blob[blob]:
            _attempt(plan, name, partial(_write, folder, name, kept[name], content))
    return plan


def _attempt(plan: Plan, name: str, work: Callable[[], None]) -> None:
    try:
        work()
    except OSError as error:
        plan.wanted.pop(name, None)
        plan.left[name] = str(error.strerror or error)


def _remove(folder: str, name: str) -> None:
    path = _inside(folder, name)
    with suppress(FileNotFoundError):
        os.unlink(path)
    # A folder that the turn made goes with its last file.
    parent = os.path.dirname(path)
    while parent != folder:
        try:
            os.rmdir(parent)
        except OSError:
            return
        parent = os.path.dirname(parent)


def _write(folder: str, name: str, entry: Entry, content: bytes) -> None:
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    path = _inside(folder, name)
    draft = os.path.join(os.path.dirname(path), f".{secrets.token_hex(6)}")
    try:
        if entry.kind == "120000":
            os.symlink(os.fsdecode(content), draft)
        else:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.chmod(draft, entry.mode)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _set_mode(folder: str, name: str, entry: Entry) -> None:
    os.chmod(_inside(folder, name), entry.mode, follow_symlinks=False)


def _inside(folder: str, name: str) -> str:
    """The path of a file of the folder. Raises OSError where a link on the way leads out."""
    path = os.path.join(folder, name)
    parent, home = os.path.realpath(os.path.dirname(path)), os.path.realpath(folder)
    if parent != home and not parent.startswith(home + os.sep):
        raise OSError("a link on the way leads out of the folder")
    return path
