"""`ml-agent config`: what is set, and where it came from."""

import json
import re
from typing import TYPE_CHECKING, Any

import click

from cli.shared.bootstrap import known_tools, settings_for
from cli.shared.command import HELP, prints, tell
from cli.shared.options import MODES, Options

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
    """Show every setting with its value, origin and meaning."""
    loaded = settings_for(options)
    rows, lines = [], []
    for key, field in _flat(loaded.settings):
        value = masked(field["value"])
        if key.startswith("notify.") and key.endswith("_url") and value:
            value = "***"  # anyone with the address can write there
        origin, meaning = origin_of(key, loaded.origins), field["meaning"]
        rows.append({"key": key, "value": value, "from": origin, "meaning": meaning})
        lines += [f"{key} = {json.dumps(value)}", f"    from {origin} · {meaning}"]
    lines.append(f"state directory: {loaded.settings.state_path()}")
    return tell(options, {"settings": rows}, lines)


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

    settings = settings_for(options).settings
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
