"""Slash commands that list threads and go to another one."""

import time
from typing import Any

from cli.chat.recall import ending, recall
from cli.chat.state import Chat, Choice
from cli.chat.threads import close_thread, ensure_open
from cli.chat.turns import offer_unfinished
from cli.shared.thread_text import line_of
from configs.visible import inline
from core.secrets.redaction import redacted

#: Threads that /sessions and /resume know.
MOST = 200


async def sessions(chat: Chat, words: str) -> None:
    """List them; with words, those that have them."""
    if words:
        await _search(chat, words)
        return
    found = await _threads(chat)
    for row, status in found[:20]:
        chat.lines.line(line_of(row, status))
    if not found:
        chat.lines.line("no sessions in this folder")


async def _search(chat: Chat, words: str) -> None:
    from cli.shared.thread_text import found_lines
    from core.store import open_store
    from graph.search import search

    async with await open_store(chat.settings) as store:
        found = await search(store, words, str(chat.folder), 20)
        lines = [line for one in found for line in found_lines(one, store.standing(one.row))]
    for line in lines or [f"no session of this folder has {inline(words)!r}"]:
        chat.lines.line(redacted(line))


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
            await recall(chat)
            await chat.frontend.settled(chat)
            await offer_unfinished(chat)


def _reading(chat: Chat, thread: str) -> Any:
    async def words() -> str:
        from core.store import open_store
        from graph.thread import Thread

        async with await open_store(chat.settings) as store:
            return "\n".join(ending(await Thread(store, thread).messages()))

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
