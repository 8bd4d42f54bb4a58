"""`ml-agent login`: a provider's key, asked for, checked and kept as in the chat's first minute."""

import sys

import click

from cli.shared.bootstrap import settings_for
from cli.shared.command import HELP, runs
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person
from core.errors import UsageError

INSTEAD = "set ANTHROPIC_API_KEY, HF_TOKEN or OPENAI_API_KEY"


@click.command(context_settings=HELP)
@runs
async def login(options: Options) -> int:
    """Set the key of a model provider, or your Hugging Face token.

    The key is checked with the provider, and kept on disk if you say so. An environment variable
    takes precedence over it.
    """
    by_a_person("sign in")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("Cannot ask for a key: no terminal", INSTEAD)
    from cli.chat.first_run import choose_provider
    from cli.chat.plain import Plain
    from cli.chat.state import Chat

    chat = Chat(options, Plain())
    chat.settings = settings_for(options, new_keys=False).settings
    try:
        return 0 if await choose_provider(chat) else 1
    finally:
        await chat.frontend.close()
