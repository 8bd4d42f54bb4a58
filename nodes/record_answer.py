"""Stores an answer: its message with ids of ours, a verdict on each call, the turn after it."""

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage

from core.events import AssistantMessage, AssistantStreamEnd, ToolCall, ToolLog, ToolStateChange
from core.history import Call, calls_of
from core.model import Answer, BadCall
from core.policy.decide import Situation
from core.policy.hosts import Known
from core.policy.rules import rules_of
from core.quick import quickly
from core.secrets.redaction import keep_known
from core.state import OURS, AgentState, Turn, Verdict
from nodes.addresses import known_addresses
from nodes.budget import charged
from nodes.judge_calls import Circumstances, judge
from nodes.loop_guard import find_loop
from nodes.opening import new_call_id, new_message_id
from nodes.price_calls import price_calls, quote_workspace
from nodes.step import Step
from nodes.turn_end import after_answer, without


async def record_answer(
    state: AgentState,
    step: Step,
    new: list[HumanMessage],
    turn: Turn,
    answer: Answer,
    left: int | None,
) -> dict[str, Any]:
    """The update that stores an answer with its verdicts, and the events that tell of it. `new`:
    messages before it that the state does not have yet. `left`: micro-USD under the caps."""
    message, bad_calls = _with_our_ids(answer, step.services.clock())
    calls = calls_of(message)
    keep_known([*(m.text for m in (*state.get("messages", [])[-1:], *new, message))])
    keep_known([call.args for call in calls])
    before = [*state.get("messages", []), *new]
    about = await _circumstances(state, step, new, calls, left)
    verdicts = await quickly(judge, calls, bad_calls, about)
    turn = _booked(turn, answer)
    if any(call.name == "plan" for call in calls):
        turn["planned"] = True
    turn, told = after_answer(turn, answer, state.get("plan", []))
    if told is not None:
        cut = answer.finish_reason == "length"
        why = "cut off at the token limit" if cut else answer.problem or "the plan has open items"
        step.emit(ToolLog(id="", tool="model", text=f"{why}: asked to continue"))
    _tell(step, answer, calls, verdicts)
    said = [*new, message, *([told] if told else [])]
    update: dict[str, Any] = {"messages": said, "turn": turn, "verdicts": verdicts}
    guard = state.get("loop_guard", {})
    if "streak" in guard and not find_loop([*before, message], verdicts):
        # The streak is over; how many there were is remembered.
        update["loop_guard"] = {k: v for k, v in guard.items() if k in ("total", "turn")}
    return update


async def _circumstances(
    state: AgentState, step: Step, new: list[HumanMessage], calls: list[Call], left: int | None
) -> Circumstances:
    services, context = step.services, step.context
    rules = rules_of(
        services.settings.permissions,
        allow=context.allow,
        deny=context.deny,
        granted=state.get("granted", []),
        folder=await services.grants.of(step.cwd),
    )
    inside = services.inside is not None

    def addresses() -> Known:
        messages = [*state.get("messages", []), *new]
        return known_addresses(messages, services.settings.web_hosts, inside=inside)

    return Circumstances(
        services.tools,
        Situation(context.mode, step.cwd, rules, str(services.settings.state_path())),
        interactive=context.interactive,
        inside=inside,
        left=left,
        prices={} if inside else await price_calls(calls, step),
        folder=services.backend.folder(step.cwd),
        quote=await quote_workspace(calls, step),
        addresses=addresses,
    )


def _tell(step: Step, answer: Answer, calls: list[Call], verdicts: dict[str, Verdict]) -> None:
    step.emit(AssistantStreamEnd(finish_reason=answer.finish_reason))
    if answer.message.text:
        step.emit(AssistantMessage(text=answer.message.text))
    for call in calls:
        effect = verdicts[call.id]["effect"]
        step.emit(ToolCall(id=call.id, tool=call.name, arguments=call.args, effect=effect))
        step.emit(ToolStateChange(id=call.id, tool=call.name, state="pending"))


def _with_our_ids(answer: Answer, now: float) -> tuple[AIMessage, list[BadCall]]:
    """The message with ids of ours, which are unique where a provider's are not, and the time."""
    message = answer.message
    ours = [new_call_id() for _ in message.tool_calls]
    calls = [{**c, "id": new} for c, new in zip(message.tool_calls, ours, strict=True)]
    reasons = {b.call_id: b.reason for b in answer.bad_calls}
    bad = [
        BadCall(new, reasons[c["id"] or ""])
        for c, new in zip(message.tool_calls, ours, strict=True)
        if (c["id"] or "") in reasons
    ]
    extras = {**message.additional_kwargs, OURS: {"at": now}}
    update = {"id": new_message_id(), "tool_calls": calls, "additional_kwargs": extras}
    return message.model_copy(update=update), bad


def _booked(turn: Turn, answer: Answer) -> Turn:
    """`turn` with the answer's tokens and price added, and one more iteration."""
    spent = dict(turn["usage"])
    used = answer.message.usage_metadata
    if used:
        details_in = used.get("input_token_details", {})
        details_out = used.get("output_token_details", {})
        spent["input"] += used["input_tokens"]
        spent["output"] += used["output_tokens"]
        spent["cached"] += details_in.get("cache_read", 0) or 0
        spent["reasoning"] += details_out.get("reasoning", 0) or 0
    more = turn["iterations"] + 1
    booked: Turn = {**without(turn, "refused"), "iterations": more, "usage": spent}
    return charged(booked, answer.cost_micro_usd)
