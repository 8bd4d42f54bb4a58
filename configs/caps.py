"""Caps of a folder that is not trusted: they lower what holds otherwise, and never raise it."""

from collections.abc import Iterable
from typing import Any

from configs.settings import HEADLESS_CAP, Settings, stricter


def looser_than(settings: Settings, keys: Iterable[str], caps: Settings) -> list[str]:
    """Those of `keys` by which `caps` would loosen what `settings` say, or the default that holds
    where they say nothing: the chat asks, and a headless turn has a cap."""
    found = []
    for key in keys:
        now, then = _value(settings, key), _value(caps, key)
        if key == "mode":
            looser = stricter(now or "ask", then) != then
        elif key == "budget.turn":
            looser = then > (HEADLESS_CAP if now is None else now)
        else:
            looser = now is not None and then > now
        if looser:
            found.append(key)
    return found


def with_caps(settings: Settings, caps: Settings, keys: Iterable[str]) -> Settings:
    """`settings` with `keys` of `caps`, which lower them; later choices cannot raise mode and
    iterations over them."""
    budget = {k.partition(".")[2]: _value(caps, k) for k in keys if k.startswith("budget.")}
    changed: dict[str, Any] = {k: _value(caps, k) for k in keys if not k.startswith("budget.")}
    if budget:
        changed["budget"] = settings.budget.model_copy(update=budget)
    found = settings.model_copy(update=changed)
    found.keep_below(mode=changed.get("mode", ""), max_iterations=changed.get("max_iterations"))
    return found


def _value(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value
