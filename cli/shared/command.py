"""How a command is made of a function: its options, its exit code, and text or JSON."""

import asyncio
import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import click

from cli.shared.bootstrap import guarded, settings_for
from cli.shared.options import Options, chosen_output, output_options
from cli.terminal.writer import print_json, to_stdout

HELP = {"help_option_names": ["-h", "--help"]}
#: The session that is intended; without it the newest one.
thread_argument = click.argument("thread", metavar="[ID]", required=False)


def runs(work: Callable[..., Any]) -> Callable[..., None]:
    """The callback of a command. `work`, which may be a coroutine function, gets the Options and
    what its own options say; it returns the exit code."""

    @click.pass_context
    @functools.wraps(work)
    def run(ctx: click.Context, /, **given: Any) -> None:
        options: Options = ctx.obj or Options()
        if "as_json" in given:
            output = chosen_output(given.pop("output"), given.pop("as_json"))
            options = replace(options, output=output or options.output)

        def begin() -> int:
            done = work(options, **given)
            code: int = asyncio.run(done) if asyncio.iscoroutine(done) else done
            return code

        ctx.exit(guarded(begin, options))

    return run


def prints(work: Callable[..., Any]) -> Callable[..., None]:
    """As `runs`, with --output and --json."""
    added: Callable[..., None] = output_options("text", "json")(runs(work))
    return added


def with_store(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work` gets the open database first."""

    @functools.wraps(work)
    async def opened(options: Options, **given: Any) -> int:
        from core.store import open_store

        async with await open_store(settings_for(options).settings) as store:
            code: int = await work(store, options, **given)
            return code

    return opened


def tell(options: Options, data: Any, lines: Iterable[str]) -> int:
    """`data` where JSON is wanted, else the lines; the exit code, 0."""
    if options.output == "json":
        print_json(data)
    else:
        for line in lines:
            to_stdout(f"{line}\n")
    return 0
