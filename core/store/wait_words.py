"""What a thread waits for, in words. Light: a list of sessions shows it, too."""

from datetime import datetime
from typing import Any

from core.durable import WaitRow
from core.secrets.redaction import redacted
from core.units import duration


def in_words(condition: dict[str, Any]) -> str:
    """What is waited for, in a few words; no secrets. `condition`: as tools/wait stores it."""
    kind, matches = condition["kind"], condition.get("matches")
    if kind == "at":
        return clock_time(condition["at"])
    if kind == "command":
        return redacted(f"`{' '.join(condition['command'].split())[:80]}` to succeed")
    what = "job" if kind == "job" else "command"
    also = f", or a line that fits {matches!r}" if matches else ""
    return redacted(f"the end of {what} {condition['id']}{also}")


def wait_of(row: WaitRow) -> dict[str, Any]:
    """{call, reasons, since, until, note}: a wait as programs read it; times in epoch seconds."""
    return {
        "call": row.call_id,
        "reasons": [in_words(one) for one in row.conditions],
        "since": row.made,
        "until": row.until,
        "note": row.note,
    }


def wait_line(wait: dict[str, Any]) -> str:
    """The same in one line."""
    reasons = " or ".join(wait["reasons"])
    end = f", at most until {clock_time(wait['until'])}" if wait["until"] else ""
    return f"waits for {reasons} (since {clock_time(wait['since'])}{end})"


def clock_time(at: float) -> str:
    """Epoch seconds as this machine's clock shows them."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def waited(seconds: float) -> str:
    """How long a wait took."""
    return f"[waited {duration(max(seconds, 0))}]"
