"""What one turn did to the files of its folder: the record by which it is undone.

Only what changed while a call of the turn ran counts as the turn's. What someone else may have
changed is kept as disputed: it is never touched, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.store.files.entries import LEFT_OUT, Entry, Scan

#: A path before the turn changed it, and as the turn left it; None: not there.
Change = tuple[Entry | None, Entry | None]
#: Why a change may be someone else's; "" if it is the turn's.
Doubt = Callable[[str, Entry | None], str]

BY_SOMEBODY = "something else changed it during the turn"
WAS_IGNORED = "git ignored it when the turn began"
#: A file's times come from a clock that lags by at most one tick. Seconds.
TICK = 0.02


@dataclass
class Changes:
    """One turn's record.

    Attributes:
        files: by path. disputed: paths that undo leaves, with the reason.
        off: why files are not covered at all, or not any more. at: epoch seconds of the last write.
        open: the file of the look that a call under way began with. While none is under way,
            there is no such file, and the next call's look gets this name; "" if that gets another.
        only: the paths that this call changes; None: it may change any.
        spared: while the turn is undone, the paths that undo did not touch.
        made: while the turn is undone, the folders that undo, or the redo of an earlier turn,
            had to make for what came back.
    """

    before: str
    files: dict[str, Change] = field(default_factory=dict)
    disputed: dict[str, str] = field(default_factory=dict)
    off: str = ""
    at: float = 0.0
    open: str = ""
    only: list[str] | None = None
    spared: list[str] | None = None
    made: list[str] = field(default_factory=list)

    def add(self, base: Scan, after: Scan, doubt: Doubt = lambda name, entry: "") -> None:
        """Count what differs between two looks as the turn's, unless there is a doubt."""
        for name in sorted({*base.entries, *after.entries}):
            was, now = base.entries.get(name), after.entries.get(name)
            if was == now:
                continue
            reason = self._hidden(name, base, after) if was is None else ""
            if reason is None:
                continue
            for entry, look in ((now, after), (was, base)):
                if entry is not None and entry.kind == LEFT_OUT:
                    reason = reason or look.left_out.get(name, "it was left out")
            first, last = self.files.get(name, (was, was))
            if last != was:
                reason = reason or BY_SOMEBODY
            reason = reason or doubt(name, now)
            if reason:
                self.disputed.setdefault(name, reason)
            self.files[name] = (first, now)
            if first == now and name not in self.disputed:
                del self.files[name]

    def _hidden(self, name: str, base: Scan, after: Scan) -> str | None:
        """Of a path that was not seen before: why it may have been there all the same; None if it
        certainly was; "" if it was not."""
        if base.rules == after.rules or base.covers(name):
            return ""
        status = after.stats.get(name)
        if status is not None and status.st_ctime < base.at - TICK:
            return None
        return WAS_IGNORED

    def dispute(self, base: Scan, after: Scan, reason: str) -> None:
        """Name what changed between two looks, by whom no one knows."""
        for name in sorted({*base.entries, *after.entries}):
            was, now = base.entries.get(name), after.entries.get(name)
            if was != now and not (was is None and self._hidden(name, base, after) is None):
                first, _ = self.files.get(name, (was, was))
                self.files[name] = (first, now)
                self.disputed.setdefault(name, reason)

    def copy(self) -> Changes:
        """One to change."""
        return replace(self, files={**self.files}, disputed={**self.disputed})

    def to_dict(self) -> dict[str, Any]:
        files = {
            name: [entry.to_list() if entry else None for entry in change]
            for name, change in self.files.items()
        }
        return {**self.__dict__, "files": files}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Changes:
        files: dict[str, Change] = {}
        for name, (was, now) in data["files"].items():
            first = Entry.from_list(was) if was else None
            files[name] = (first, Entry.from_list(now) if now else None)
        return cls(**{**data, "files": files})
