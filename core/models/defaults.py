"""The default models: one for each credential, and how the router's is found.

Providers switch models off on a published date, so tests/core/models/test_choice.py fails 90
days before that date and `ml-agent doctor` warns 60 days before it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.dotenv import taken
from core.credentials import hub_token, variable

if TYPE_CHECKING:
    from core.models.served import Served


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
#: If the router's catalogue cannot be read. In November 2026, five providers serve it.
ROUTER = DefaultModel("HF_TOKEN", "hf/zai-org/GLM-5.3", "2026-11-28")
OPENAI = DefaultModel("OPENAI_API_KEY", "openai/gpt-6.1-sol", "2026-11-28")
GEMINI = DefaultModel("GEMINI_API_KEY", "gemini/gemini-3.8-flash", "2026-11-28")

#: In the order in which credentials are looked for.
DEFAULTS = (ANTHROPIC, ROUTER, OPENAI, GEMINI)

#: Families of open models that are made for tools, the best for their price first, without their
#: small and fast variants. Chosen on 2026-11-28; the version is found in the catalogue.
FAMILIES = (
    r"zai-org/GLM-[\d.]+",
    r"moonshotai/Kimi-K[\d.]+(-Code|-Instruct(-\d{4})?)?",
    r"deepseek-ai/DeepSeek-V[\d.]+(-Pro)?(-\d{4})?",
    r"Qwen/Qwen[\d.]+-(Max|[\d.]+T-A\d+B|Coder-\d{3}B-A\d+B-Instruct)",
    r"MiniMaxAI/MiniMax-M[\d.]+",
    r"openai/gpt-oss-120b",
)
#: Tokens of the smallest window that a day's work fits into.
LEAST_WINDOW = 100_000


def default_model() -> str:
    """The first row whose credential is there; "" if none is. A key of the folder's .env comes
    behind all of the user's own: it must not choose who gets the conversation."""
    own = [row for row in DEFAULTS if row.credential not in taken]
    for row in (*own, *DEFAULTS):
        has = hub_token() if row is ROUTER else variable(row.credential)
        if has:
            return row.model
    return ""


def best_listed(models: "Iterable[Served]") -> str:
    """The id of the router's default: of the first family with a model that the catalogue lists
    with tools and a window of 100,000 tokens, the newest version. "" if none is listed."""
    fit = [m.id for m in models if m.tools and (m.window or 0) >= LEAST_WINDOW]
    for family in FAMILIES:
        if versions := [name for name in fit if re.fullmatch(family, name)]:
            return f"hf/{max(versions, key=_version)}"
    return ""


def _version(name: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", name.partition("/")[2])]
