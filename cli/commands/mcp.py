"""`ml-agent mcp`: the MCP servers: which there are, whether they work, adding and removing."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from cli.commands.config import origin_of, without_values
from cli.shared.bootstrap import complain, settings_for
from cli.shared.command import HELP, prints, runs, tell
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note
from configs.visible import inline
from core.errors import UsageError

if TYPE_CHECKING:
    from tools.extension import ServerTest

NONE = "no MCP servers configured; add one: ml-agent mcp add"


@click.group(context_settings=HELP)
def mcp() -> None:
    """MCP servers, whose tools the model can use."""


@mcp.command("list")
@prints
def list_(options: Options) -> int:
    """List the configured servers and their tools, without starting them."""
    from tools import tool_servers

    loaded = settings_for(options)
    servers = tool_servers(loaded.settings)
    states = asyncio.run(servers.states()) if servers else {}
    rows = []
    for name, server in loaded.settings.mcpServers.items():
        state = states[name].words if name in states else "disabled"
        origin = origin_of(f"mcpServers.{name}", loaded.origins)
        shown = without_values(server)
        target = shown.get("url") or " ".join([server.command, *server.args])
        rows.append({"name": name, "target": target, "state": state, "from": origin})
    for item in loaded.untrusted:
        if item.kind == "MCP server":
            target = item.shown[0].removeprefix(f"{item.name}: ")
            known = {"name": item.name, "target": target, "state": "not trusted"}
            rows.append({**known, "from": "this folder; trust it: ml-agent trust"})
    lines = [
        f"{inline(row['name'])}  {inline(row['target'])}\n    {row['state']} · from {row['from']}"
        for row in rows
    ]
    if not rows and options.output != "json":
        note(NONE)
    return tell(options, {"servers": rows}, lines)


@mcp.command()
@click.argument("name", required=False)
@prints
async def test(options: Options, name: str | None) -> int:
    """Start all servers, or server NAME, and list their tools; exit 1 if one fails.

    If a server requires you to sign in, its page opens.
    """
    from tools import tool_servers

    settings = settings_for(options).settings
    if name is not None and name not in settings.mcpServers:
        raise UsageError(f"no MCP server named {name!r}", "ml-agent mcp list")
    wanted = {
        key: server.model_copy(update={"disabled": False} if name else {})
        for key, server in settings.mcpServers.items()
        if name in (None, key)
    }
    servers = tool_servers(settings.model_copy(update={"mcpServers": wanted}), str(options.folder))
    rows: list[ServerTest] = []
    if servers is not None:
        servers.equip(notice=complain, sign_in=_open_page)
        try:
            rows = await servers.test()
        finally:
            await servers.close()
    if not rows and options.output != "json":
        note(NONE)
    tell(options, {"servers": rows}, map(_tested, rows))
    return 0 if all(row["ok"] for row in rows) else 1


@mcp.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--url", default="", help="URL of a server that uses streamable HTTP")
@click.option(
    "--header", "headers", multiple=True, metavar="'KEY: VALUE'", help="HTTP header, with --url"
)
@click.option(
    "--env", "env", multiple=True, metavar="KEY=VALUE", help="Environment variable, with a command"
)
@click.option("--tool", "tools", multiple=True, metavar="NAME", help="Tool to offer (default: all)")
@click.option("--project", is_flag=True, help="Add to this folder's .ml-agent/config.json")
@prints
def add(options: Options, name: str, command: tuple[str, ...], **given: Any) -> int:
    """Add a server to your settings, by its URL or by the COMMAND that starts it.

    \b
    ml-agent mcp add docs --url https://example.com/mcp --header 'Authorization: Bearer ${KEY}'
    ml-agent mcp add time -- uvx mcp-server-time --local-timezone UTC
    """
    from cli.commands.mcp_file import add_server

    by_a_person("add an MCP server")
    path = add_server(name, command, given, options.folder)
    return tell(options, {"name": name, "file": str(path)}, ())


@mcp.command()
@click.argument("name")
@prints
def remove(options: Options, name: str) -> int:
    """Remove a server from your settings, or from this folder's."""
    from cli.commands.mcp_file import remove_server

    by_a_person("remove an MCP server")
    path = remove_server(name, options.folder)
    return tell(options, {"name": name, "file": str(path)}, ())


@mcp.command("trust", hidden=True)
@runs
def trust(options: Options) -> int:
    """The same as `ml-agent trust`."""
    from cli.commands.trust import trust_folder

    return trust_folder(options)


def _tested(row: "ServerTest") -> str:
    if not row["ok"]:
        return f"fail  {row['name']}: {row['trouble']}"
    lines = [f"ok    {row['name']}: {len(row['tools'])} tools"]
    lines += [f"      {tool['name']} ({tool['effect']})" for tool in row["tools"]]
    return "\n".join(lines)


async def _open_page(page: str) -> None:
    note(f"sign in at {page}")
    if sys.stdin.isatty():
        await asyncio.to_thread(click.launch, page)
