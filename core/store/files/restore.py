"""Bringing files back: what a turn changed, unless something else changed it since.

A plan is made from records and one look; then it is carried out, so that a kill in between and the
same undo again end right. Nothing is written through a link that leads somewhere else. Blocking.
"""

import os
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from core.store.files.entries import FOLDER, LEFT_OUT, LINK, Entry, Scan
from core.store.files.file_snapshots import Shadow
from core.store.files.scan import LEADS_OUT, leads_out, same_file

Files = Mapping[str, Entry | None]

SINCE = "it was changed since"


@dataclass
class Step:
    """What one turn is to be brought back to.

    Attributes:
        wanted, left_behind: its paths as they should be, and as the step left them.
        disputed: paths that stay, with the reason.
        done: paths that a killed undo may have brought back already.
        touched: of these, what the plan brings back.
    """

    wanted: Files
    left_behind: Files
    disputed: Mapping[str, str] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    touched: set[str] = field(default_factory=set)

    def names(self) -> list[str]:
        return sorted({*self.wanted, *self.left_behind})


@dataclass
class RestorePlan:
    """now: the paths as they are. wanted: as they should be (None: not there). left: what stays
    as it is, with the reason."""

    now: Scan
    wanted: dict[str, Entry | None] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    #: Folders that were gone and had to be made for what was brought back.
    made: list[str] = field(default_factory=list)

    @property
    def restored(self) -> list[str]:
        return sorted(self.wanted)

    @property
    def removed(self) -> list[str]:
        """Of `restored`, what goes away."""
        return sorted(name for name, entry in self.wanted.items() if entry is None)


def planned(now: Scan, steps: Sequence[Step]) -> RestorePlan:
    """What to do so that each step's changes are gone.

    Args:
        now: the steps' paths as they are.
        steps: the newest first. A path that is not as the step left it was changed since, by
            someone else: it is left.
    """
    after: dict[str, Entry | None] = dict(now.entries)
    plan = RestorePlan(now)
    for step in steps:
        for name in step.names():
            target, known = step.wanted.get(name), step.left_behind.get(name)
            if name in plan.left or (target == known and name not in step.disputed):
                continue
            there = after.get(name)
            reason = _why_left(step, now, name, there, known)
            if there == target:
                step.touched |= {name} & step.done
            elif reason:
                plan.left[name] = reason
            else:
                after[name] = target
                step.touched.add(name)
    names = {*after, *now.entries}
    changed = {name: after.get(name) for name in names if after.get(name) != now.entries.get(name)}
    plan.wanted = {name: entry for name, entry in changed.items() if name not in plan.left}
    for name in [name for name, entry in plan.wanted.items() if entry is not None]:
        while name := os.path.dirname(name):
            if name in plan.wanted and plan.wanted[name] is None:
                del plan.wanted[name]
                plan.left[name] = "it holds what is brought back"
    return plan


def _why_left(step: Step, now: Scan, name: str, there: Entry | None, known: Entry | None) -> str:
    """Why a path is not touched; "" if it is."""
    if name in step.disputed:
        return step.disputed[name]
    if there is not None and there.kind == LEFT_OUT:
        return now.left_out.get(name, "it was left out")
    return SINCE if there != known else ""


def carried_out(plan: RestorePlan, shadow: Shadow) -> RestorePlan:
    """Do what `plan` says; what could not be done moves to `left`."""
    folder, now = shadow.folder, plan.now.entries
    for name in sorted(plan.wanted):
        if _is_folder(now.get(name)) and _is_folder(plan.wanted[name]):
            _attempt(plan, name, partial(_open_up, folder, name))
    for name in sorted(plan.wanted, reverse=True):
        entry = plan.wanted[name]
        if name in now and (entry is None or _is_folder(entry) != _is_folder(now[name])):
            _attempt(plan, name, partial(_remove, folder, name, _is_folder(now[name])))
    kept = {name: entry for name, entry in sorted(plan.wanted.items()) if entry is not None}
    for name, entry in kept.items():
        if _is_folder(entry) and not _is_folder(now.get(name)):
            _attempt(plan, name, partial(_make_folder, plan, folder, name), checked=False)
    _write_files(plan, {n: e for n, e in kept.items() if not _is_folder(e)}, shadow)
    for name, entry in sorted(kept.items(), reverse=True):
        if _is_folder(entry) and name in plan.wanted:
            _attempt(plan, name, partial(_set_mode, folder, name, entry), checked=False)
    return plan


def _write_files(plan: RestorePlan, files: Mapping[str, Entry], shadow: Shadow) -> None:
    folder = shadow.folder
    by_blob: dict[str, list[str]] = {}
    for name, entry in files.items():
        there = plan.now.entries.get(name)
        if there is not None and _content(there) == _content(entry):
            _attempt(plan, name, partial(_set_mode, folder, name, entry))
        else:
            by_blob.setdefault(entry.blob, []).append(name)
    for blob, content in shadow.contents(by_blob):
        for name in by_blob[blob]:
            work = partial(_write, plan, folder, name, files[name], content)
            # Where a folder stood it has been removed: the look holds no more.
            _attempt(plan, name, work, checked=not _is_folder(plan.now.entries.get(name)))


def _content(entry: Entry) -> tuple[bool, str]:
    return entry.kind == LINK, entry.blob


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == FOLDER


def _attempt(
    plan: RestorePlan, name: str, work: Callable[[], None], *, checked: bool = True
) -> None:
    """`checked`: the path must still be as it was looked at."""
    try:
        if name not in plan.wanted:
            return
        if checked and not same_file(plan.now, name):
            raise OSError(SINCE)
        work()
        _look_again(plan, name)
    except OSError as error:
        plan.wanted.pop(name, None)
        plan.left[name] = str(error.strerror or error)


def _look_again(plan: RestorePlan, name: str) -> None:
    """Other names of a file that went away or was replaced: the time of their last change is now,
    by us."""
    gone = plan.now.stats.get(name)
    if gone is None or gone.st_nlink == 1 or stat.S_ISDIR(gone.st_mode):
        return
    for other, known in plan.now.stats.items():
        if other != name and os.path.samestat(known, gone):
            with suppress(OSError):
                found = os.lstat(os.path.join(plan.now.folder, other))
                if os.path.samestat(found, known) and found.st_mtime_ns == known.st_mtime_ns:
                    plan.now.stats[other] = found


def _remove(folder: str, name: str, is_folder: bool) -> None:
    path = _inside(folder, name)
    with suppress(FileNotFoundError):
        if not is_folder:
            os.unlink(path)
        elif os.listdir(path):
            raise OSError("it is not empty")
        else:
            os.rmdir(path)


def _make_above(plan: RestorePlan, folder: str, name: str) -> None:
    """The folders above a path, those of which the plan says nothing too."""
    above = os.path.dirname(name)
    if above and not os.path.isdir(os.path.join(folder, above)):
        _make_above(plan, folder, above)
        os.mkdir(_inside(folder, above))
        plan.made.append(above)


def remove_empty(folder: str, names: Iterable[str]) -> list[str]:
    """Remove these folders, unless something is in them; those that stay."""
    stay = []
    for name in sorted(set(names), reverse=True):
        try:
            os.rmdir(_inside(folder, name))
        except FileNotFoundError:
            continue
        except OSError:
            stay.append(name)
    return stay


def _make_folder(plan: RestorePlan, folder: str, name: str) -> None:
    path = _inside(folder, name)
    _make_above(plan, folder, name)
    if not os.path.isdir(path):
        os.mkdir(path)
    elif os.path.islink(path):
        raise OSError(LEADS_OUT)


def _open_up(folder: str, name: str) -> None:
    """Let us write in a folder whose mode is set at the end."""
    path = _inside(folder, name)
    os.chmod(path, os.stat(path).st_mode & 0o7777 | 0o700, follow_symlinks=False)


def _write(plan: RestorePlan, folder: str, name: str, entry: Entry, content: bytes | None) -> None:
    if content is None:
        raise OSError("its content was not kept")
    path = _inside(folder, name)
    _make_above(plan, folder, name)
    path = _inside(folder, name)
    draft = os.path.join(os.path.dirname(path), f".{secrets.token_hex(6)}")
    try:
        if entry.kind == LINK:
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
    if entry.kind != LINK:
        os.chmod(_inside(folder, name), entry.mode)


def _inside(folder: str, name: str) -> str:
    """The path of a file of the folder. Raises OSError where a link on the way leads elsewhere."""
    if leads_out(folder, name):
        raise OSError(LEADS_OUT)
    return os.path.join(folder, name)
