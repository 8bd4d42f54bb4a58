"""The first run: no key yet. What to set, what runs on this machine, and the demo."""

import asyncio
import importlib
import os
from typing import Any

from cli.chat.sign_in import ask_for_token
from cli.chat.state import Chat

KEYS = ("ANTHROPIC_API_KEY", "HF_TOKEN", "OPENAI_API_KEY", "GEMINI_API_KEY")
WHAT_TO_SET = """\
No model yet: no API key is set, and no model server runs on this machine.
  a key:    export ANTHROPIC_API_KEY=...  (or OPENAI_API_KEY, GEMINI_API_KEY)
  a token:  export HF_TOKEN=...           (or: hf auth login), for the Hugging Face router
  or start ollama, LM Studio, vLLM or llama.cpp here; /demo works without a key"""


async def greet(chat: Chat) -> None:
    """Say what is missing, where no model is available; else nothing."""
    named = chat.options.model or chat.settings.model_name
    if named or any(os.environ.get(name) for name in KEYS):
        return
    choice = await asyncio.to_thread(importlib.import_module, "core.models.choice")
    from core.model_errors import NotAuthenticated

    try:
        model = await choice.choose_model(chat.settings)
    except NotAuthenticated:
        for text in WHAT_TO_SET.split("\n"):
            chat.lines.line(text)
        return
    if not model.startswith(("hf/", "anthropic/")):
        chat.lines.line(f"no API key is set; using {model} on this machine", "2")


async def ask_token(chat: Chat, error: Any) -> bool:
    """Ask for the Hugging Face token where one is missing; whether there is one now. It is kept
    in this process only."""
    from core.errors import AgentError
    from core.models.routes import resolve

    model = chat.chosen.get("model") or chat.options.model or chat.settings.model_name
    try:
        wanted = not model or resolve(model, chat.settings).provider == "hf"
    except AgentError:
        wanted = False
    if wanted:
        chat.lines.line(error.message, "33")
        if await ask_for_token(chat):
            return True
    chat.lines.complain(error.message, error.hint)
    return False


def wants_token(event: Any) -> bool:
    """Whether a tool failed for want of the Hugging Face token (core/hub/refusals.py says so)."""
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
