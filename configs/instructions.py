"""The texts a model is given, as they ship: byte-identical from request to request."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def system_prompt() -> str:
    """The system prompt (configs/system_prompt.md)."""
    return _read("system_prompt.md")


@cache
def compaction_prompt() -> str:
    """What the model is asked for when the history is summarised."""
    return _read("compaction_prompt.md")


def _read(name: str) -> str:
    return files("configs").joinpath(name).read_text(encoding="utf-8").strip()
