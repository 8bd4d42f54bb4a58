"""How the paths of a folder stood at a moment: what a look at it finds, and a record keeps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Kinds of an entry, next to git's modes of regular files.
FOLDER, LINK, LEFT_OUT = "folder", "120000", "left out"


@dataclass(frozen=True)
class Entry:
    """A path as it was. kind: git's mode (100644, 100755, 120000 a link), "folder" or "left out".
    blob: its content's id; of what was left out a stamp. mode: its own bits."""

    kind: str
    blob: str
    mode: int

    def to_list(self) -> list[object]:
        return [self.kind, self.blob, self.mode]

    @classmethod
    def from_list(cls, data: Sequence[object]) -> Entry:
        kind, blob, mode = data
        return cls(str(kind), str(blob), int(str(mode)))


@dataclass
class Scan:
    """entries: by path below the folder. left_out: why an entry is LEFT_OUT. ignored: what git
    ignores, folders with a final slash. rules: changes when ignore rules do. off: why nothing was
    looked at; "" if it was. at: epoch seconds before the look. stats, folder: of this look, not
    stored."""

    entries: dict[str, Entry] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    rules: str = ""
    off: str = ""
    at: float = 0.0
    stats: dict[str, os.stat_result] = field(default_factory=dict)
    folder: str = ""

    def to_dict(self) -> dict[str, object]:
        return {
            "entries": {name: entry.to_list() for name, entry in self.entries.items()},
            "left_out": self.left_out,
            "ignored": self.ignored,
            "rules": self.rules,
            "at": self.at,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Scan:
        given = dict(data)
        entries: dict[str, list[object]] = given.pop("entries")  # type: ignore[assignment]
        found = {name: Entry.from_list(entry) for name, entry in entries.items()}
        return cls(entries=found, **given)  # type: ignore[arg-type]

    def same_as(self, other: Scan) -> bool:
        """Whether both found the same, whenever that was."""
        return (self.entries, self.left_out, self.ignored, self.rules) == (
            other.entries,
            other.left_out,
            other.ignored,
            other.rules,
        )

    def covers(self, name: str) -> bool:
        """False: git ignored the path, or a folder above it, when this was looked at."""
        hidden = set(self.ignored)
        parts = name.split("/")
        above = ("/".join(parts[:count]) + "/" for count in range(1, len(parts) + 1))
        return name not in hidden and not any(path in hidden for path in above)
