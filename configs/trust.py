"""What a folder brings and the user trusts: asked once, and again for what has changed.

A cloned folder may bring settings, MCP servers, commands, skills and keys. Each is an `Item` with a
digest of its content; the answers are in the user's own configuration folder, by folder.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from configs.folders import write_atomically
from configs.real_path import real_path


@dataclass(frozen=True)
class Item:
    """One thing of a folder that counts only once it is trusted.

    Attributes:
        kind: settings, MCP server, command, skill or .env. name: which of them; for settings the
            keys. shown: lines that say all that is in it, safe to print. digest: of its content.
    """

    kind: str
    name: str
    shown: tuple[str, ...]
    digest: str

    @property
    def key(self) -> str:
        """Under which its answer is kept: the settings are one item."""
        return self.kind if self.kind == "settings" else f"{self.kind} {self.name}"


class Answers:
    """What the user answered about one folder. Reads the file once."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = real_path(folder)
        found = _known().get(self.folder)
        self._record = found if isinstance(found, dict) else {}
        items = self._record.get("items")
        self._items: dict[str, Any] = items if isinstance(items, dict) else {}

    def about(self, item: Item) -> bool | None:
        """Whether the user trusts it as it is; None: it was never asked about, or has changed."""
        found = self._items.get(item.key)
        if not isinstance(found, dict) or found.get("digest") != item.digest:
            return None
        return found.get("trusted") is True

    def has_changed(self, item: Item) -> bool:
        """Whether an answer was given about it when it was another."""
        return item.key in self._items and self.about(item) is None

    def is_new(self, item: Item) -> bool:
        """Whether nothing was ever answered about it."""
        return item.key not in self._items

    def adopt(self, item: Item, *, trusted: bool) -> None:
        """Let an answer of an older version count for `item`; nothing is written."""
        self._items[item.key] = {"digest": item.digest, "trusted": trusted}

    def about_servers(self, servers: Mapping[str, Any]) -> bool | None:
        """An answer of a version that asked about all MCP servers together, and nothing else."""
        if self._record.get("digest") != digest_of(servers):
            return None
        return self._record.get("trusted") is True


def remember(folder: str | Path, items: Sequence[Item], *, trusted: bool) -> None:
    """Keep the user's answer about `items`; what was answered about others stays."""
    known = _known()
    record = known.setdefault(real_path(folder), {})
    if not isinstance(record, dict):
        record = known[real_path(folder)] = {}
    if not isinstance(record.get("items"), dict):
        record["items"] = {}
    for item in items:
        record["items"][item.key] = {"digest": item.digest, "trusted": trusted}
    write_json(_file(), known)


def forget(folder: str | Path) -> bool:
    """Take back all answers about a folder; whether there were any."""
    known = _known()
    if known.pop(real_path(folder), None) is None:
        return False
    write_json(_file(), known)
    return True


def digest_of(value: Any) -> str:
    """Names a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _file() -> Path:
    return platformdirs.user_config_path("ml-agent") / "trusted.json"


def _known() -> dict[str, Any]:
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def write_json(path: Path, data: Any) -> None:
    """Put `data` in place of the file that `path` leads to."""
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    write_atomically(Path(real_path(path)), text)
