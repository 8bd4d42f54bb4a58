"""A call's failure, whatever its tool raised, as its result."""

from collections.abc import Awaitable

from langgraph.errors import GraphBubbleUp

from core.errors import AgentError, StoreError, ToolError
from core.tool import ToolResult
from nodes.interrupt import Stopped


async def caught(work: Awaitable[ToolResult]) -> ToolResult:
    try:
        return await work
    except Stopped:
        return ToolResult("Interrupted by the user.", ok=False, outcome="interrupted")
    except (GraphBubbleUp, StoreError):
        # An interrupt of a graph inside; or no journal, and without it no effect is safe.
        raise
    except ToolError as error:
        return ToolResult(error.message, ok=False, outcome="failed")
    except AgentError as error:
        return ToolResult(f"{error.message} ({error.hint})", ok=False, outcome="failed")
    except Exception as error:  # a tool's boundary: its bug is this call's failure
        said = f"{type(error).__name__}: {error}"
        return ToolResult(f"The tool failed: {said}", ok=False, outcome="failed")
