"""Slash commands that choose: model, effort, mode."""

from typing import TYPE_CHECKING

from cli.chat.state import Chat, ChatLines, Choice
from cli.chat.threads import ensure_open
from cli.shared.model_list import MOST, matching, none_found
from configs.settings import EFFORTS

if TYPE_CHECKING:
    from graph.session import Session

MODES = {
    "ask": "commands, and everything outside the folder, need approval",
    "auto": "everything runs without asking, except deletions on the Hub and denied rules",
    "read-only": "no changes",
    "yolo": "everything runs without asking, deletions too",
}

#: The modes that Shift-Tab goes through.
CYCLE = ("ask", "auto", "read-only")


async def model(chat: Chat, word: str) -> None:
    if chat.session is None and "/" in word:
        chat.chosen["model"] = word
        if not await ensure_open(chat):
            del chat.chosen["model"]
        return
    if await ensure_open(chat):
        before = chat.session.thread.model
        await choose_model(chat, word)
        if chat.session.thread.model != before:
            chat.chosen["model"] = chat.session.thread.model
        await chat.frontend.settled(chat)


async def models(chat: Chat) -> list[tuple[str, str]]:
    from core.models.list_models import offers

    found = await offers(chat.settings)
    return [(offer.id, offer.describe().removeprefix(offer.id).strip()) for offer in found]


async def effort(chat: Chat, word: str) -> None:
    if await ensure_open(chat) and choose_effort(chat.session, word, chat.lines):
        chat.chosen["effort"] = word


async def efforts(chat: Chat) -> list[tuple[str, str]]:
    levels = chat.session.efforts()[0] if chat.session else None
    return [(effort, "") for effort in (EFFORTS if levels is None else levels)]


async def mode(chat: Chat, word: str) -> None:
    now = chat.session.thread.mode if chat.session else chat.chosen.get("mode") or _first(chat)
    if word == "next":  # Shift-Tab
        word = CYCLE[(CYCLE.index(now) + 1) % len(CYCLE)] if now in CYCLE else CYCLE[0]
    if word not in MODES:
        chat.lines.line(f"mode {now}; /mode takes one of: {', '.join(MODES)}")
        return
    await _permit(chat, word)


async def yolo(chat: Chat, word: str) -> None:
    """On; and off again, back to asking."""
    on = chat.session is not None and chat.session.thread.mode == "yolo"
    on = on or (chat.session is None and chat.chosen.get("mode") == "yolo")
    await _permit(chat, "ask" if on else "yolo")


async def _permit(chat: Chat, mode: str) -> None:
    if chat.session is None:
        chat.chosen["mode"] = mode
    else:
        await chat.session.permit(mode)
    chat.lines.line(f"mode {mode}: {MODES[mode]}", "33" if mode == "yolo" else "2")
    await chat.frontend.settled(chat)


def _first(chat: Chat) -> str:
    mode: str = chat.settings.capped_mode(chat.options.mode or chat.settings.mode or "ask")
    return mode


async def modes(chat: Chat) -> list[tuple[str, str]]:
    return list(MODES.items())


async def choose_model(chat: Chat, word: str) -> None:
    """`/model`: choose of all. `/model ID`: switch. `/model WORD`: choose of those it is in."""
    from core.errors import AgentError
    from core.model_errors import UnknownModel
    from core.models.list_models import offers

    session, lines = chat.session, chat.lines
    if word:
        try:
            lines.line(f"Model: {await session.switch(word)}", "2")
            return
        except UnknownModel as error:
            failure: AgentError = error
        except AgentError as error:
            lines.complain(error.message, error.hint)
            return
    else:
        lines.line(f"{session.thread.model} is the model", "2")
    first = (session.thread.model, chat.settings.model_name)
    found = sorted(
        matching(await offers(session.settings), word),
        key=lambda offer: first.index(offer.id) if offer.id in first else len(first),
    )
    if not found:
        if word:
            lines.complain(failure.message, failure.hint)
        else:
            lines.line(none_found(""))
        return
    choices = [Choice(str(n), offer.describe()) for n, offer in enumerate(found[:MOST], 1)]
    if len(found) > MOST:
        lines.line(f"{len(found) - MOST} more; /model WORD narrows the list", "2")
    picked = await chat.frontend.pick("model", choices)
    if picked:
        await choose_model(chat, found[int(picked) - 1].id)


def choose_effort(session: "Session", word: str, lines: ChatLines) -> bool:
    """`/effort LEVEL`: whether it is set; without a level: what the model takes."""
    from core.errors import UsageError

    model, (levels, now) = session.thread.model, session.efforts()
    if word:
        try:
            session.think(word)
        except UsageError as error:
            lines.complain(error.message, error.hint)
            return False
        lines.line(f"effort: {word}", "2")
        return True
    if levels == ():
        lines.line(f"{model} does not reason")
    else:
        takes = ", ".join(levels or EFFORTS)
        lines.line(f"effort {now or 'as usual'}; {model} takes {takes}")
    return False
