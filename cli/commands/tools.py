"""ml-agent tools: what the model can call here, and what that costs in every request."""

import asyncio
from typing import Any

import click

from cli.shared.bootstrap import guarded, settings_for
from cli.terminal.writer import print_json, to_stdout


@click.command()
@click.option("--output", type=click.Choice(["text", "json"]), default=None)
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@click.pass_obj
def tools(options: dict[str, Any], output: str | None, as_json: bool) -> None:
    """List the tools, with the tokens each costs in every request."""
    wanted = "json" if as_json else output or options["output"]
    raise SystemExit(guarded(lambda: _tools(options, wanted), {**options, "output": wanted}))


def _tools(options: dict[str, Any], output: str) -> int:
    from configs.instructions import system_prompt
    from core.models.tokens import TokenCounter, count_text
    from tools import builtin_tools

    settings = settings_for(options).settings
    counter = TokenCounter()
    known = builtin_tools()
    if settings.mcpServers:
        from tools.mcp.servers import Servers

        known.update(asyncio.run(Servers(settings).known("")))
    costs = {name: counter.count([], [tool]) for name, tool in sorted(known.items())}
    prompt, total = count_text(system_prompt()), counter.count([], list(known.values()))
    if output == "json":
        described = [
            {"name": n, "tokens": costs[n], "description": known[n].description} for n in costs
        ]
        print_json({"system_prompt": prompt, "tools_tokens": total, "tools": described})
        return 0
    for name, tokens in costs.items():
        first = known[name].description.split(". ")[0]
        to_stdout(f"{name:<12} {tokens:>6,}  {first}\n")
    to_stdout(f"{'all tools':<12} {total:>6,}  tokens in every request (cl100k)\n")
    to_stdout(f"{'prompt':<12} {prompt:>6,}  tokens: the system prompt\n")
    to_stdout(f"{'together':<12} {prompt + total:>6,}\n")
    return 0
