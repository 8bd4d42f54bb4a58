"""mend: a server lets a new message go over unfinished work; what was left open is closed first.

`Session` closes a turn before it sends a message on (`Thread.settle`), so nothing of the command
line's comes here.
"""

from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from core.history import Call, tool_message, unanswered, with_results
from core.secrets.redaction import redacted
from core.state import AgentState
from core.tool import AgentContext, NotBegun, ToolResult
from nodes.opening import ended
from nodes.step import Step

#: Of a call that was cut off with evidence left, and cannot be looked up.
UNKNOWN = (
    "The session was cut off while this ran; its outcome is unknown. Inspect before repeating it."
)


async def mend(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """Answer every open call with what the journal knows of it, in its place."""
    step = await Step.of(runtime)
    results = {
        call.id: tool_message(call, await known_result(call, step), step.services.clock())
        for call in unanswered(state["messages"])
    }
    return {
        "messages": Overwrite(with_results(state["messages"], results)),
        "turn": ended(state.get("turn", {}), "interrupted", reason="cut off"),
    }


async def known_result(call: Call, step: Step) -> ToolResult:
    """What can be said of a call now, without running or waiting for anything; no secrets."""
    found = await _found(call, step)
    return replace(found, text=redacted(found.text))


async def _found(call: Call, step: Step) -> ToolResult:
    row = await step.services.journal.row(step.thread, call.id)
    if row is not None and row.result is not None:
        return ToolResult.from_dict(row.result)
    # Without evidence its effect had not begun.
    not_run = ToolResult("Not run: the turn was left before.", ok=False, outcome="interrupted")
    tool = step.services.tools.get(call.name)
    if tool is not None and tool.is_subagent:
        said = "Cut off before its report: the turn was left."
        return ToolResult(said, ok=False, outcome="interrupted")
    if row is None or row.note is None:
        return not_run
    if tool is None:
        return ToolResult(UNKNOWN, ok=False, outcome="unknown")  # its server is gone
    try:
        arguments = tool.args_schema.model_validate(call.args)
        ctx = step.looking(call.id, call.name, wait=False)
        found = await tool.recover(arguments, ctx, row.note)
    except NotBegun:
        return not_run
    except ValueError:
        found = None  # the user had edited the arguments: its own can no longer be read
    return found or ToolResult(UNKNOWN, ok=False, outcome="unknown")
