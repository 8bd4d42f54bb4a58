"""A thread as a line and as an object: what every command that names threads prints."""

import time
from typing import Any

from configs.visible import inline


def line_of(row: Any, status: str) -> str:
    """Id, time, status, turns, title."""
    age = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.updated))
    return f"{row.id}  {age}  {status:<11} {row.turns:>3} turns  {inline(row.title)}"


def plain(row: Any, status: str) -> dict[str, Any]:
    """The row without its caps."""
    keys = ("id", "cwd", "host", "title", "model", "mode", "turns", "created", "updated")
    return {**{k: getattr(row, k) for k in keys}, "status": status}


def size(count: int) -> str:
    """Bytes, in words."""
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"
