"""The model used when the user names none: one per credential, in the order they are looked for.

Providers switch models off on a published date, so tests/core/models/test_defaults.py fails 90
days before that date and `ml-agent doctor` warns 60 days before it.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import Any

import huggingface_hub

from configs.dotenv import taken

#: Days before the switch-off at which `doctor` warns.
WARN_DAYS = 60


@dataclass(frozen=True)
class DefaultModel:
    """One row of the table.

    Attributes:
        credential: the variable (or login) that selects this row. model: the id used then.
        chosen: when this model was picked, ISO date.
    """

    credential: str
    model: str
    chosen: str


ANTHROPIC = DefaultModel("ANTHROPIC_API_KEY", "anthropic/claude-sonnet-5-5", "2026-11-28")
ROUTER = DefaultModel("HF_TOKEN", "hf/Qwen/Qwen3-Coder-480B-A35B-Instruct", "2026-11-19")
OPENAI = DefaultModel("OPENAI_API_KEY", "openai/gpt-6.1-sol", "2026-11-28")
GEMINI = DefaultModel("GEMINI_API_KEY", "gemini/gemini-3.8-flash", "2026-11-28")

#: In the order in which credentials are looked for.
DEFAULTS = (ANTHROPIC, ROUTER, OPENAI, GEMINI)


def default_model() -> str:
    """The first row whose credential is there; "" if none is. A key of the folder's .env comes
    behind all of the user's own: it must not choose who gets the conversation."""
    own = [row for row in DEFAULTS if row.credential not in taken]
    for row in (*own, *DEFAULTS):
        has = huggingface_hub.get_token() if row is ROUTER else environ.get(row.credential)
        if has:
            return row.model
    return ""


def switch_off(model: str) -> date | None:
    """When the provider switches `model` off, by LiteLLM's price map; None if it names no date.

    Source: `deprecation_date` in litellm's model_prices_and_context_window_backup.json.
    """
    _, _, name = model.partition("/")
    row = price_map().get(model) or price_map().get(name) or {}
    try:
        return date.fromisoformat(str(row.get("deprecation_date")))
    except ValueError:
        return None


@cache
def price_map() -> dict[str, Any]:
    """LiteLLM's price map, read without importing litellm (seconds)."""
    spec = find_spec("litellm")
    if spec is None or not spec.origin:
        return {}
    path = Path(spec.origin).parent / "model_prices_and_context_window_backup.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
