"""`/status`: all of this session at a glance."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from cli.chat.first_run import PROVIDERS, cap_of
from cli.chat.state import Chat
from cli.chat.threads import say_status
from cli.shared.columns import in_columns
from cli.shared.render import money
from configs.layers import user_file
from configs.project import project_file
from configs.visible import inline
from core.store.goals import goal_line
from core.store.wait_words import wait_line, wait_of


async def status(chat: Chat, word: str) -> None:
    say_status(chat)
    rows = [row async for row in _rows(chat)]
    for line in in_columns(rows):
        chat.lines.line(line, "2")


async def _rows(chat: Chat) -> AsyncIterator[tuple[str, str]]:
    from importlib.metadata import version

    from core.credentials import hub_token

    yield "version", version("ml-agent")
    yield "folder", inline(str(chat.folder))
    found = [one.variable for one in PROVIDERS if os.environ.get(one.variable)]
    if hub_token() and "HF_TOKEN" not in found:
        found.append("Hugging Face token")
    yield "keys", ", ".join(found) or "none"
    yield "settings", _files(chat)
    yield "undo of files", "on" if chat.settings.undo_files else "off"
    yield "cap", cap_of(chat)
    if chat.session is not None:
        async for row in _of_session(chat):
            yield row


def _files(chat: Chat) -> str:
    given = chat.options.config_file
    files = [user_file(), project_file(chat.folder), *([Path(given)] if given else [])]
    return ", ".join(inline(str(file)) for file in files if file.exists()) or "no settings file"


async def _of_session(chat: Chat) -> AsyncIterator[tuple[str, str]]:
    from core.errors import AgentError

    session: Any = chat.session
    left = await session.left()
    if left is not None:
        yield "left under the caps", money(left)
    use = await session.context_use()
    yield "context", f"{use.total:,} of {use.window:,} tokens"
    states = await session.mcp_states()
    yield "MCP servers", ", ".join(f"{name} ({said})" for name, said in states.items()) or "none"
    commands = await session.commands()
    yield "running commands", "\n".join(map(inline, commands)) or "none"
    try:
        jobs = [one.line() for one in await session.jobs()]
    except AgentError as error:
        jobs = [error.message]
    yield "running jobs", "\n".join(jobs) or "none"
    if wait := await session.wait_row():
        yield "waits", wait_line(wait_of(wait))
    if goal := await session.goal_view():
        yield "goal", goal_line(goal)
