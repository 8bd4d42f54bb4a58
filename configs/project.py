"""The settings file of a folder, `.ml-agent/config.json`: what of it counts, and when.

Whoever made a folder does not govern in it. Without trust it may only set `FOR_PROJECTS` and lower
what is in `LOWERED`. Once the user trusts the file as it stands, it may also set `IF_TRUSTED`.
Everything else is the user's alone: credentials, addresses, who pays, where state lives, what
commands see. So is a new setting, until it is put into one of the lists.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.folder_files import Unreadable, text_in_folder
from configs.json_object import parsed
from configs.problems import SettingsProblem
from configs.settings import Settings
from configs.trust import Item, digest_of
from configs.visible import visible

#: Keys that a folder may set without being trusted.
FOR_PROJECTS = ("context_window", "compact_at", "effort", "permissions.ask", "permissions.deny")
#: Keys that it may only lower without being trusted: `mode` to a stricter one, caps downwards.
LOWERED = ("mode", "max_iterations", "budget.turn", "budget.thread", "budget.day")
#: Keys that it may set freely once its file is trusted, next to those above.
IF_TRUSTED = (
    "model_name",
    "small_model_name",
    "fallback_model",
    "price",
    "permissions.shipped",
    "vision",
    "undo_files",
    "request_timeout",
    "alert",
    "research",
    "mcp",
    "mcpServers",
    "hooks",
)
#: Servers that one folder may bring: each is looked at when it is opened.
MOST_SERVERS = 50
#: A value in the question of trust is shown up to so many characters.
MOST_SHOWN = 1000


@dataclass(frozen=True)
class Project:
    """A folder's file, taken apart.

    Attributes:
        path: of the file. whole: all of it but MCP servers. always: what counts without trust.
        caps: keys of LOWERED, dotted. rest: dotted keys that count only if it is trusted.
        servers: the MCP servers. hooks: what it has as hooks, not checked.
    """

    path: Path
    whole: dict[str, Any] = field(default_factory=dict)
    always: dict[str, Any] = field(default_factory=dict)
    caps: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    servers: dict[str, Any] = field(default_factory=dict)
    hooks: Any = field(default_factory=dict)

    def item(self, looser: Sequence[str]) -> Item | None:
        """The settings that count only if they are trusted, as one item; None without any.
        `looser`: caps that would loosen one."""
        beyond = {**self.rest, **{key: self.caps[key] for key in looser}}
        if not beyond:
            return None
        names = ", ".join(sorted(map(visible, beyond)))
        return Item("settings", names, tuple(_shown(beyond)), digest_of(beyond))


def project_file(folder: Path) -> Path:
    return folder / ".ml-agent" / "config.json"


def read_project(folder: Path, user: Path) -> Project:
    """The folder's file. Raises SettingsProblem: it cannot be read, or sets what no folder may.
    `user`: the user's own file, where that can be set."""
    path = project_file(folder)
    try:
        text = text_in_folder(path, folder)
    except FileNotFoundError:
        return Project(path)
    except Unreadable as why:
        raise SettingsProblem(f"{visible(path)}: {why}") from None
    layer = parsed(text, path)
    servers = layer.pop("mcpServers", {})
    if not isinstance(servers, dict):
        raise SettingsProblem(f"{visible(path)}: mcpServers: expected an object")
    if len(servers) > MOST_SERVERS:
        raise SettingsProblem(f"{visible(path)}: mcpServers: more than {MOST_SERVERS} of them")
    hooks = layer.pop("hooks", {})
    found = Project(path, whole=layer, servers=servers, hooks=hooks)
    for key, value in _keys(layer):
        if key in FOR_PROJECTS:
            _put(found.always, key, value)
        elif key in LOWERED:
            # null: no cap, which is what holds if the folder says nothing.
            if value is not None and value != "":
                found.caps[key] = value
        elif key in IF_TRUSTED:
            found.rest[key] = value
        else:
            raise SettingsProblem(_refusal(path, key, user))
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as a file has them."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        _put(found, key, value)
    return found


def _refusal(path: Path, key: str, user: Path) -> str:
    if key.partition(".")[0] not in Settings.model_fields:
        return f"{visible(path)}: {visible(key)}: unknown key"
    return (
        f"{visible(path)}: {visible(key)}: a project's file cannot set it; use your own "
        f"({user}) or the environment"
    )


def _keys(layer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(dotted key, value); `permissions` and `budget` key by key, others whole."""
    for key, value in layer.items():
        if key in ("permissions", "budget") and isinstance(value, dict):
            yield from ((f"{key}.{inner}", below) for inner, below in value.items())
        else:
            yield key, value


def _put(into: dict[str, Any], key: str, value: Any) -> None:
    outer, dot, inner = key.partition(".")
    if dot:
        into.setdefault(outer, {})[inner] = value
    else:
        into[outer] = value


def _shown(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in sorted(values.items()):
        text = visible(json.dumps(value, ensure_ascii=False))
        if len(text) > MOST_SHOWN:
            text = f"{text[:MOST_SHOWN]} [... {len(text) - MOST_SHOWN:,} characters more]"
        yield f"{visible(key)} = {text}"
