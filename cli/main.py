"""The entry point: options and commands. Imports click and the standard library, nothing heavy,
so that help comes at once; every command brings its own imports."""

import itertools
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli.command_group import PromptOrCommand
from cli.lean_imports import keep_out
from cli.shared.options import (
    MODES,
    Count,
    Dollars,
    Duration,
    Options,
    chosen_output,
    output_options,
)
from cli.terminal.who_decides import mark_children
from cli.terminal.writer import confirm, finish_streams, guard_streams, note
from configs import collection

EXAMPLES = """\b
Examples:
  ml-agent                                  chat in this folder
  ml-agent "train a classifier on data.csv"  one task, then exit
  echo "explain train.py" | ml-agent -      the task from standard input
  cat error.log | ml-agent "what failed?"   a task about the piped text
  ml-agent -c "now with early stopping"     continue this folder's newest session
  ml-agent --json "..." | jq -r .text       one JSON object
  ml-agent --output-schema s.json "..."     an answer that fits a JSON schema
  ml-agent -- sessions                      a task with the name of a command
"""


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from cli.shared.version import print_version

        print_version()
        ctx.exit()


@click.group(
    cls=PromptOrCommand,
    invoke_without_command=True,
    subcommand_metavar="[TASK | - | COMMAND]",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXAMPLES,
)
@click.option("-m", "--model", help="provider/model or hf/org/model; list prints all")
@click.option(
    "--fallback-model", metavar="ID", help="Model to use if the main model is unavailable"
)
@click.option("--effort", metavar="LEVEL", help="Reasoning effort: none to max")
@click.option(
    "--max-iterations", type=Count(), metavar="N", help="Max model calls per turn (default 300)"
)
@click.option("--max-cost", type=Dollars(), metavar="USD", help="Maximum cost of this run, in USD")
@click.option(
    "--max-time",
    type=Duration(),
    metavar="DURATION",
    help="Maximum time per turn: 90, 90s, 15m, 2h, 1d",
)
@click.option("--detach", is_flag=True, help="Exit when the run waits (code 6), do not stay")
@click.option(
    "--patience", type=Duration(), metavar="DURATION", default=0.0,
    help="Time to wait for a quota or credit that is used up (default: fail at once)",
)  # fmt: skip
@click.option("--no-stream", is_flag=True, help="Show each answer when it is complete")
@click.option(
    "-c", "--continue", "go_on", is_flag=True, help="Continue this folder's newest session"
)
@click.option(
    "-r", "--resume", metavar="ID", help="Continue a session: id, its start or end, @1, title"
)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    help="Permission mode (default: ask in the chat, auto headless)",
)
@click.option("--allow", multiple=True, metavar="RULE", help="Allow without asking: 'bash(make *)'")
@click.option("--deny", multiple=True, metavar="RULE", help="Never allow: 'bash(git push *)'")
@click.option("--yolo", is_flag=True, help="Same as --mode yolo")
@output_options("text", "json", "stream-json")
@click.option(
    "--output-schema", metavar="FILE", help="JSON schema that the final answer must match"
)
@click.option(
    "-p",
    "--prompt",
    "--print",
    "print_",
    is_flag=True,
    help="Headless, also without a TASK: the task from standard input",
)
@click.option(
    "--image", "images", multiple=True, metavar="FILE", help="Picture for the task; repeatable"
)
@click.option(
    "--sandbox", metavar="FLAVOR", help="Work in a Hugging Face sandbox; none: on this machine"
)
@click.option("-C", "--cwd", metavar="DIR", help="Working directory")
@click.option("--config", "config_file", metavar="FILE", help="Additional settings file")
@click.option("--debug", is_flag=True, help="Show tracebacks and the logs of libraries")
@click.option(
    "-v", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Print the version",
)  # fmt: skip
@click.pass_context
def cli(
    ctx: click.Context, /, output: str | None, as_json: bool, yolo: bool, print_: bool, **given: Any
) -> None:
    """A machine-learning engineer in the terminal.

    Without a TASK: start a chat. With a TASK, or "-" for standard input: work on it and exit.
    """
    options = Options(output=chosen_output(output, as_json) or "text", **given)
    if yolo and options.mode not in (None, "yolo"):
        raise click.UsageError("--yolo and --mode contradict each other")
    if yolo:
        options = replace(options, mode="yolo")
    ctx.obj = options
    if ctx.invoked_subcommand is None:
        goes_on = options.go_on or options.resume is not None
        ctx.exit(_start(options, "-" if print_ and not goes_on else None, chat=not print_))


@click.command(hidden=True)
@click.argument("task")
@click.pass_context
def run(ctx: click.Context, task: str) -> None:
    """Work on one task, then exit."""
    options: Options = ctx.obj
    is_tried = ctx.meta["one_word"] and options.model != "list"
    # A word that other programs have as a command: it costs money as a task.
    if is_tried and sys.stdin.isatty() and not confirm(f"Run the task '{task}'?", default=True):
        raise SystemExit(1)
    raise SystemExit(_start(options, task))


cli.task = run


def _start(options: Options, task: str | None, *, chat: bool = True) -> int:
    """A headless run, or the chat, if it may be one; its exit code."""
    if options.go_on and options.resume:
        raise click.UsageError("--continue and --resume contradict each other")
    if options.cwd is not None and not options.folder.is_dir():
        raise click.UsageError(f"no such folder: {options.cwd}")
    from cli.terminal.standard_input import is_piped, read_piped, read_task, warn_of_unread

    is_about = task is not None and task != "-" and is_piped()
    if task == "-":
        task = read_task()
    if task is not None and not task.strip():
        raise click.UsageError("the task is empty")
    if options.model == "list":
        from cli.shared.model_list import print_models

        return print_models(options, task or "")
    if task is None and chat and sys.stdin.isatty() and sys.stdout.isatty():
        from cli.start_chat import start_chat

        return start_chat(options)
    if task is None and not (options.go_on or options.resume):
        raise click.UsageError(
            "no terminal for a chat: give a task, ml-agent \"...\", or '-' for stdin"
        )
    from cli.headless import headless

    if task is None:
        warn_of_unread()
    return headless(options, task, read_piped(is_task=False) if is_about else "")


def main() -> None:
    """The console script."""
    _keep_bytecode()
    collection.pause()
    keep_out()
    guard_streams()
    mark_children()
    try:
        code = cli.main(prog_name="ml-agent", standalone_mode=False)
    except (click.exceptions.Exit, SystemExit) as ended:
        code = ended.exit_code if isinstance(ended, click.exceptions.Exit) else ended.code
    except click.Abort:
        code = 130
    except click.ClickException as error:
        code = _usage(error)
    sys.exit(finish_streams(code if isinstance(code, int) else 0))


def _usage(error: click.ClickException) -> int:
    """One clear line, also as JSON where JSON was asked for."""
    arguments = sys.argv[1:]
    for name in ("json", "stream-json"):
        given = list(itertools.pairwise(arguments))
        asked = name == "json" and "--json" in arguments
        for option in ("--output", "--output-format"):
            asked = asked or f"{option}={name}" in arguments or (option, name) in given
        if asked:
            from cli.shared.results import print_failure

            print_failure(name, "usage_error", error.format_message(), "see ml-agent --help")
    hint = "" if "\n" in error.format_message() else " (see ml-agent --help)"
    note(f"ml-agent: {error.format_message()}{hint}")
    return error.exit_code


def _keep_bytecode() -> None:
    """Let Python keep what it compiles: without it every start compiles for seconds."""
    if os.environ.get("ML_AGENT_NO_BYTECODE"):
        return
    sys.dont_write_bytecode = False
    packages = Path(click.__file__).parent.parent
    if not os.access(packages, os.W_OK) and not sys.pycache_prefix:
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        sys.pycache_prefix = str(Path(cache) / "ml-agent" / "pycache")


if __name__ == "__main__":
    main()
