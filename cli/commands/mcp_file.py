"""`ml-agent mcp add` and `remove`: they change `mcpServers` in a settings file, nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.terminal.writer import note
from configs.layers import read_file, user_file
from configs.mcp import McpServer
from configs.problems import SettingsProblem
from configs.project import project_file
from configs.servers import server_item
from configs.trust import remember, write_json
from core.errors import SettingsError, UsageError


def file_of(folder: Path | None) -> Path:
    """The user's own settings file, or a folder's."""
    return user_file() if folder is None else project_file(folder)


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


def add_server(name: str, command: tuple[str, ...], given: dict[str, Any], folder: Path) -> Path:
    """Write a server into the user's settings, or the folder's (`given["project"]`); the file."""
    server: dict[str, Any] = {}
    if given["url"]:
        server = {"transport": "http", "url": given["url"]}
    if command:
        server |= {"command": command[0], "args": list(command[1:])}
    if given["headers"]:
        server["headers"] = _pairs(given["headers"], ":", "--header")
    if given["env"]:
        server["env"] = _pairs(given["env"], "=", "--env")
    if given["tools"]:
        server["tools"] = list(given["tools"])
    try:
        McpServer.model_validate(server)
    except ValueError:
        raise UsageError("give either --url URL or, after --, a command") from None
    path = file_of(folder if given["project"] else None)
    with changed(path) as servers:
        replaced = name in servers
        servers[name] = server
        if given["project"]:
            remember(folder, [server_item(name, server, folder)], trusted=True)
    note(f"{'replaced' if replaced else 'added'} {name} in {path}")
    note(f"try it: ml-agent mcp test {name}")
    return path


def _pairs(texts: tuple[str, ...], sign: str, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, found, value = text.partition(sign)
        if not found or not key.strip():
            raise UsageError(f"{option} must be KEY{sign}VALUE, not {text!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def remove_server(name: str, folder: Path) -> Path:
    """Remove it from the user's settings, else from the folder's; the file."""
    for place in (None, folder):
        path = file_of(place)
        if path.exists() and name in (read_file(path).get("mcpServers") or {}):
            with changed(path) as servers:
                del servers[name]
            note(f"removed {name} from {path}")
            return path
    raise UsageError(f"no MCP server named {name!r} in any settings file", "ml-agent mcp list")
