"""Numbers, bytes, durations and money as people read them."""

import re

from core.errors import ToolError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def short(number: int | float | None) -> str:
    """1234567 → 1.2M; nothing for None."""
    if number is None:
        return ""
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return f"{number:g}"


def size(count: int | None) -> str:
    """Bytes as people read them."""
    if count is None:
        return ""
    return f"{count} B" if count < 1000 else f"{short(count)}B"


def seconds_of(text: str) -> int:
    """`90m`, `2h`, `1.5h`, `1d`, or seconds. Raises ToolError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    seconds = int(float(found[1]) * UNITS[found[2] or "s"]) if found else 0
    if seconds <= 0:
        raise ToolError(f"timeout: {text!r} is not a duration; write 30m, 4h or 1d")
    return seconds


def duration(seconds: float | None) -> str:
    """90 → `1 min 30 s`."""
    if seconds is None:
        return "unknown"
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    parts.append(f"{rest} s" if rest and not hours else "")
    return " ".join(part for part in parts if part) or "0 s"


def dollars(micro_usd: float) -> str:
    """`$0.20`; four digits below a cent, so that no price reads as nothing."""
    return f"${micro_usd / 1e6:.{2 if micro_usd >= 10_000 or not micro_usd else 4}f}"


def exact_dollars(micro_usd: float) -> str:
    """`$0.0003`, what something came to."""
    return f"${micro_usd / 1e6:.4f}"
