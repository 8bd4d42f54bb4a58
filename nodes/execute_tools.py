"""execute_tools: answers one call; runs it if verdict and decision allow that (nodes/run_call.py).

One task per call (`Send`), rejected and denied ones included: they answer at once, so that a
single superstep writes all results in call order.
"""

import time
from dataclasses import replace
from typing import Any, TypedDict

from langgraph.runtime import Runtime

from core.history import Call, tool_message
from core.secrets.redaction import redacted
from core.state import Verdict
from core.text import encodable
from core.tool import AgentContext, RunSubagent, ToolResult
from nodes.hooks import result_hooks, with_context
from nodes.permitted import permitted_by, refusal_of
from nodes.result_size import bounded
from nodes.run_call import run_once
from nodes.step import Step
from nodes.tell_call import tell_call, tell_result


class Task(TypedDict):
    """What routing sends: the call as [id, name, arguments], its verdict, and the turn's name in
    the ledger, without its thread."""

    call: list[Any]
    verdict: Verdict | None
    turn: str


async def execute_tools(
    state: Task, runtime: Runtime[AgentContext], *, run_subagent: RunSubagent | None = None
) -> dict[str, Any]:
    step = await Step.of(runtime, run_subagent)
    call, verdict = Call(*state["call"]), state["verdict"]
    tell_call(step, call, verdict["effect"] if verdict else "read")
    began = time.monotonic()
    with step.services.call_span(call.id, call.name, call.args) as ended:
        if (refused := refusal_of(verdict)) is not None:
            result = replace(refused, text=encodable(redacted(refused.text)))
        elif step.services.stop.is_set():
            result = ToolResult("Not run: the turn was stopped.", ok=False, outcome="interrupted")
        else:
            permitted = permitted_by(call, verdict, step.context)
            result = await run_once(step, permitted, step.scope_of(step.thread + state["turn"]))
            result = await result_hooks(step, permitted.call, result)
        ended(result)
    result = with_context(result, verdict.get("hook_context", "") if verdict else "")
    text, truncated = await bounded(step, call, result)
    if truncated:
        result = replace(result, text=text)
    seconds = round(time.monotonic() - began, 3)
    tell_result(step, call, result, truncated=truncated, seconds=seconds)
    message = tool_message(call, result, step.services.clock(), seconds)
    plan = {} if result.plan is None else {"plan": result.plan}
    return {"messages": [message], **plan}
