"""`ml-agent report`: what reproduces the run of a session."""

from typing import TYPE_CHECKING

import click

from cli.shared.bootstrap import newest_thread
from cli.shared.command import HELP, prints, thread_argument, with_store
from cli.shared.options import Options
from cli.terminal.writer import print_json, write_data

if TYPE_CHECKING:
    from core.store import Store


@click.command(context_settings=HELP)
@thread_argument
@prints
@with_store
async def report(store: "Store", options: Options, thread: str | None) -> int:
    """Print what reproduces the run of a session, as Markdown or JSON.

    Data and models with their revisions, commands with the SHA-256 of their scripts, seeds,
    packages, hardware, metrics, cost, decisions, experiment, and the source of each number of the
    last answer. It names no id, time or duration: two runs that did the same have the same report.
    """
    from core.report.markdown import as_markdown
    from graph.report import report_of

    folder = str(options.folder)
    row = await (store.threads.resolve(thread, folder) if thread else newest_thread(store, options))
    found = await report_of(store, row)
    if options.output == "json":
        print_json(found)
    else:
        write_data(as_markdown(found))
    return 0
