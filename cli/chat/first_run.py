"""The first minute: what is in use, and, without a key, a choice of where a model comes from."""

import asyncio
import importlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cli.chat.providers import ANTHROPIC, HUB, OPENAI
from cli.chat.sign_in import ask_for_key, ask_for_token
from cli.chat.state import Chat
from cli.shared.answers import Asked, one_of
from cli.shared.render import money
from configs.visible import visible

PROVIDERS = (ANTHROPIC, HUB, OPENAI)
NONE = "No model yet: no API key is set, and no model server was found on this machine."


def headline(chat: Chat, keys: str) -> str:
    """Version, model, mode, cap and folder."""
    folder = visible(chat.folder)
    home = str(Path.home())
    if folder.startswith(f"{home}/"):
        folder = f"~{folder.removeprefix(home)}"
    parts = [f"ml-agent {version('ml-agent')}", *in_use(chat), cap_of(chat), folder, "/help"]
    return " · ".join(part for part in parts if part) + keys


def in_use(chat: Chat) -> list[str]:
    """Model and mode, before there is a session."""
    from core.models.defaults import default_model

    named = chat.chosen.get("model") or chat.options.model or chat.settings.model_name
    mode = chat.options.mode or chat.settings.mode or "ask"
    mode = chat.chosen.get("mode") or chat.settings.capped_mode(mode)
    return [named or default_model() or "no model yet", mode]


def cap_of(chat: Chat) -> str:
    """The narrowest cap, in words."""
    budget = chat.settings.budget
    caps = (
        (chat.options.max_cost, "run"), (budget.turn, "turn"),
        (budget.thread, "session"), (budget.day, "day"),
    )  # fmt: skip
    known = [(cap, scope) for cap, scope in caps if cap is not None]
    if not known:
        return "no cap"
    cap, scope = min(known)
    return f"cap {money(round(cap * 1_000_000))} a {scope}"


async def greet(chat: Chat) -> None:
    """If no model is available, offer a choice."""
    from core.models.defaults import default_model

    if chat.options.model or chat.settings.model_name or default_model():
        return
    choice = await asyncio.to_thread(importlib.import_module, "core.models.choice")
    local = await choice.find_local_model()
    if local:
        chat.chosen["model"] = local
        chat.lines.line(f"no API key is set; using {local} on this machine", "2")
    else:
        await offer_models(chat)


async def offer_models(chat: Chat) -> bool:
    """Ask where a model comes from; whether there is one now. A line that is not a choice is the
    next message."""
    entries = [f"{provider.name} {provider.key}" for provider in PROVIDERS]
    entries.append("local server: start ollama, LM Studio, vLLM or llama.cpp, then choose this")
    entries.append("demo: an offline tour, no key needed")
    chat.lines.line(NONE, "33")
    for number, entry in enumerate(entries, 1):
        chat.lines.line(f"  {number}  {entry}")
    keys = "".join(map(str, range(1, len(entries) + 1)))
    asked = f"Choose 1 to {len(entries)} (Enter: later): "
    answer = await chat.frontend.ask(Asked(asked, one_of(list(keys)), keys))
    if not answer:
        return False
    number = int(answer)
    if number <= len(PROVIDERS):
        found = await ask_for_key(chat, PROVIDERS[number - 1])
    elif number == len(PROVIDERS) + 1:
        choice = await asyncio.to_thread(importlib.import_module, "core.models.choice")
        local = await choice.find_local_model()
        found = bool(local)
        if local:
            chat.chosen["model"] = local
        else:
            chat.lines.complain("No model server answers on this machine.")
    else:
        await run_demo(chat)
        return False
    if found:
        chat.lines.line(f"Model: {in_use(chat)[0]}", "2")
        await chat.frontend.settled(chat)
    return found


async def choose_provider(chat: Chat) -> bool:
    """Ask which provider's key to set, and for the key; whether there is one now."""
    for number, provider in enumerate(PROVIDERS, 1):
        chat.lines.line(f"  {number}  {provider.name} {provider.key} ({provider.variable})")
    keys = "".join(str(number) for number in range(1, len(PROVIDERS) + 1))
    asked = f"Choose 1 to {len(PROVIDERS)} (Enter: none): "
    answer = await chat.frontend.ask(Asked(asked, one_of(list(keys)), keys))
    return await ask_for_key(chat, PROVIDERS[int(answer) - 1]) if answer else False


async def run_demo(chat: Chat) -> None:
    """The offline tour, in this terminal."""
    await chat.frontend.hand_over([sys.executable, "-m", "cli.main", "demo"])


async def ask_token(chat: Chat, error: Any) -> bool:
    """Ask for what is missing; whether a model can be used now."""
    from core.errors import AgentError
    from core.models.routes import resolve

    model = chat.chosen.get("model") or chat.options.model or chat.settings.model_name
    if not model:
        return await offer_models(chat)
    try:
        provider = resolve(model, chat.settings).provider
    except AgentError:
        provider = ""
    known = {"hf": HUB, "anthropic": ANTHROPIC, "openai": OPENAI}.get(provider)
    if known is not None:
        chat.lines.line(error.message, "33")
        if await ask_for_key(chat, known):
            return True
    chat.lines.complain(error.message, error.hint)
    return False


def wants_token(event: Any) -> bool:
    """Whether a tool failed without the Hugging Face token (core/hub/refusals.py says so)."""
    return event.name == "tool_output" and not event.ok and "`hf auth login`" in event.text


async def offer_token(chat: Chat) -> None:
    """After a turn in which a tool wanted the token: ask for it, once a session."""
    from core.credentials import hub_token

    known = await asyncio.to_thread(hub_token)
    if known or chat.token_asked:
        return
    chat.token_asked = True
    chat.lines.line("a tool needs your Hugging Face token", "33")
    if await ask_for_token(chat):
        chat.lines.line('Type "continue" to try again.', "2")
