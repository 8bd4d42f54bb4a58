"""`ml-agent config set` and `unset`: they change your own settings file, nothing else."""

import json
from typing import Any

from cli.shared.command import tell
from cli.shared.options import Options
from cli.terminal.writer import note
from configs.checking import similar
from configs.layers import load, read_file, user_file
from configs.problems import SettingsProblem
from configs.settings import Settings
from configs.trust import write_json
from core.errors import SettingsError, UsageError

SERVERS = "ml-agent mcp add and ml-agent mcp remove change MCP servers"


def put(options: Options, key: str, text: str) -> int:
    """Set `key` to `text`, read as JSON if the setting is not text. Raises SettingsError, and
    changes nothing, if the setting does not take it."""
    kind = _kind(key)
    value: Any = text
    if kind is not str:
        try:
            value = json.loads(text)
        except ValueError:
            value = text  # a word: the schema says whether it fits
    data = _read()
    holder = data
    *outer, last = key.split(".")
    for part in outer:
        holder = holder.setdefault(part, {})
        if not isinstance(holder, dict):
            raise SettingsError(f"{user_file()}: {part}: expected an object")
    holder[last] = value
    _check(data, key)
    write_json(user_file(), data)
    if options.output != "json":
        note(f"{key} = {json.dumps(value)} in {user_file()}")
        _say_if_covered(options, key)
    return tell(options, {"key": key, "value": value, "file": str(user_file())}, ())


def remove(options: Options, key: str) -> int:
    """Take `key` out of the file. Raises UsageError if it is not there."""
    data = _read()
    holders = [data]
    *outer, last = key.split(".")
    for part in outer:
        inner = holders[-1].get(part)
        holders.append(inner if isinstance(inner, dict) else {})
    if last not in holders[-1]:
        _kind(key)
        raise UsageError(f"{key} is not set in {user_file()}", "ml-agent config show")
    del holders[-1][last]
    for part, holder in zip(reversed(outer), reversed(holders[:-1]), strict=True):
        if not holder[part]:
            del holder[part]
    write_json(user_file(), data)
    if options.output != "json":
        note(f"removed {key} from {user_file()}")
    return tell(options, {"key": key, "file": str(user_file())}, ())


def _kind(key: str) -> Any:
    """The type of a setting. Raises UsageError for a key that is none."""
    if key.partition(".")[0] == "mcpServers":
        raise UsageError(f"Cannot change {key} here", SERVERS)
    model: Any = Settings
    for part in key.split("."):
        fields = getattr(model, "model_fields", None)
        if fields is None:
            return Any  # within an optional object: `_check` says whether it fits
        if part not in fields:
            raise UsageError(f"unknown setting {key!r}{similar(key)}", "ml-agent config show")
        model = fields[part].annotation
    return model


def _read() -> dict[str, Any]:
    try:
        return read_file(user_file()) if user_file().exists() else {}
    except SettingsProblem as problem:
        raise SettingsError(str(problem)) from None


def _check(data: dict[str, Any], key: str) -> None:
    """Raises SettingsError if the settings of `data` do not fit the schema."""
    from configs.checking import Problems, checked

    try:
        settings = checked(json.loads(json.dumps(data)), {key: key}, Problems())
        if key.startswith("permissions"):
            from graph.options import check_permissions

            check_permissions(settings.permissions)
    except SettingsProblem as problem:
        said = str(problem).removeprefix(f"{key}: {key}: ")
        raise SettingsError(f"Cannot set {key}: {said}", "nothing was changed") from None


def _say_if_covered(options: Options, key: str) -> None:
    """Tell which layer over the user's file has the last word about `key`."""
    try:
        origin = load(cwd=options.folder, config_file=options.config_file).origins.get(key)
    except SettingsProblem:
        return
    if origin not in (None, str(user_file())):
        note(f"in this folder {origin} sets it to another value")
