"""ml-agent tools: what the model can call here, and what that costs in every request."""

import click

from cli.shared.bootstrap import known_tools, settings_for
from cli.shared.columns import in_columns
from cli.shared.command import prints, tell
from cli.shared.options import Options


@click.command()
@prints
def tools(options: Options) -> int:
    """List the model's tools, with their cost in tokens per request."""
    from configs.instructions import system_prompt
    from core.models.tokens import TokenCounter, count_text

    known = known_tools(settings_for(options).settings)
    counter = TokenCounter()
    costs = {name: counter.count([], [tool]) for name, tool in sorted(known.items())}
    prompt, total = count_text(system_prompt()), counter.count([], list(known.values()))
    described = [
        {"name": n, "tokens": costs[n], "description": known[n].description} for n in costs
    ]
    rows = [(n, f"{t:>6,}", known[n].description.split(". ")[0]) for n, t in costs.items()]
    rows += [
        ("all tools", f"{total:>6,}", "tokens in every request (cl100k)"),
        ("prompt", f"{prompt:>6,}", "tokens: the system prompt"),
        ("together", f"{prompt + total:>6,}", ""),
    ]
    told = {"system_prompt": prompt, "tools_tokens": total, "tools": described}
    return tell(options, told, in_columns(rows, ("TOOL", "TOKENS", "WHAT IT DOES")))
