"""`ml-agent config`: what is set, and where it came from."""

import asyncio
import json
import re
from typing import Any

import click

from cli.shared.bootstrap import folder_of, guarded, settings_for
from cli.shared.options import output_option
from cli.terminal.writer import print_json, to_stdout

#: A value that names where the secret is.
VARIABLE = re.compile(r"^(?:\w+ )?\$\{\w+\}$")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """Settings."""


@config.command()
@output_option
@click.pass_context
def show(ctx: click.Context, output: str | None) -> None:
    """Every setting with its value, where it came from, and what it means."""
    options = dict(ctx.obj or {})
    options["output"] = output or options.get("output") or "text"
    ctx.exit(guarded(lambda: _show(options), options))


@config.command()
@click.argument("call")
@click.option("--mode", type=click.Choice(["ask", "auto", "read-only", "yolo"]), default=None)
@output_option
@click.pass_context
def explain(ctx: click.Context, call: str, mode: str | None, output: str | None) -> None:
    """What the policy says of a CALL, without running anything: run, ask or deny.

    \b
    ml-agent config explain 'bash(git push)'
    ml-agent config explain 'hf_repo(delete ann/model)'
    ml-agent --deny 'write(*.lock)' config explain 'write(uv.lock)' --mode auto
    """
    options = dict(ctx.obj or {})
    options["output"] = output or options.get("output") or "text"
    options["mode"] = mode or options.get("mode")
    ctx.exit(guarded(lambda: _explain(call, options), options))


def _explain(call: str, options: dict[str, Any]) -> int:
    from core.policy.decide import Situation
    from core.policy.rules import rules_of
    from nodes.explain import explain as explained

    settings = settings_for(options).settings
    rules = rules_of(
        settings.permissions, allow=options.get("allow") or (), deny=options.get("deny") or ()
    )
    mode = settings.capped_mode(options["mode"] or settings.mode or "ask")
    here = Situation(mode, str(folder_of(options)), rules, str(settings.state_path()))
    judged = explained(call, here, _tools(call, settings), settings.web_hosts)
    if options["output"] == "json":
        print_json({"action": judged.action, "rule": judged.rule, "reason": judged.reason})
        return 0
    to_stdout(f"{judged.action}\n{judged.rule}: {judged.reason}\n")
    return 0


def _tools(call: str, settings: Any) -> dict[str, Any]:
    """The tools that `call` may be about; those of MCP servers as they were last listed."""
    from tools import builtin_tools

    known = builtin_tools()
    if settings.mcpServers and call.partition("(")[0].strip() not in known:
        from tools.mcp.servers import Servers

        known.update(asyncio.run(Servers(settings).known("")))
    return known


def _show(options: dict[str, Any]) -> int:
    loaded = settings_for(options)
    rows = []
    for key, field in _flat(loaded.settings):
        value = masked(field["value"])
        if key.startswith("notify.") and key.endswith("_url") and value:
            value = "***"  # who knows the address can write there
        origin = origin_of(key, loaded.origins)
        rows.append({"key": key, "value": value, "from": origin, "meaning": field["meaning"]})
    if options["output"] == "json":
        print_json({"settings": rows})
        return 0
    for row in rows:
        to_stdout(f"{row['key']} = {json.dumps(row['value'])}\n")
        to_stdout(f"    from {row['from']} · {row['meaning']}\n")
    to_stdout(f"state directory: {loaded.settings.state_path()}\n")
    return 0


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
