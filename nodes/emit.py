"""How the nodes of a run tell events."""

from collections.abc import Callable
from typing import Any

from langgraph.runtime import Runtime

from core.events import Emit
from core.tool import AgentContext


def emit_of(runtime: Runtime[AgentContext]) -> Emit:
    """What sends an event to the run's session; without one, into LangGraph's stream."""
    services, info = runtime.context.services, runtime.execution_info
    if services is not None and services.tell is not None:
        return services.tell
    return emitter(runtime.stream_writer, info.thread_id or "" if info else "")


def emitter(write: Callable[[Any], None], thread: str = "") -> Emit:
    """An `Emit` over LangGraph's stream writer. What is written is a plain dict, since
    LangGraph Server sends it on as JSON; only a session stamps turn and number on it, too."""
    return lambda event: write({**event.to_dict(), "thread": thread})
