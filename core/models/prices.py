"""LiteLLM's price list, read without LiteLLM: what an answer costs, when a model ends."""

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Days before the switch-off at which `doctor` warns.
WARN_DAYS = 60

_TIER = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")


def list_cost(row: Mapping[str, Any], usage: Mapping[str, Any]) -> int | None:
    """Micro-USD of `usage` (LangChain's shape) by a row of the list; None if it has no price."""
    if row.get("input_cost_per_token") is None:
        return None
    given, answered = int(usage["input_tokens"]), int(usage["output_tokens"])
    read: int = usage.get("input_token_details", {}).get("cache_read", 0) or 0
    written: int = usage.get("input_token_details", {}).get("cache_creation", 0) or 0
    tier = _tier(row, given)
    price = _price(row, "input_cost_per_token", tier)
    cost = (given - read - written) * price
    cost += read * _price(row, "cache_read_input_token_cost", tier, price)
    cost += written * _price(row, "cache_creation_input_token_cost", tier, price)
    cost += answered * _price(row, "output_cost_per_token", tier)
    return round(cost * 1e6)


def _tier(row: Mapping[str, Any], given: int) -> str:
    """The suffix of the prices that hold for a request of so many tokens; "" for the usual ones."""
    sizes = [int(found[1]) for name in row if (found := _TIER.fullmatch(name))]
    reached = [size for size in sizes if given > size * 1000]
    return f"_above_{max(reached)}k_tokens" if reached else ""


def _price(row: Mapping[str, Any], name: str, tier: str, otherwise: float = 0.0) -> float:
    found = row.get(name + tier)
    found = row.get(name) if found is None else found
    return otherwise if found is None else float(found)


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
