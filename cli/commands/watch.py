"""`ml-agent watch`: wakes waiting sessions. `ml-agent wake`: ends a wait by hand."""

import asyncio
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.shared.bootstrap import complain, settings_for
from cli.shared.command import HELP, prints, tell, with_store
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note
from configs.layers import load
from configs.settings import Settings
from core.errors import UsageError

if TYPE_CHECKING:
    from core.store import Store


@click.command(context_settings=HELP)
@click.option("--once", is_flag=True, help="Look once and exit: for cron, systemd and Slurm")
@prints
def watch(options: Options, once: bool) -> int:
    """Wake sessions that wait, of all folders, and continue them.

    A session keeps its own mode, rules and cost cap. A call that needs approval waits for you.
    """
    by_a_person("continue sessions", terminal=False)
    settings = settings_for(options).settings
    return asyncio.run(_watch(options, settings, once))


async def _watch(options: Options, settings: Settings, once: bool) -> int:
    from graph.watcher import Watcher

    def settings_of(folder: Path) -> Settings:
        return load(cwd=folder, config_file=options.config_file).settings

    watcher = Watcher(settings, settings_of, complain)
    if once:
        woken = await watcher.once()
        if not woken and options.output != "json":
            note("nothing to wake")
        return tell(options, {"woken": [one.to_dict() for one in woken]}, ())
    work = asyncio.ensure_future(watcher.forever())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    note("watching; Ctrl-C ends it")
    try:
        await work
    except asyncio.CancelledError:
        note("stopped watching; sessions that wait stay as they are")
    return 0


@click.command(context_settings=HELP)
@click.argument("thread", metavar="ID")
@click.option("--message", metavar="TEXT", default="", help="Message for the model")
@prints
@with_store
async def wake(store: "Store", options: Options, thread: str, message: str) -> int:
    """End the wait of a session by hand.

    An open chat, a headless run or `ml-agent watch` continues it; otherwise `ml-agent sessions
    resume` does.
    """
    by_a_person("wake a session", terminal=False)
    row = await store.threads.resolve(thread, str(options.folder))
    wait = await store.waits.of(row.id)
    if row.status != "waiting" or wait is None:
        raise UsageError(f"session {row.id} does not wait ({row.status})", "ml-agent sessions list")
    words = message.strip() or "The user ended the wait."
    if not await store.wake(wait, {"kind": "hand", "text": words, "at": time.time()}):
        raise UsageError(f"session {row.id} was woken before", "ml-agent sessions list")
    if options.output != "json":
        note(f"an open run or ml-agent watch continues it; or: ml-agent sessions resume {row.id}")
    return tell(options, {"thread": row.id, "woken": True}, ())
