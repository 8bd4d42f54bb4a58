"""`ml-agent acp`: the agent in an editor. The server is imported late: help comes at once."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.shared.bootstrap import say_what_is_ignored, settings_for
from cli.shared.command import HELP, runs
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note

if TYPE_CHECKING:
    from configs.settings import Settings


@click.command(context_settings=HELP)
@runs
async def acp(options: Options) -> int:
    """Work in an editor, over the Agent Client Protocol on stdin and stdout.

    An editor starts it: Zed, a JetBrains IDE, VS Code with an extension. The sessions are those of
    the command line.
    """
    from server.acp.serve import serve

    by_a_person("serve an editor", terminal=False)
    if sys.stdin.isatty():
        note("ml-agent: waiting for an editor on stdin; Ctrl-C ends it")

    def settings_of(folder: Path) -> "Settings":
        # The user is not asked here about a folder's keys: those that the user trusts count.
        loaded = settings_for(replace(options, cwd=str(folder)), new_keys=False)
        say_what_is_ignored(loaded.brought)
        return loaded.settings

    await serve(settings_of, options.for_run(notice=note))
    return 0
