"""Opening and leaving the chat's thread."""

import asyncio
import importlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.chat.first_run import ask_token
from cli.chat.state import Chat
from cli.terminal.text import fitting
from configs.visible import inline
from core.errors import AgentError
from core.model_errors import NotAuthenticated

if TYPE_CHECKING:
    from configs.settings import Settings

#: By the state of the last turn: how the question tells it.
LEFT_OPEN = {
    "cut off": "was cut off",
    "interrupted": "was interrupted",
    "approval": "waits for approval",
}


def load_in_background(chat: Chat) -> None:
    """Import the heavy libraries in a thread, while the prompt stands."""

    def load() -> None:
        importlib.import_module("graph.session")
        models = importlib.import_module("core.models.loading")
        models.load_for(chat.options.model or chat.settings.model_name, chat.settings)

    threading.Thread(target=load, daemon=True).start()


async def left_open(settings: "Settings", folder: Path) -> tuple[Any, str] | None:
    """The row of the folder's newest thread, and how it stands, in words; None: it is at its end.
    Only the list of threads is read: the prompt waits for no library."""
    from core.store import open_store

    try:
        async with await open_store(settings) as store:
            row = await store.threads.newest(str(folder))
            words = LEFT_OPEN.get(store.standing(row)) if row is not None else None
    except AgentError:
        return None  # what is wrong with the database is said with the first message
    return (row, words) if words else None


async def ensure_open(chat: Chat, thread: str | None = None) -> bool:
    """A session, the one there is or a new one; False if none is available, and why is said."""
    for _ in range(2):
        try:
            if chat.session is None:
                await open_thread(chat, thread)
            return True
        except NotAuthenticated as error:
            if not await ask_token(chat, error):
                return False
        except AgentError as error:
            chat.lines.complain(error.message, error.hint)
            return False
    return False


async def open_thread(chat: Chat, thread: str | None) -> None:
    """Raises AgentError."""
    session_module = await asyncio.to_thread(importlib.import_module, "graph.session")
    options = chat.options if thread else replace(chat.options, **chat.chosen)
    chosen = options.for_run(
        notice=lambda message: chat.lines.complain(message), ask=chat.frontend.answer
    )
    session = session_module.Session.open(
        chat.settings, cwd=chat.folder, thread=thread, options=chosen
    )
    await session.__aenter__()
    chat.session = session
    mode = None if thread else chat.chosen.get("mode")
    if mode and session.thread.mode != mode:
        # Typed in this chat: the user's own word, over what the folder asks for.
        await session.permit(mode)
    say_status(chat)
    await chat.frontend.settled(chat)


def say_status(chat: Chat) -> None:
    """The thread, in a line."""
    if chat.session is None:
        chat.lines.line("no session yet")
        return
    from tools.workspace.command_sandbox import in_words

    thread = chat.session.thread
    place = f"sandbox {thread.sandbox}" if thread.sandbox else in_words(chat.settings)
    chat.lines.line(f"session {thread.id} · {thread.model} · mode {thread.mode} · {place}", "2")


async def close_thread(chat: Chat) -> None:
    """Leave the thread."""
    if chat.session is not None:
        session, chat.session = chat.session, None
        running = await session.commands()
        await session.close()
        for command in running:
            chat.lines.line(f"still running: {fitting(inline(command), 100)}", "33")
        if session.thread.title:
            chat.lines.line(f"continue later with: ml-agent -r {session.thread.id}", "2")
        await chat.frontend.settled(chat)


def proposed_rule(chat: Chat, request: dict[str, Any]) -> str:
    """The rule that lets this call run from now on without asking; "" if no rule can."""
    rule: str = chat.session.rule_for(request)
    return rule
