"""Runs one call, once.

The journal has `started` before the effect and the result after it; on re-entry a finished call
answers from there. Whatever a tool raises is this call's result: an exception that left the node
would cancel its siblings.
"""

from dataclasses import replace
from typing import Any

from core.backend import Spending
from core.durable import Scope
from core.events import Event, ToolLog, ToolStateChange
from core.secrets.redaction import redacted
from core.text import encodable
from core.tool import AgentTool, ToolContext, ToolResult
from nodes.call_failures import caught
from nodes.carry_out import CUT_OFF, Begun, carry_out
from nodes.circumstances import with_frozen
from nodes.paid_call import run_in_backend, run_paid
from nodes.permitted import Permitted
from nodes.step import Step
from nodes.validate import validated


async def run_once(step: Step, permitted: Permitted, scope: Scope) -> ToolResult:
    """`scope`: what its charges count toward."""
    call, services = permitted.call, step.services
    try:
        tool, arguments = validated(call, services.tools)
    except ValueError as error:
        row = await services.journal.row(step.thread, call.id)
        if call.name not in services.tools and row is not None and row.note is not None:
            return ToolResult(CUT_OFF, ok=False, outcome="unknown")  # its server is gone
        return ToolResult(f"Not run: {error}", ok=False, outcome="failed")
    ctx = _context(await with_frozen(step, tool), permitted, tool, scope)
    # A row of a sub-agent's would look like a cut-off call when its task is entered again.
    inner = tool.runs_subagents(arguments)
    row = None if inner else await services.journal.begin(step.thread, call.id, call.name)
    if row is not None and row.state == "done" and row.result is not None:
        return ToolResult.from_dict(row.result)
    step.emit(ToolStateChange(id=call.id, tool=call.name, state="running"))
    begun = Begun(tool, arguments, ctx, row)
    if tool.effect(arguments, ctx.cwd).kind == "spend":
        work = run_paid(begun, permitted.price, scope, step.caps)
    elif tool.in_backend:
        work = run_in_backend(begun, Spending(scope, step.caps, permitted.sandbox))
    else:
        work = carry_out(begun)
    result = await caught(work if inner else step.race(work))
    if (text := encodable(redacted(result.text))) != result.text:
        result = replace(result, text=text)
    if not inner:
        await services.journal.finish(step.thread, call.id, result.to_dict())
    return result


def _context(step: Step, permitted: Permitted, tool: AgentTool, scope: Scope) -> ToolContext:
    call, services = permitted.call, step.services

    async def note(evidence: dict[str, Any]) -> None:
        await services.journal.note(step.thread, call.id, evidence)

    def emit(event: Event) -> None:
        """A line of a running call goes out without secrets."""
        if isinstance(event, ToolLog) and (text := redacted(event.text)) != event.text:
            event = replace(event, text=text)
        step.emit(event)

    return ToolContext(
        call_id=call.id,
        tool=call.name,
        thread=step.thread,
        cwd=services.backend.folder(step.cwd) if tool.in_backend else step.cwd,
        services=services,
        emit=emit,
        note=note,
        model=step.model,
        context=step.context,
        scope=scope,
        places=permitted.places,
        reach=permitted.reach,
        run_subagent=step.run_subagent,
    )
