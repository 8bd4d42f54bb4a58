"""Slash commands that move in a thread, or to another one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cli.chat.commands.registry import SlashCommand
from cli.chat.frontend import Choice
from cli.shared.answers import is_yes, yes_or_no
from cli.shared.thread_text import tell_moved
from configs.visible import inline

if TYPE_CHECKING:
    from cli.chat.loop import Chat

#: Threads that /sessions and /resume know.
MOST = 200
#: Lines of a conversation that a picker shows of a thread.
PREVIEW = 6


async def _new(chat: Chat, word: str) -> None:
    await chat.close()
    chat.lines.line("a new thread begins with your next message", "2")


async def _undo(chat: Chat, word: str) -> None:
    if _has_thread(chat):
        await _take_back(chat, 1)


async def _redo(chat: Chat, word: str) -> None:
    if _has_thread(chat):
        tell_moved(await chat.session.time_line().redo(), chat.lines, redo=True)
        await chat.face.settled(chat)


async def _rewind(chat: Chat, word: str) -> None:
    if not _has_thread(chat):
        return
    turns = await chat.session.time_line().turns()
    numbers = [str(turn.number) for turn in turns]
    answer = word
    if not answer:
        answer = await _picked_turn(chat, turns) or ""
    elif answer not in numbers:
        chat.lines.line(f"there is no turn {answer}; there are {', '.join(reversed(numbers))}")
    if answer in numbers:
        await _take_back(chat, numbers.index(answer) + 1)


async def _picked_turn(chat: Chat, turns: list[Any]) -> str | None:
    def preview(count: int) -> Any:
        async def words() -> str:
            moved = await chat.session.time_line().undo(count, dry_run=True)
            files = f"; files: {', '.join(moved.restored[:5])}" if moved.restored else ""
            return f"takes back {count} turn{'s' if count > 1 else ''}{files}"

        return words

    choices = [
        Choice(str(turn.number), turn.text[:70], preview(count) if turn.before else None)
        for count, turn in enumerate(turns, 1)
    ]
    return await chat.face.pick("take back from turn", choices)


async def _take_back(chat: Chat, turns: int) -> None:
    line = chat.session.time_line()
    tell_moved(await line.undo(turns, dry_run=True), chat.lines, dry_run=True)
    answer = await chat.face.ask("Undo? [Y/n] ", accepts=yes_or_no)
    if answer is None or not is_yes(answer, default=True):
        chat.lines.line("nothing was taken back", "2")
    else:
        tell_moved(await line.undo(turns), chat.lines)
        await chat.face.settled(chat)


async def _fork(chat: Chat, word: str) -> None:
    if _has_thread(chat):
        made = await chat.session.time_line().fork()
        await chat.close()
        await chat.open(made.id)


async def _compact(chat: Chat, word: str) -> None:
    if chat.session is None:
        chat.lines.line("there is nothing to compact yet")
    else:
        await chat.turn(chat.session.compact(), costs=False)


async def _sessions(chat: Chat, word: str) -> None:
    from cli.shared.thread_text import line_of

    found = await _threads(chat)
    for row, status in found[:20]:
        chat.lines.line(line_of(row, status))
    if not found:
        chat.lines.line("no thread was started in this folder")


async def _resume(chat: Chat, word: str) -> None:
    if not word:
        found = await _threads(chat)
        if not found:
            chat.lines.line("no thread was started in this folder")
            return
        choices = [Choice(r.id, _label(r, status), _reading(chat, r.id)) for r, status in found]
        word = await chat.face.pick("go on with", choices) or ""
    if word:
        # The old thread is left only once the new one is there.
        old, chat.session = chat.session, None
        opened = await chat.open_kindly(word)
        new = chat.session
        chat.session = old
        if opened:
            await chat.close()
            chat.session = new
            await _recall(chat)
            await chat.face.settled(chat)
            await chat.offer()


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
        from graph.thread import read_thread

        async with await open_store(chat.settings) as store:
            return "\n".join(_ending(list(await read_thread(store, thread))))

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


async def _ids(chat: Chat) -> list[tuple[str, str]]:
    return [(row.id, row.title) for row, _ in await _threads(chat)]


async def _numbers(chat: Chat) -> list[tuple[str, str]]:
    if chat.session is None:
        return []
    return [(str(t.number), t.text) for t in await chat.session.time_line().turns()]


def _has_thread(chat: Chat) -> bool:
    if chat.session is None:
        chat.lines.line("there is no thread yet")
    return chat.session is not None


COMMANDS = [
    SlashCommand("new", "start a new thread", _new),
    SlashCommand("undo", "take the last turn back", _undo),
    SlashCommand("redo", "do it again", _redo),
    SlashCommand("rewind", "go back to an earlier turn", _rewind, "[TURN]", _numbers),
    SlashCommand("fork", "go on in a copy of this thread", _fork),
    SlashCommand("resume", "go on with another thread of this folder", _resume, "[ID]", _ids),
    SlashCommand("sessions", "the threads of this folder", _sessions, anytime=True),
    SlashCommand("compact", "summarise the conversation now", _compact),
]
