"""`ml-agent config`: what is set, where it came from, and changes to your own settings."""

import json
import re
from typing import TYPE_CHECKING, Any

import click

from cli.shared.bootstrap import complain, known_tools, lenient_settings, settings_for
from cli.shared.columns import in_columns
from cli.shared.command import HELP, prints, tell
from cli.shared.options import MODES, Options
from cli.terminal.who_decides import by_a_person

if TYPE_CHECKING:
    from configs.settings import Settings

#: A value that names where the secret is.
VARIABLE = re.compile(r"^(?:\w+ )?\$\{\w+\}$")


@click.group(context_settings=HELP)
def config() -> None:
    """Settings, and what the policy decides."""


@config.command()
@prints
def show(options: Options) -> int:
    """Show every setting with its value, origin and meaning.

    What is wrong in a file or variable is left out and named; the exit code is then 2.
    """
    loaded, is_right = lenient_settings(options)
    for problem in loaded.problems:
        complain(f"ignored: {problem}")
    rows: list[dict[str, Any]] = []
    cells: list[tuple[str, str]] = []
    for key, field in _flat(loaded.settings):
        value = masked(field["value"])
        if key.startswith("notify.") and key.endswith("_url") and value:
            value = "***"  # anyone with the address can write there
        origin, meaning = origin_of(key, loaded.origins), field["meaning"]
        rows.append({"key": key, "value": value, "from": origin, "meaning": meaning})
        said = json.dumps(value) + ("" if origin == "default" else f" · from {origin}")
        before = cells[-1][0] if cells else ""
        if key.partition(".")[0] != before.partition(".")[0] and "." in key + before:
            cells.append(("", ""))
        cells.append((key, f"{said}\n{meaning}" if meaning else said))
    cells.append(("state directory", str(loaded.settings.state_path())))
    tell(options, {"settings": rows}, in_columns(cells, ("SETTING", "VALUE AND MEANING")))
    return 0 if is_right else 2


@config.command("set")
@click.argument("key")
@click.argument("value")
@prints
def set_(options: Options, key: str, value: str) -> int:
    """Change a setting in your own settings file.

    \b
    ml-agent config set model_name hf/Qwen/Qwen3-Coder-480B-A35B-Instruct
    ml-agent config set budget.turn 2.50
    """
    from cli.commands.settings_file import put

    by_a_person("change a setting")
    return put(options, key, value)


@config.command()
@click.argument("key")
@prints
def unset(options: Options, key: str) -> int:
    """Remove a setting from your own settings file."""
    from cli.commands.settings_file import remove

    by_a_person("change a setting")
    return remove(options, key)


@config.command()
@prints
def path(options: Options) -> int:
    """Print the path of your settings file."""
    from configs.layers import user_file
    from configs.project import project_file

    files = [user_file(), project_file(options.folder)]
    told = [{"path": str(file), "exists": file.exists()} for file in files]
    return tell(options, {"user": told[0], "folder": told[1]}, [str(files[0])])


@config.command()
@click.argument("call")
@click.option(
    "--mode", type=click.Choice(MODES), help="Permission mode (default: the configured one)"
)
@prints
def explain(options: Options, call: str, mode: str | None) -> int:
    """Print the policy's verdict on a CALL without running it: run, ask or deny.

    \b
    ml-agent config explain 'bash(git push)'
    ml-agent config explain 'hf_repo(delete ann/model)'
    ml-agent --deny 'write(*.lock)' config explain 'write(uv.lock)' --mode auto
    """
    from cli.commands.explain import explain as explained
    from core.policy.decide import Situation
    from core.policy.rules import rules_of
    from graph.options import check_permissions, check_rules

    settings = settings_for(options).settings
    check_rules(options.allow, "--allow")
    check_rules(options.deny, "--deny")
    check_permissions(settings.permissions)
    rules = rules_of(settings.permissions, allow=options.allow, deny=options.deny)
    chosen = settings.capped_mode(mode or options.mode or settings.mode or "ask")
    here = Situation(chosen, str(options.folder), rules, str(settings.state_path()))
    judged = explained(call, here, _tools(call, settings), settings.web_hosts)
    told = {"action": judged.action, "rule": judged.rule, "reason": judged.reason}
    return tell(options, told, [judged.action, f"{judged.rule}: {judged.reason}"])


def _tools(call: str, settings: "Settings") -> dict[str, Any]:
    """The tools that `call` may be about."""
    from tools import builtin_tools

    known = builtin_tools()
    return known if call.partition("(")[0].strip() in known else known_tools(settings)


def _flat(model: Any, prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    flat: list[tuple[str, dict[str, Any]]] = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name == "mcpServers":
            for server, found in value.items():
                shown = {"value": without_values(found), "meaning": field.description or ""}
                flat.append((f"{name}.{server}", shown))
            continue
        if hasattr(value, "model_dump"):
            flat += _flat(value, f"{prefix}{name}.")
        else:
            flat.append((prefix + name, {"value": value, "meaning": field.description or ""}))
    return flat


def origin_of(key: str, origins: dict[str, str]) -> str:
    """Which file or variable set `key`, or something below it."""
    below = (source for k, source in origins.items() if k.startswith(f"{key}."))
    return origins.get(key) or next(below, "default")


def without_values(server: Any) -> dict[str, Any]:
    """What is set of an MCP server, its headers and variables only as far as they hold none of
    their own."""
    shown: dict[str, Any] = server.model_dump(exclude_defaults=True)
    for key in ("headers", "env"):
        if key in shown:
            shown[key] = {k: v if VARIABLE.search(v) else "***" for k, v in shown[key].items()}
    return {key: masked(value) for key, value in shown.items()}


def masked(value: Any) -> Any:
    """`value` with the password of a URL left out, also of one that is not well written."""
    if not isinstance(value, str) or "://" not in value:
        return value
    hidden = re.sub(r"(://[^:@/]*):.*@", r"\1:***@", value)
    return re.sub(r"(password=)[^&]*", r"\1***", hidden)
