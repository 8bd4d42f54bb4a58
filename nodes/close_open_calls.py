"""mend: a server lets a new message go over unfinished work; what was left open is closed first.

`Session` closes a turn before it sends a message on (`nodes/opening.py`, `settle`), so nothing of
the command line's comes here.
"""

from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from core.history import tool_message, unanswered, with_results
from core.state import AgentState
from core.tool import AgentContext
from nodes.opening import ended, known_result
from nodes.services import cwd_of, services_of


async def mend(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """Answer every open call with what the journal knows of it, in its place."""
    services = await services_of(runtime)
    cwd = await cwd_of(runtime.context)
    info = runtime.execution_info
    thread = info.thread_id or "" if info else ""
    results = {
        call.id: tool_message(
            call, await known_result(call, thread, cwd, services), services.clock()
        )
        for call in unanswered(state["messages"])
    }
    return {
        "messages": Overwrite(with_results(state["messages"], results)),
        "turn": ended(state.get("turn", {}), "interrupted", reason="cut off"),
    }
