"""How much a model reasons: the levels that each model takes, and the one that is sent.

Sources: LiteLLM's price map (`reasoning_effort_levels`, `supports_*_reasoning_effort`,
`default_reasoning_effort`, `thinking_always_on`); for DeepSeek its page "Thinking Mode", for
OpenRouter `ChatRequestEffort`, for Ollama `think` of its API. The map has no levels for most
models: those are unknown, every level is tried, and a refused one is left out of the next request.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from configs.settings import EFFORTS

#: Asks for reasoning from a model that reasons only when asked, and leaves the others alone.
AUTO = "auto"


def offered(
    provider: str, model: str, row: Mapping[str, Any], capabilities: Sequence[str] | None = None
) -> tuple[str, ...] | None:
    """The levels that a model takes, the least first; () if it does not reason; None: unknown.

    Args:
        provider: LiteLLM's prefix. row: the model's row of LiteLLM's map; {} without one.
        capabilities: what Ollama lists for the model; None if it was not asked or lists none.
    """
    if provider.startswith("ollama"):
        if capabilities is not None and "thinking" not in capabilities:
            return ()
        return ("low", "medium", "high") if "gpt-oss" in model else ("none", "high")
    if row and not row.get("supports_reasoning"):
        return ()
    if declared := row.get("reasoning_effort_levels"):
        return tuple(level for level in EFFORTS if level in declared)
    if provider == "openrouter":
        return EFFORTS  # it sends the nearest that the model takes
    if provider == "deepseek":
        return ("none", "high", "max")
    return _flagged(model, row)


def _flagged(model: str, row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The levels by the flags of the map, which has one for each that is not common."""
    flags = {level: row.get(f"supports_{level}_reasoning_effort") for level in EFFORTS}
    if "claude" in model and row:
        is_adaptive = bool(row.get("supports_adaptive_thinking"))
        flags |= {"minimal": not is_adaptive, "none": not row.get("thinking_always_on")}
    elif row.get("litellm_provider") != "openai" and not any(flags.values()):
        return None
    common = {"low": flags["low"] is not False, "medium": True, "high": True}
    return tuple(level for level in EFFORTS if common.get(level, flags[level]))


def sent(
    wanted: str, provider: str, model: str, row: Mapping[str, Any], levels: Sequence[str] | None
) -> str:
    """The level that is sent for the level `wanted`: itself if the model takes it, else the next
    higher one, else the highest. "" if none is sent."""
    if wanted == AUTO:
        wanted = _if_only_asked(provider, model, row)
    if levels is None or wanted in levels or wanted not in EFFORTS:
        return wanted
    above = [level for level in levels if EFFORTS.index(level) >= EFFORTS.index(wanted)]
    return next(iter(above or levels[-1:]), "")


def named_in(said: str, refused: str) -> tuple[str, ...]:
    """The levels that a refusal of the level `refused` says are taken; () if it names none."""
    quoted = set(re.findall(r"[\"'`](\w+)[\"'`]", said))
    return tuple(level for level in EFFORTS if level in quoted and level != refused)


def _if_only_asked(provider: str, model: str, row: Mapping[str, Any]) -> str:
    """The level for a model that reasons only when asked; "" if it reasons anyway or never."""
    if not row.get("supports_reasoning"):
        return ""
    if "claude" in model and row.get("thinking_always_on"):
        return ""
    if "claude" in model:
        # Anthropic's own level of adaptive thinking; else the middle one of the budgets.
        return "high" if row.get("supports_adaptive_thinking") else "medium"
    if row.get("default_reasoning_effort") == "none" or provider == "openrouter":
        return "medium"
    if "gemini-2.5-flash-lite" in model:
        return "medium"  # the one Gemini that does not think by itself
    # Mistral's switch: without it, these models answer at once.
    return "high" if row.get("reasoning_effort_levels") == ["none", "high"] else ""
