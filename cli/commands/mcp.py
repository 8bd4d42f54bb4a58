"""`ml-agent mcp`: the MCP servers: which there are, whether they work, adding and removing."""

import asyncio
import sys
from typing import Any

import click

from cli.commands.config import origin_of, without_values
from cli.shared.bootstrap import complain, folder_of, guarded, settings_for
from cli.shared.options import output_option
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note, print_json, to_stdout
from configs.visible import inline


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def mcp() -> None:
    """MCP servers, whose tools the model can use."""


def _options(ctx: click.Context, output: str | None = None) -> dict[str, Any]:
    options = dict(ctx.obj or {})
    options["output"] = output or options.get("output") or "text"
    return options


@mcp.command("list")
@output_option
@click.pass_context
def list_(ctx: click.Context, output: str | None) -> None:
    """The configured servers, with what is known of their tools. Starts none."""
    options = _options(ctx, output)
    ctx.exit(guarded(lambda: _list(options), options))


@mcp.command()
@click.argument("name", required=False)
@output_option
@click.pass_context
def test(ctx: click.Context, name: str | None, output: str | None) -> None:
    """Start the servers, or the one with NAME, and list their tools; exit 1 if one fails.

    A server that wants you to sign in opens a page for it.
    """
    options = _options(ctx, output)
    ctx.exit(guarded(lambda: asyncio.run(_test(name, options)), options))


@mcp.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--url", default="", help="Address of a server that speaks streamable HTTP.")
@click.option("--header", "headers", multiple=True, metavar="'KEY: VALUE'", help="With --url.")
@click.option("--env", "env", multiple=True, metavar="KEY=VALUE", help="With a command.")
@click.option("--tool", "tools", multiple=True, metavar="NAME", help="Only these of its tools.")
@click.option("--project", is_flag=True, help="Into this folder's .ml-agent/config.json.")
@click.pass_context
def add(ctx: click.Context, /, name: str, command: tuple[str, ...], **given: Any) -> None:
    """Add a server to your settings, by its URL or by the COMMAND that starts it.

    \b
    ml-agent mcp add docs --url https://example.com/mcp --header 'Authorization: Bearer ${KEY}'
    ml-agent mcp add time -- uvx mcp-server-time --local-timezone UTC
    """
    options = _options(ctx)
    folder = folder_of(options)

    def work() -> int:
        from cli.commands.mcp_file import add_server

        by_a_person("add an MCP server")
        return add_server(name, command, given, folder)

    ctx.exit(guarded(work, options))


@mcp.command()
@click.argument("name")
@click.pass_context
def remove(ctx: click.Context, name: str) -> None:
    """Remove a server from your settings, or from this folder's."""
    options = _options(ctx)
    folder = folder_of(options)

    def work() -> int:
        from cli.commands.mcp_file import remove_server

        by_a_person("remove an MCP server")
        return remove_server(name, folder)

    ctx.exit(guarded(work, options))


@mcp.command("trust", hidden=True)
@click.pass_context
def trust(ctx: click.Context) -> None:
    """The same as `ml-agent trust`."""
    from cli.commands.trust import trust_folder

    options = _options(ctx)
    ctx.exit(guarded(lambda: trust_folder(options), options))


def _list(options: dict[str, Any]) -> int:
    from tools.mcp.cache import Cache
    from tools.mcp.config import digest

    loaded = settings_for(options)
    cache = Cache(loaded.settings.state_path())
    rows = []
    for name, server in loaded.settings.mcpServers.items():
        tools, trouble = cache.list_of(digest(server)), cache.trouble_of(digest(server))
        state = "disabled" if server.disabled else trouble or "not started yet"
        if tools is not None and not server.disabled:
            state = f"{len(tools)} tools"
        origin = origin_of(f"mcpServers.{name}", loaded.origins)
        shown = without_values(server)
        target = shown.get("url") or " ".join([server.command, *server.args])
        rows.append({"name": name, "target": target, "state": state, "from": origin})
    for item in loaded.untrusted:
        if item.kind == "MCP server":
            target = item.shown[0].removeprefix(f"{item.name}: ")
            known = {"name": item.name, "target": target, "state": "not trusted"}
            rows.append({**known, "from": "this folder; trust it: ml-agent trust"})
    if options["output"] == "json":
        print_json({"servers": rows})
        return 0
    for row in rows:
        to_stdout(f"{inline(row['name'])}  {inline(row['target'])}\n")
        to_stdout(f"    {row['state']} · from {row['from']}\n")
    if not rows:
        note("no MCP servers are configured; ml-agent mcp add")
    return 0


async def _test(name: str | None, options: dict[str, Any]) -> int:
    from core.errors import UsageError
    from tools.mcp.servers import Servers
    from tools.mcp.tool import McpTool

    loaded = settings_for(options)
    settings = loaded.settings
    if name is not None and name not in settings.mcpServers:
        raise UsageError(f"there is no MCP server {name!r}", "ml-agent mcp list shows them")
    wanted = {
        key: server.model_copy(update={"disabled": False} if name else {})
        for key, server in settings.mcpServers.items()
        if name in (None, key)
    }
    servers = Servers(settings.model_copy(update={"mcpServers": wanted}), str(folder_of(options)))
    servers.notice = complain
    servers.equip(sign_in=_open_page)
    rows = []
    try:
        starts = {key: one.begin() for key, one in servers.connections.items()}
        if starts:
            await asyncio.wait(starts.values())
        for key, one in servers.connections.items():
            tools = [McpTool.of(one, tool) for tool in one.tools or []]
            told = [{"name": tool.name, "effect": tool.kind} for tool in tools]
            trouble = one.trouble if starts[key].exception() else ""
            rows.append({"name": key, "ok": not trouble, "trouble": trouble, "tools": told})
    finally:
        await servers.close()
    if options["output"] == "json":
        print_json({"servers": rows})
    else:
        for row in rows:
            to_stdout(_tested(row))
    return 0 if all(row["ok"] for row in rows) else 1


def _tested(row: dict[str, Any]) -> str:
    if not row["ok"]:
        return f"fail  {row['name']}: {row['trouble']}\n"
    lines = [f"ok    {row['name']}: {len(row['tools'])} tools"]
    lines += [f"      {tool['name']} ({tool['effect']})" for tool in row["tools"]]
    return "\n".join(lines) + "\n"


async def _open_page(page: str) -> None:
    note(f"sign in here: {page}")
    if sys.stdin.isatty():
        await asyncio.to_thread(click.launch, page)
