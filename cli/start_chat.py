"""Starts the chat: `ml-agent` without a task, in a terminal."""

import asyncio
import os
import sys
from typing import Any

from cli.shared.bootstrap import guarded
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person


def start_chat(options: Options) -> int:
    """Chat until the user leaves; the exit code."""

    async def work() -> int:
        from cli.chat.loop import run_chat

        by_a_person("chat", terminal=False)  # a chat decides about calls
        return await run_chat(options, _frontend())

    return guarded(lambda: asyncio.run(work()), options)


def _frontend() -> Any:
    """The full terminal, or plain lines where the terminal can do no more."""
    dumb = os.environ.get("TERM", "dumb").lower() in ("", "dumb", "unknown", "emacs")
    if dumb or sys.platform == "win32":
        from cli.chat.terminal.plain import Plain

        return Plain()
    from cli.chat.terminal.frontend import Terminal

    return Terminal()
