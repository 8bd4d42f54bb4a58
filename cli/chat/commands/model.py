"""Slash commands that choose: model, effort, mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.chat.commands.registry import SlashCommand

if TYPE_CHECKING:
    from cli.chat.loop import Chat

MODES = {
    "ask": "commands and whatever leaves the folder are asked about",
    "auto": "runs, except what is denied or cannot be got back",
    "read-only": "nothing is changed",
    "yolo": "runs everything, what cannot be got back too",
}


async def _model(chat: Chat, word: str) -> None:
    from cli.shared.model_choice import choose_model

    if chat.session is None and "/" in word:
        chat.chosen["model"] = word
        if not await chat.open_kindly():
            del chat.chosen["model"]
        return
    if await chat.open_kindly():
        before = chat.session.thread.model
        await choose_model(chat.session, word, chat.lines)
        if chat.session.thread.model != before:
            chat.chosen["model"] = chat.session.thread.model
        await chat.face.settled(chat)


async def _models(chat: Chat) -> list[tuple[str, str]]:
    from core.models.list_models import offers

    found = await offers(chat.settings)
    return [(offer.id, offer.describe().removeprefix(offer.id).strip()) for offer in found]


async def _effort(chat: Chat, word: str) -> None:
    from cli.shared.model_choice import EFFORTS, choose_effort

    if await chat.open_kindly():
        choose_effort(chat.session, word, chat.lines)
        if word in EFFORTS:
            chat.chosen["effort"] = word


async def _efforts(chat: Chat) -> list[tuple[str, str]]:
    from cli.shared.model_choice import EFFORTS

    return [(effort, "") for effort in EFFORTS]


async def _mode(chat: Chat, word: str) -> None:
    now = chat.session.thread.mode if chat.session else chat.chosen.get("mode") or _first(chat)
    if word not in MODES:
        chat.lines.line(f"mode {now}; /mode takes one of: {', '.join(MODES)}")
        return
    await _permit(chat, word)


async def _yolo(chat: Chat, word: str) -> None:
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
    await chat.face.settled(chat)


def _first(chat: Chat) -> str:
    mode: str = chat.settings.capped_mode(chat.options.mode or chat.settings.mode or "ask")
    return mode


async def _modes(chat: Chat) -> list[tuple[str, str]]:
    return list(MODES.items())


COMMANDS = [
    SlashCommand("model", "which model answers", _model, "[ID|WORD]", _models),
    SlashCommand("effort", "how much it thinks", _effort, "LEVEL", _efforts),
    SlashCommand("mode", "what runs unasked", _mode, "[MODE]", _modes, anytime=True),
    SlashCommand("yolo", "run everything unasked, or ask again", _yolo, anytime=True),
]
