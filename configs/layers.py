"""Where settings come from, the later over the earlier, and where each value came from.

configs/main_agent_config.json   shipped
~/.config/ml-agent/config.json   the person's
.ml-agent/config.json            the project's; it may not say where data or requests go
--config FILE
ML_AGENT_…                       environment; ML_AGENT_BUDGET__TURN for nested keys
options
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from configs.problems import SettingsProblem
from configs.settings import Settings
from configs.trust import Untrusted, answer_for

#: Keys that a project's file may not set: cloning a folder must not redirect data,
#: requests or credentials.
NOT_FOR_PROJECTS = (
    "database_url",
    "state_dir",
    "local_base_url",
    "child_tokens",
    "child_environment",
    "bill_to",
    "jobs_namespace",
    "share_traces",
    "job_secrets",
    "sandbox",
    "hub_url",
    "dataset_viewer_url",
    "arxiv_url",
    "ar5iv_url",
    "semantic_scholar_url",
    "github_url",
    "web_search_url",
    "notify",
)
#: Names that .env may bring: credentials, never addresses.
DOTENV_NAMES = re.compile(r"^(?:[A-Z0-9_]+_API_KEY|HF_TOKEN|GITHUB_TOKEN)$")
#: Variables of ours that are no settings.
NOT_SETTINGS = ("ML_AGENT_NO_BYTECODE",)


@dataclass(frozen=True)
class Loaded:
    """Settings, and for each dotted key that was set: by what. `untrusted`: MCP servers of the
    project's file that were left out."""

    settings: Settings
    origins: dict[str, str]
    untrusted: Untrusted | None = None


def load(
    *,
    cwd: str | Path | None = None,
    config_file: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """All layers merged. Raises SettingsProblem: one line that names file and key."""
    environment = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    folder = Path(cwd or Path.cwd())
    untrusted: Untrusted | None = None
    for source, layer in _layers(folder, config_file, environment, overrides):
        if source == str(_project_file(folder)):
            untrusted, layer = _only_trusted(layer, folder)
        # A server's variables are its own trouble: they are looked up when it starts.
        servers = layer.get("mcpServers")
        rest = {key: value for key, value in layer.items() if key != "mcpServers"}
        _merge(values, substituted(rest, environment, source))
        if servers is not None:
            _merge(values, {"mcpServers": servers})
        for key in _keys(layer):
            origins[key] = source
    try:
        return Loaded(Settings.model_validate(values), origins, untrusted)
    except ValidationError as error:
        raise SettingsProblem(_in_one_line(error, origins)) from None


def _layers(
    cwd: Path,
    config_file: str | Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any] | None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "shipped", json.loads(_shipped())
    user = platformdirs.user_config_path("ml-agent") / "config.json"
    if user.exists():
        yield str(user), read_file(user)
    project = _project_file(cwd)
    if project.exists():
        layer = read_file(project)
        for key in NOT_FOR_PROJECTS:
            if key in layer:
                raise SettingsProblem(
                    f"{project}: {key}: a project's file may not set it; use your own "
                    f"({user}) or the environment"
                )
        _check_rules_of_project(layer, project, user)
        yield str(project), layer
    if config_file is not None:
        yield str(config_file), read_file(Path(config_file))
    yield from _from_environment(environ)
    chosen = {k: v for k, v in (overrides or {}).items() if v is not None}
    if chosen:
        yield "options", chosen


def _project_file(cwd: Path) -> Path:
    return cwd / ".ml-agent" / "config.json"


def _only_trusted(layer: dict[str, Any], folder: Path) -> tuple[Untrusted | None, dict[str, Any]]:
    """The project's layer without MCP servers that the person does not trust, and those."""
    servers = layer.get("mcpServers")
    if not isinstance(servers, dict) or not servers:
        return None, layer
    answer = answer_for(folder, servers)
    if answer:
        return None, layer
    rest = {key: value for key, value in layer.items() if key != "mcpServers"}
    return Untrusted(str(folder), servers, refused=answer is False), rest


def _check_rules_of_project(layer: Mapping[str, Any], project: Path, user: Path) -> None:
    """A cloned folder may forbid, and not allow itself anything."""
    permissions = layer.get("permissions")
    if isinstance(permissions, dict) and "allow" in permissions:
        raise SettingsProblem(
            f"{project}: permissions.allow: a project's file may not set it; use your own ({user})"
        )


@cache
def _shipped() -> str:
    return files("configs").joinpath("main_agent_config.json").read_text(encoding="utf-8")


@cache
def shipped_permissions() -> dict[str, list[str]]:
    """The rules that ship, by kind."""
    found: dict[str, list[str]] = json.loads(_shipped())["permissions"]
    return found


def shipped_settings(**changed: Any) -> Settings:
    """The settings as they ship, without any of the person's own."""
    return Settings.model_validate({**json.loads(_shipped()), **changed})


def read_file(path: Path) -> dict[str, Any]:
    """A settings file. Raises SettingsProblem with line and column of what is no JSON."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsProblem(f"{path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise SettingsProblem(
            f"{path}: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except UnicodeDecodeError:
        raise SettingsProblem(f"{path}: it is no UTF-8 text") from None
    if not isinstance(data, dict):
        raise SettingsProblem(f"{path}: expected an object, got {_kind(data)}")
    return data


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in sorted(environ):
        if not name.startswith("ML_AGENT_") or name in NOT_SETTINGS:
            continue
        *outer, last = name.removeprefix("ML_AGENT_").lower().split("__")
        field = Settings.model_fields.get((outer or [last])[0])
        value: Any = environ[name]
        if field is not None and field.annotation is not str:
            # What is no JSON is a word: the schema says whether it fits.
            with contextlib.suppress(ValueError):
                value = json.loads(value)
        layer: dict[str, Any] = {last: value}
        for part in reversed(outer):
            layer = {part: layer}
        yield name, layer


def _merge(into: dict[str, Any], layer: Mapping[str, Any], within: str = "") -> None:
    for key, value in layer.items():
        known = into.get(key)
        if within == "mcpServers":
            # Whole: a later layer's URL must not get an earlier one's headers.
            into[key] = value
        elif isinstance(value, dict) and isinstance(known, dict):
            _merge(known, value, key)
        elif within == "permissions" and isinstance(value, list) and isinstance(known, list):
            # Rules add up: a later layer's deny must not undo an earlier one's.
            into[key] = [*known, *(rule for rule in value if rule not in known)]
        else:
            into[key] = value


def _keys(layer: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in layer.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def substituted(value: Any, environ: Mapping[str, str], source: str) -> Any:
    """`${VAR}` and `${VAR:-default}` in strings. Raises SettingsProblem, named after `source`,
    where a variable is not set."""
    if isinstance(value, dict):
        return {k: substituted(v, environ, source) for k, v in value.items()}
    if isinstance(value, list):
        return [substituted(v, environ, source) for v in value]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        if environ.get(name):
            return environ[name]
        if default is None:
            raise SettingsProblem(f"{source}: ${{{name}}} is not set in the environment")
        return default

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", put, value)


def _in_one_line(error: ValidationError, origins: Mapping[str, str]) -> str:
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    source = origins.get(key) or next(
        (s for k, s in origins.items() if key.startswith(k) or k.startswith(f"{key}.")), "settings"
    )
    if problem["type"] == "extra_forbidden":
        return f"{source}: {key}: unknown key{_similar(key)}"
    if problem["type"] == "value_error":
        # Several keys together: what stands in them may be a credential.
        return f"{source}: {key}: {problem['msg'].removeprefix('Value error, ')}"
    got = problem.get("input")
    wanted = problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    wanted = wanted.partition(", unable to parse")[0]
    return f"{source}: {key}: expected {wanted}, got {json.dumps(got, default=str)[:80]}"


def _similar(key: str) -> str:
    near = difflib.get_close_matches(key.split(".")[-1], list(Settings.model_fields), 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _kind(value: Any) -> str:
    return {list: "a list", str: "a string", int: "a number", type(None): "null"}.get(
        type(value), type(value).__name__
    )


def apply_dotenv(cwd: str | Path) -> list[str]:
    """Set credentials that the folder's .env names and the environment lacks; their names.

    Only names of keys are taken: a cloned folder must not choose where requests go.
    """
    path = Path(cwd) / ".env"
    if not path.is_file():
        return []
    from dotenv import dotenv_values

    found = {
        name: value
        for name, value in dotenv_values(path, interpolate=False).items()
        if value and DOTENV_NAMES.match(name) and not os.environ.get(name)
    }
    os.environ.update(found)
    return sorted(found)
