"""Slash commands that list threads and go to another one."""

import time
from typing import Any

from cli.chat.state import Chat, Choice
from cli.chat.threads import close_thread, ensure_open
from cli.chat.turns import offer_unfinished
from cli.shared.thread_text import line_of
from configs.visible import inline

#: Threads that /sessions and /resume know.
MOST = 200
#: Lines of a conversation that a picker shows of a thread.
PREVIEW = 6


async def sessions(chat: Chat, word: str) -> None:
    found = await _threads(chat)
    for row, status in found[:20]:
        chat.lines.line(line_of(row, status))
    if not found:
        chat.lines.line("no sessions in this folder")


async def resume(chat: Chat, word: str) -> None:
    if not word:
        found = await _threads(chat)
        if not found:
            chat.lines.line("no sessions in this folder")
            return
        choices = [Choice(r.id, _label(r, status), _reading(chat, r.id)) for r, status in found]
        word = await chat.frontend.pick("resume", choices) or ""
    if word:
        # The old thread is closed only after the new one is open.
        old, chat.session = chat.session, None
        opened = await ensure_open(chat, word)
        new = chat.session
        chat.session = old
        if opened:
            await close_thread(chat)
            chat.session = new
            await _recall(chat)
            await chat.frontend.settled(chat)
            await offer_unfinished(chat)


async def _recall(chat: Chat) -> None:
    """How the thread stands: the last words of both."""
    for text in _ending(await chat.session.history()):
        chat.lines.line(text, "2")


def _ending(messages: list[Any]) -> list[str]:
    from core.history import is_note, said_by_person
    from core.secrets.redaction import redacted

    asked = [m for m in messages if m.type == "human" and not is_note(m)]
    answers = [m for m in messages if m.type == "ai" and m.text.strip()]
    found = [f"> {said_by_person(asked[-1])}"] if asked else []
    found += answers[-1].text.strip().split("\n")[-PREVIEW:] if answers else []
    return [redacted(text) for text in found]


def _reading(chat: Chat, thread: str) -> Any:
    async def words() -> str:
        from core.store import open_store
        from graph.thread import Thread

        async with await open_store(chat.settings) as store:
            return "\n".join(_ending(await Thread(store, thread).messages()))

    return words


def _label(row: Any, status: str) -> str:
    when = time.strftime("%b %d %H:%M", time.localtime(row.updated))
    return f"{when}  {status:<11}  {inline(row.title)}"


async def _threads(chat: Chat) -> list[tuple[Any, str]]:
    """This folder's threads, the newest first, each with how it stands."""
    from core.store import open_store

    async with await open_store(chat.settings) as store:
        rows = await store.threads.list(str(chat.folder), MOST)
        return [(row, store.standing(row)) for row in rows]


async def ids(chat: Chat) -> list[tuple[str, str]]:
    return [(row.id, row.title) for row, _ in await _threads(chat)]
