"""The words that all folders share, and what is durable. A tool needs the names offered here;
they load on first use, since a list of sessions must not wait for LangChain."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.effects import Effect
    from core.errors import ToolError
    from core.tool import AgentTool, ToolContext, ToolResult

__all__ = ["AgentTool", "Effect", "ToolContext", "ToolError", "ToolResult"]

# For savers that others bring (a program of your own, `langgraph dev`): LangGraph reads this when
# it is imported, and then builds only types that it knows. Our own savers are stricter:
# core/store/checkpoints/serializer.py.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"Effect": "core.effects", "ToolError": "core.errors"}.get(name, "core.tool")
    return getattr(import_module(module), name)
