"""What a job costs: the flavor's price, asked of the Hub at the time, times its time limit."""

import difflib
import math
import re
from dataclasses import dataclass
from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PER_MINUTE = {"second": 60.0, "minute": 1.0, "hour": 1 / 60}


@dataclass(frozen=True)
class Flavor:
    """Hardware of a job. per_minute: micro-USD."""

    name: str
    described: str
    per_minute: float

    @property
    def hourly(self) -> float:
        """USD per hour."""
        return self.per_minute * 60 / 1e6

    def price(self, seconds: float) -> int:
        """Micro-USD for so many seconds, rounded up."""
        return math.ceil(self.per_minute * seconds / 60)


def seconds_of(text: str) -> int:
    """`90m`, `2h`, `1.5h`, `1d`, or seconds. Raises ToolError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    seconds = int(float(found[1]) * UNITS[found[2] or "s"]) if found else 0
    if seconds <= 0:
        raise ToolError(f"timeout: {text!r} is no duration; write 30m, 4h or 1d")
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


async def flavors(hub: Hub) -> list[Flavor]:
    """All there are, the cheapest first. Raises ToolError."""
    found = [_flavor(one) for one in await hub.ask(lambda api: api.list_jobs_hardware())]
    return sorted(found, key=lambda flavor: flavor.per_minute)


async def flavor_of(name: str, hub: Hub) -> Flavor:
    """Raises ToolError with the names that are near where there is none of this name."""
    known = {flavor.name: flavor for flavor in await flavors(hub)}
    if name not in known:
        near = difflib.get_close_matches(name, known, 3, 0.5) or list(known)[:8]
        raise ToolError(f"flavor: there is no {name!r}; there are {', '.join(near)}, ...")
    return known[name]


def _flavor(one: Any) -> Flavor:
    gpu = one.accelerator
    parts = [one.pretty_name, one.cpu, f"{one.ram} RAM"]
    if gpu is not None:
        parts.append(f"{gpu.quantity}× {gpu.model} {gpu.vram}")
    cost = one.unit_cost_micro_usd * _PER_MINUTE.get(one.unit_label, 1.0)
    return Flavor(one.name, ", ".join(str(part) for part in parts if part), float(cost))
