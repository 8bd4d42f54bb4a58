"""`ml-agent web`: the chat in a browser. The server is imported late: help comes at once."""

import os

import click

from cli.shared.bootstrap import say_what_is_ignored, settings_for
from cli.shared.command import HELP, runs
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note


@click.command(context_settings=HELP)
@click.option("--port", type=click.IntRange(1, 65535), help="Port (default 7860, or the next free)")
@click.option("--no-browser", is_flag=True, help="Print the link and open nothing")
@runs
def web(options: Options, port: int | None, no_browser: bool) -> int:
    """Chat in a browser on this machine, with the sessions of the command line.

    It listens on 127.0.0.1 only. The link works once; then the browser has a cookie.
    In a Hugging Face Space (SPACE_ID is set) it serves the users who sign in there.
    """
    if os.environ.get("SPACE_ID"):
        from server.space import start as start_space

        start_space(note, port)
        return 0
    from server.start import start

    by_a_person("serve the chat", terminal=False)
    loaded = settings_for(options)
    say_what_is_ignored(loaded.brought)
    settings = loaded.settings.model_copy(
        update={
            "model_name": options.model or loaded.settings.model_name,
            "mode": options.mode or loaded.settings.mode,
        }
    )
    start(settings, options.folder, options.for_run(), port, note, not no_browser)
    return 0
