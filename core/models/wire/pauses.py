"""How long a provider asks to wait, and whether waiting helps at all."""

import re
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from core.models.wire.bodies import codes, sentences, texts

#: Units of durations such as 1m30s, 6m0s, 20ms.
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WORDS = re.compile(
    r"(?:try again|retry|wait|available again|reset)\w*(?: \w+){0,3}? (?:in|after|for)? ?"
    r"(?:((?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)\b|(\d+(?:\.\d+)?) ?(milli|sec|min|hour))",
    re.IGNORECASE,
)
_SPENT_CODES = {
    "insufficient_quota", "billing_hard_limit_reached", "exceeded_current_quota_error",
    "insufficient_balance", "credit_balance_too_low", "billing_error", "1113", "payment_required",
    "usage_limit_reached", "balance_not_enough",
}  # fmt: skip
_SPENT = re.compile(
    r"exceeded your (?:current|monthly) (?:quota|included credits|credits)|insufficient (?:balance|"
    r"credits?|funds|quota)|credit balance is too low|used all (?:available|of your) credits|"
    r"(?:monthly|daily|spending|usage) (?:spend(?:ing)? )?limit (?:has been )?(?:reached|exceeded)"
    r"|run out of (?:credits|tokens)|out of credits|requires? (?:more|at least .{0,20}) credits|"
    r"billing (?:hard )?limit|recharge|top up|check your plan and billing|arrears",
    re.IGNORECASE,
)


def is_spent(status: int | None, body: Any) -> bool:
    """Whether a quota or the money is used up, so that asking again cannot help."""
    if status not in (400, 402, 403, 429, None):
        return False
    if status == 402:
        return True
    if any("PerDay" in text for text in texts(body, "quotaId")):
        return True
    if texts(body, "retryDelay") or _WORDS.search(sentences(body)):
        return False  # it says when to ask again
    if status is not None and codes(body) & _SPENT_CODES:
        return True
    return status is not None and _SPENT.search(sentences(body)) is not None


def pause_in(headers: Mapping[str, str], body: Any, now: float | None = None) -> float | None:
    """Seconds that the provider asks to wait; None if it does not say. `now`: epoch seconds."""
    now = time.time() if now is None else now
    headers = {name.lower(): value for name, value in headers.items()}
    for found in (
        _number(headers.get("retry-after-ms"), 0.001),
        _number(headers.get("retry-after"), 1.0),
        _date(headers.get("retry-after"), now),
        next((_duration(text) for text in texts(body, "retryDelay")), None),
        _words(sentences(body)),
        _reset(headers, now),
    ):
        if found is not None:
            return found
    return None


def _number(value: str | None, unit: float) -> float | None:
    try:
        seconds = float(value or "") * unit
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _date(value: str | None, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(value or "").timestamp() - now)
    except ValueError:
        return None


def _duration(text: str | None) -> float | None:
    text = (text or "").strip()
    parts = _PART.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _words(text: str) -> float | None:
    found = _WORDS.search(text)
    if not found:
        return None
    if found[1]:
        return _duration(found[1].lower())
    key = "ms" if found[3].lower() == "milli" else found[3][0].lower()
    return float(found[2]) * _UNITS[key]


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """Until the limit that is used up is there again: the latest of those that are."""
    waits = []
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        left = headers.get(name.replace("reset", "remaining"))
        if left is not None and _number(left, 1.0) not in (0.0, None):
            continue
        wait = _until(value, now)
        if wait is not None:
            waits.append(wait)
    return max(waits, default=None)


def _until(value: str, now: float) -> float | None:
    """Seconds from a duration (40s), a number of seconds, a time in epoch s or ms, or a date."""
    seconds = _duration(value)
    if seconds is not None:
        return seconds
    number = _number(value, 1.0)
    if number is not None:
        if number > 1e11:
            return max(0.0, number / 1000 - now)
        return max(0.0, number - now) if number > 1e8 else number
    try:
        return max(0.0, datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() - now)
    except ValueError:
        return None
