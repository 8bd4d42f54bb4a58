"""Slash commands that move in a thread, or begin one."""

from typing import Any

from cli.chat.state import Chat, Choice
from cli.chat.threads import close_thread, open_thread
from cli.chat.turns import run_turn, wants
from cli.shared.thread_text import tell_moved


async def new(chat: Chat, word: str) -> None:
    await close_thread(chat)
    chat.lines.line("your next message starts a new session", "2")


async def undo(chat: Chat, word: str) -> None:
    if _has_thread(chat):
        await _take_back(chat, 1)


async def redo(chat: Chat, word: str) -> None:
    if _has_thread(chat):
        moved, _ = await chat.session.redo()
        tell_moved(moved, chat.lines, redo=True)
        await chat.frontend.settled(chat)


async def rewind(chat: Chat, word: str) -> None:
    if not _has_thread(chat):
        return
    turns = await chat.session.time_line().turns()
    known = [str(turn.number) for turn in turns]
    answer = word
    if not answer:
        answer = await _picked_turn(chat, turns) or ""
    elif answer not in known:
        chat.lines.line(f"no turn {answer}; turns: {', '.join(reversed(known))}")
    if answer in known:
        await _take_back(chat, known.index(answer) + 1)


async def _picked_turn(chat: Chat, turns: list[Any]) -> str | None:
    def preview(count: int) -> Any:
        async def words() -> str:
            moved, _ = await chat.session.undo(count, dry_run=True)
            files = f"; files: {', '.join(moved.restored[:5])}" if moved.restored else ""
            return f"undoes {count} turn{'s' if count > 1 else ''}{files}"

        return words

    choices = [
        Choice(str(turn.number), turn.text[:70], preview(count) if turn.before else None)
        for count, turn in enumerate(turns, 1)
    ]
    return await chat.frontend.pick("undo from turn", choices)


async def _take_back(chat: Chat, turns: int) -> None:
    moved, _ = await chat.session.undo(turns, dry_run=True)
    tell_moved(moved, chat.lines, dry_run=True)
    if not await wants(chat, "Undo? [Y/n] "):
        chat.lines.line("nothing was undone", "2")
    else:
        moved, _ = await chat.session.undo(turns)
        tell_moved(moved, chat.lines)
        await chat.frontend.settled(chat)


async def fork(chat: Chat, word: str) -> None:
    if _has_thread(chat):
        made = await chat.session.fork()
        await close_thread(chat)
        await open_thread(chat, made.id)


async def compact(chat: Chat, word: str) -> None:
    if chat.session is None:
        chat.lines.line("nothing to compact yet")
    else:
        await run_turn(chat, chat.session.compact(), costs=False)


async def numbers(chat: Chat) -> list[tuple[str, str]]:
    if chat.session is None:
        return []
    return [(str(t.number), t.text) for t in await chat.session.time_line().turns()]


def _has_thread(chat: Chat) -> bool:
    if chat.session is None:
        chat.lines.line("no session yet")
    return chat.session is not None


async def clear(chat: Chat, word: str) -> None:
    await close_thread(chat)
    await chat.frontend.clear()
    chat.lines.line("your next message starts a new session", "2")
