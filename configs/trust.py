"""Which folders' MCP servers a person trusts: asked once, and again when they change.

A cloned folder may bring servers in `.ml-agent/config.json`; starting one runs a program. The
answers stand in the person's own configuration folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from configs.folders import make_private_folder


@dataclass(frozen=True)
class Untrusted:
    """Servers of a project's file that were left out. `refused`: the person said no to them."""

    folder: str
    servers: dict[str, Any]
    refused: bool


def _file() -> Path:
    return platformdirs.user_config_path("ml-agent") / "trusted.json"


def _digest(servers: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(servers, sort_keys=True).encode()).hexdigest()


def _answers() -> dict[str, Any]:
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def answer_for(folder: str | Path, servers: Mapping[str, Any]) -> bool | None:
    """Whether the person trusts these servers in this folder; None: was not asked."""
    found = _answers().get(os.path.realpath(folder))
    if not isinstance(found, dict) or found.get("digest") != _digest(servers):
        return None
    return found.get("trusted") is True


def remember(folder: str | Path, servers: Mapping[str, Any], *, trusted: bool) -> None:
    """Keep the person's answer."""
    known = _answers()
    known[os.path.realpath(folder)] = {"digest": _digest(servers), "trusted": trusted}
    write_json(_file(), known)


def write_json(path: Path, data: Any) -> None:
    """Put `data` in place of the file, whole or not at all; readable by its owner alone."""
    path = Path(os.path.realpath(path))
    make_private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=2, ensure_ascii=False)
            file.write("\n")
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
