"""What a program drives: `Session` sends a message and yields events. Loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import core  # noqa: F401  sets what LangGraph must find when it is imported

if TYPE_CHECKING:
    from graph.options import RunOptions
    from graph.session import Session

__all__ = ["RunOptions", "Session"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "graph.session" if name == "Session" else "graph.options"
    return getattr(import_module(module), name)
