"""Where settings come from, the later over the earlier, and where each value came from.

configs/main_agent_config.json   shipped
~/.config/ml-agent/config.json   the user's
.ml-agent/config.json            the folder's, as far as it may and is trusted: configs/project.py
--config FILE
ML_AGENT_…                       environment; ML_AGENT_BUDGET__TURN for nested keys
options
"""

import contextlib
import copy
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from configs.checking import PREFIX, Problems, checked
from configs.folders import user_folder
from configs.hooks import claude_hooks, trusted_hooks
from configs.json_object import parsed
from configs.problems import SettingsProblem
from configs.project import Project, nested, project_file, read_project
from configs.servers import trusted_servers
from configs.settings import HEADLESS_CAP, Settings, stricter
from configs.trust import Answers, Item

#: Variables of ours that are not settings.
NOT_SETTINGS = ("ML_AGENT_NO_BYTECODE",)
#: Settings whose lists add up, layer by layer.
ADDED_UP = ("permissions", "hooks")


@dataclass(frozen=True)
class Loaded:
    """Settings, and for each dotted key that was set: by what.

    Attributes:
        answers: what the user said about the folder. items: what the folder's file brings that
            counts only if it is trusted. lowered: caps that the folder's file set, by key.
        problems: what was left out, in one line each.
    """

    settings: Settings
    origins: dict[str, str]
    answers: Answers
    items: tuple[Item, ...] = ()
    lowered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def untrusted(self) -> tuple[Item, ...]:
        """Items that do not count now."""
        return tuple(item for item in self.items if not self.answers.about(item))


def load(
    *,
    cwd: str | Path | None = None,
    config_file: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    lenient: bool = False,
) -> Loaded:
    """All layers merged. Raises SettingsProblem: one line that names file and key. `lenient`: what
    is wrong is left out instead, and in `problems`."""
    environment = os.environ if environ is None else environ
    folder = Path(cwd or Path.cwd()).absolute()
    problems, answers = Problems(lenient), Answers(folder)
    source = str(project_file(folder))
    project = problems.tried(lambda: read_project(folder, user_file()), Project(Path(source)))
    servers = trusted_servers(project.servers, folder, answers)
    no_hooks: tuple[list[dict[str, Any]], list[Item]] = ([], [])
    hooks, hook_items = problems.tried(
        lambda: trusted_hooks(folder, project.hooks, answers), no_hooks
    )
    before = list(_before(problems))
    behind = list(_behind(config_file, environment, overrides, problems))

    def settings_with(layer: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
        layers = [(source, layer), *((source, {"hooks": found}) for found in hooks)]
        values, origins = _merged([*before, *layers, *behind], environment, problems)
        return checked(values, origins, problems), origins

    always = project.always | ({"mcpServers": servers.trusted} if servers.trusted else {})
    settings, origins = settings_with(always)
    caps = checked(nested(project.caps), dict.fromkeys(project.caps, source), problems)
    looser = _looser_than(settings, project.caps, caps)
    item = project.item(looser)
    lowered = tuple(key for key in project.caps if key not in looser)
    if item is not None and answers.about(item):
        settings, origins = settings_with(project.whole | always)
        lowered = ()
    settings = _with_caps(settings, caps, lowered)
    origins |= dict.fromkeys(lowered, source)
    items = (*([item] if item else []), *servers.items, *hook_items)
    return Loaded(settings, origins, answers, items, lowered, tuple(problems.lines))


def _looser_than(settings: Settings, keys: Iterable[str], caps: Settings) -> list[str]:
    """Those of `keys` by which `caps` would loosen what `settings` say, or the default that holds
    where they say nothing: the chat asks, and a headless turn has a cap."""
    found = []
    for key in keys:
        now, then = _value(settings, key), _value(caps, key)
        if key == "mode":
            looser = stricter(now or "ask", then) != then
        elif key == "budget.turn":
            looser = then > (HEADLESS_CAP if now is None else now)
        else:
            looser = now is not None and then > now
        if looser:
            found.append(key)
    return found


def _with_caps(settings: Settings, caps: Settings, keys: Iterable[str]) -> Settings:
    """`settings` with `keys` of `caps`, which lower them; later choices cannot raise mode and
    iterations over them."""
    budget = {k.partition(".")[2]: _value(caps, k) for k in keys if k.startswith("budget.")}
    changed: dict[str, Any] = {k: _value(caps, k) for k in keys if not k.startswith("budget.")}
    if budget:
        changed["budget"] = settings.budget.model_copy(update=budget)
    found = settings.model_copy(update=changed)
    found.keep_below(mode=changed.get("mode", ""), max_iterations=changed.get("max_iterations"))
    return found


def _value(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


Layer = tuple[str, dict[str, Any]]


def _merged(
    layers: Sequence[Layer], environ: Mapping[str, str], problems: Problems
) -> tuple[dict[str, Any], dict[str, str]]:
    """Values and, by dotted key, where each came from."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source, layer in layers:
        # A server's variables are looked up when it starts, a hook's by its shell.
        as_they_are = {key: layer[key] for key in ("mcpServers", "hooks") if key in layer}
        rest = {key: value for key, value in layer.items() if key not in as_they_are}
        found: dict[str, Any] = problems.tried(partial(substituted, rest, environ, source), {})
        _merge(values, found)
        _merge(values, copy.deepcopy(as_they_are))
        for key in _keys(layer):
            origins[key] = source
    return values, origins


def _before(problems: Problems) -> Iterator[Layer]:
    """What comes before the folder's file."""
    yield "shipped", json.loads(_shipped())
    user = user_file()
    if user.exists():
        layer: dict[str, Any] = problems.tried(lambda: read_file(user), {})
        yield str(user), layer
        if layer.get("claude_hooks") is True:
            for file in claude_hooks(Path.home()):
                yield "~/.claude/settings.json", {"hooks": file.hooks}


def _behind(
    config_file: str | Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any] | None,
    problems: Problems,
) -> Iterator[Layer]:
    """What comes behind it, and wins."""
    if config_file is not None:
        yield str(config_file), problems.tried(lambda: read_file(Path(config_file)), {})
    yield from _from_environment(environ)
    chosen = {k: v for k, v in (overrides or {}).items() if v is not None}
    if chosen:
        yield "options", chosen


def user_file() -> Path:
    """The user's own settings file."""
    return Path(user_folder("config")) / "config.json"


@cache
def _shipped() -> str:
    return files("configs").joinpath("main_agent_config.json").read_text(encoding="utf-8")


@cache
def shipped_permissions() -> dict[str, list[str]]:
    """The rules that ship, by kind."""
    found: dict[str, list[str]] = json.loads(_shipped())["permissions"]
    return found


def shipped_settings(**changed: Any) -> Settings:
    """The settings as they ship, without any of the user's own."""
    return Settings.model_validate({**json.loads(_shipped()), **changed})


def read_file(path: Path) -> dict[str, Any]:
    """A settings file of the user's. Raises SettingsProblem with line and column of what is no
    JSON."""
    try:
        return parsed(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise SettingsProblem(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsProblem(f"{path}: it is not UTF-8 text") from None


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        *outer, last = name.removeprefix(PREFIX).lower().split("__")
        field = Settings.model_fields.get((outer or [last])[0])
        value: Any = environ[name]
        if field is not None and field.annotation is not str:
            # What is not JSON is a word: the schema says whether it fits.
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
        elif within in ADDED_UP and isinstance(value, list) and isinstance(known, list):
            # A later layer's deny must not undo the deny of an earlier layer.
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
