"""execute_tools: answers one call; runs it if verdict and decision allow that (nodes/run_call.py).

One task per call (`Send`), rejected and denied ones included: they answer at once, so that a
single superstep writes all results in call order.
"""

import time
from dataclasses import replace
from typing import Any, TypedDict

from langgraph.runtime import Runtime

from core.events import ToolCall, ToolOutput, ToolState, ToolStateChange
from core.history import Call, tool_message
from core.run import Mode, Reach
from core.secrets.redaction import redacted
from core.state import Verdict
from core.text import encodable
from core.tool import AgentContext, RunSubagent, ToolResult
from nodes.run_call import Permitted, run_once
from nodes.step import Step

#: A result that goes to the model has at most so many characters...
RESULT_CHARACTERS = 30_000
#: ...and at most this share of the model's window, at four characters a token.
RESULT_SHARE = 0.1
#: Shorter results fit any window, so that no one has to ask how large it is.
SURELY_SHORT = 2_000


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
    effect = verdict["effect"] if verdict else "read"
    step.emit(ToolCall(id=call.id, tool=call.name, arguments=call.args, effect=effect))
    began = time.monotonic()
    refused = _refusal(verdict)
    if refused is not None:
        result = replace(refused, text=encodable(redacted(refused.text)))
    elif step.services.stop.is_set():
        result = ToolResult("Not run: the turn was stopped.", ok=False, outcome="interrupted")
    else:
        permitted = _permitted(call, verdict, step.context)
        result = await run_once(step, permitted, step.scope_of(step.thread + state["turn"]))
    text, truncated = await _bounded(step, call, result)
    result = replace(result, text=text)
    step.emit(ToolStateChange(id=call.id, tool=call.name, state=_state(result)))
    step.emit(
        ToolOutput(
            id=call.id,
            tool=call.name,
            ok=result.ok,
            text=text,
            truncated=truncated,
            seconds=round(time.monotonic() - began, 3),
        )
    )
    message = tool_message(call, result, step.services.clock())
    update: dict[str, Any] = {"messages": [message]}
    if result.plan is not None:
        update["plan"] = result.plan
    return update


def _refusal(verdict: Verdict | None) -> ToolResult | None:
    """The result of a call that does not run; None if it may."""
    if verdict is None:
        return ToolResult("Not run: no verdict was stored for it.", ok=False, outcome="failed")
    action, decision = verdict["action"], verdict.get("decision")
    if action == "invalid":
        return ToolResult(f"Not run: {verdict['reason']}", ok=False, outcome="failed")
    if action == "deny":
        said = f"Refused by policy ({verdict['rule']}): {verdict['reason']}"
        return ToolResult(said, ok=False, outcome="rejected")
    if action == "ask" and decision is None:
        return ToolResult("Not run: no one approved it.", ok=False, outcome="rejected")
    if decision and decision["type"] == "reject":
        words = decision.get("message", "")
        said = "The user rejected this call" + (f": {words}" if words else ".")
        return ToolResult(said, ok=False, outcome="rejected")
    if decision and decision["type"] == "respond":
        return ToolResult(decision.get("message", ""))
    return None


def _permitted(call: Call, verdict: Verdict | None, context: AgentContext) -> Permitted:
    """The call as it may run. What a user put in the place of the model's arguments was neither
    priced nor judged: they decided on it."""
    decision = verdict.get("decision") if verdict else None
    decided = call
    if decision and decision["type"] == "edit":
        decided = call._replace(args=decision["arguments"])
    judged: Verdict | None = verdict if decided == call else None
    return Permitted(
        decided,
        price=judged.get("price_micro_usd") if judged else None,
        sandbox=bool(verdict and verdict.get("sandbox")),
        places=(judged.get("places") if judged else None) or {},
        reach=_reach(decided, verdict, context.mode),
    )


def _reach(call: Call, verdict: Verdict | None, mode: Mode) -> Reach:
    """What a command may reach: as the verdict says, or as the user left the call in an edit. A
    verdict of an older version says nothing."""
    decision = verdict.get("decision") if verdict else None
    if decision and decision["type"] == "edit" and mode != "read-only":
        return "outside" if call.args.get("outside_sandbox") is True else "network"
    if verdict and "reach" in verdict:
        return verdict["reach"]
    if mode == "read-only":
        return "read-only"
    return "network" if decision or mode in ("auto", "yolo") else "offline"


async def _bounded(step: Step, call: Call, result: ToolResult) -> tuple[str, bool]:
    """(text within the bound, whether anything was left out); the full text goes to a file."""
    if len(result.text) <= SURELY_SHORT:
        return result.text, False
    models = step.services.models
    await models.ready(step.model)
    limit = min(RESULT_CHARACTERS, int(models.window(step.model) * RESULT_SHARE * 4))
    if len(result.text) <= limit:
        return result.text, False
    return await step.services.outputs.bounded(step.thread, call.id, result.text, limit), True


def _state(result: ToolResult) -> ToolState:
    return result.outcome
