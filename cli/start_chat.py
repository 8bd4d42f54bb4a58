"""Starts the chat: `ml-agent` without a task, in a terminal."""

import asyncio
import importlib
import os
import sys
from typing import Any

from cli.shared.bootstrap import guarded
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person

#: Delete the line of the full one and its folder: plain lines are left.
FRONTENDS = {
    "plain": "cli.chat.plain:Plain",
    "full": "cli.chat.terminal.frontend:Terminal",
}


def start_chat(options: Options) -> int:
    """Chat until the user leaves; the exit code."""

    async def work() -> int:
        from cli.chat.loop import run_chat

        by_a_person("chat", terminal=False)  # a chat decides about calls
        return await run_chat(options, frontend())

    return guarded(lambda: asyncio.run(work()), options)


def frontend() -> Any:
    """The full terminal, or plain lines where the terminal can do no more."""
    dumb = os.environ.get("TERM", "dumb").lower() in ("", "dumb", "unknown", "emacs")
    wanted = "plain" if dumb or sys.platform == "win32" else "full"
    module, _, name = FRONTENDS.get(wanted, FRONTENDS["plain"]).partition(":")
    return getattr(importlib.import_module(module), name)()
