"""Changing `mcpServers` in a settings file, and nothing else in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from configs.layers import read_file
from configs.problems import SettingsProblem
from configs.trust import write_json
from graph.errors import SettingsError


def file_of(folder: Path | None) -> Path:
    """The person's own settings file, or a folder's."""
    if folder is None:
        return platformdirs.user_config_path("ml-agent") / "config.json"
    return folder / ".ml-agent" / "config.json"


@contextmanager
def changed(path: Path) -> Iterator[dict[str, Any]]:
    """The file's servers, to be changed in place; written when the block is left without an error.
    Raises SettingsError for a file that cannot be read."""
    try:
        data = read_file(path) if path.exists() else {}
    except SettingsProblem as problem:
        raise SettingsError(str(problem)) from None
    servers = data.setdefault("mcpServers", {})
    if not isinstance(servers, dict):
        raise SettingsError(f"{path}: mcpServers: expected an object")
    yield servers
    if not servers:
        del data["mcpServers"]
    write_json(path, data)
