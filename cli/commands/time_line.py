"""`ml-agent sessions undo|redo|fork`: back and forth in a session, and a copy of it."""

import sys
from typing import TYPE_CHECKING, Any

import click

from cli.shared.bootstrap import settings_for
from cli.shared.chosen_thread import chosen_thread
from cli.shared.command import prints, tell, thread_argument, with_store
from cli.shared.options import Options
from cli.shared.render import EventPrinter
from cli.shared.thread_text import plain, tell_moved
from cli.terminal.who_decides import by_a_person

if TYPE_CHECKING:
    from core.store import Store, ThreadRow
    from graph.undo import Moved

dry_run_option = click.option("--dry-run", is_flag=True, help="Print the changes, make none")


@click.command()
@thread_argument
@click.option("--turns", type=click.IntRange(1), default=1, help="Number of turns (default 1)")
@dry_run_option
@prints
@with_store
async def undo(
    store: "Store", options: Options, thread: str | None, turns: int, dry_run: bool
) -> int:
    """Undo the last turn: the conversation and the files it changed.

    Files that changed since then stay as they are. They are listed, as is everything that cannot
    be undone.
    """
    if not dry_run:
        by_a_person("undo a turn")
    row, line = await _time_line(store, thread, options)
    moved = await line.undo(turns, dry_run=dry_run)
    return _tell(options, row, moved, dry_run=dry_run)


@click.command()
@thread_argument
@dry_run_option
@prints
@with_store
async def redo(store: "Store", options: Options, thread: str | None, dry_run: bool) -> int:
    """Redo the last undone turn."""
    if not dry_run:
        by_a_person("redo a turn")
    row, line = await _time_line(store, thread, options)
    moved = await line.redo(dry_run=dry_run)
    return _tell(options, row, moved, dry_run=dry_run, redo=True)


@click.command()
@thread_argument
@click.option(
    "--at", type=click.IntRange(1), metavar="TURN", help="Copy up to this turn (default: the last)"
)
@prints
@with_store
async def fork(store: "Store", options: Options, thread: str | None, at: int | None) -> int:
    """Copy a session into a new one, and print the new id."""
    by_a_person("fork a session", terminal=False)
    _, line = await _time_line(store, thread, options)
    made = await line.fork(at)
    return tell(options, plain(made, "done"), [made.id])


async def _time_line(store: "Store", thread: str | None, options: Options) -> tuple[Any, Any]:
    """(the thread's row, its `graph.undo.TimeLine`)."""
    from graph.undo import TimeLine
    from nodes.services import build_services
    from tools import tool_servers

    row = await chosen_thread(store, thread, options)
    settings = settings_for(options).settings
    mcp = tool_servers(settings, row.cwd)
    return row, TimeLine(store, build_services(settings, store), row, mcp)


def _tell(
    options: Options, row: "ThreadRow", moved: "Moved", *, dry_run: bool, redo: bool = False
) -> int:
    if options.output != "json":
        tell_moved(moved, EventPrinter(sys.stdout), redo=redo, dry_run=dry_run)
    return tell(options, {"thread": row.id, "dry_run": dry_run, **moved.to_dict()}, [])
