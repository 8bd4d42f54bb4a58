"""call_model: opens a turn when input waits, asks the model, writes answer and verdicts.

It owns the limits, and what to do with an answer that is cut, empty or malformed. A failure
of the model is raised, not stored: the step stays open and a resume asks again.
"""

import asyncio
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from core.errors import ContextTooLong, LimitReached, ModelError
from core.events import (
    AssistantMessage,
    AssistantStreamEnd,
    Emit,
    Error,
    ToolCall,
    ToolLog,
    ToolStateChange,
    emitter,
)
from core.history import calls_of, results_of, was_interrupted
from core.model import Answer, BadCall
from core.policy.decide import Situation
from core.policy.rules import rules_of
from core.secrets.redaction import keep_known
from core.state import OURS, AgentState, Turn, reduce_messages
from core.store.noted import is_first_time
from core.tool import AgentContext, Services
from nodes.addresses import known_addresses
from nodes.ask_model import Partial, ask
from nodes.budget import book, caps_of, charged, estimate, key_of, nothing_left, scope_of
from nodes.interrupt import Stopped, race
from nodes.job_notices import ended_jobs
from nodes.judge_calls import judge
from nodes.limits import (
    check_room,
    closing_words,
    limit_reached,
    model_of,
    over_threshold,
    prompt_of,
)
from nodes.loop_guard import find_loop
from nodes.opening import ended, new_call_id, new_message_id, take_input
from nodes.price_calls import foreseen, quoted
from nodes.services import cwd_of, services_of
from nodes.turn_end import after_answer, without

HOW = "If it is larger or smaller, set it: ML_AGENT_CONTEXT_WINDOW=TOKENS, or context_window"
#: Refusals in a row of a history that is too long; each makes the next one shorter.
MAX_REFUSED = 3


async def call_model(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    services = await services_of(runtime)
    context = runtime.context
    info = runtime.execution_info
    thread = info.thread_id or "" if info else ""
    cwd = await cwd_of(context)
    emit = emitter(runtime.stream_writer)
    messages = state.get("messages", [])
    turn = state.get("turn", {})

    # What the checkpoint holds now, the journal need not hold twice.
    await services.journal.drop_results(thread, list(results_of(messages)))
    # A resume after the stop goes on: the model reads that its calls were interrupted.
    stopped = services.stop.is_set() and was_interrupted(messages)
    if turn.get("status") == "running" and stopped:
        return {"turn": _stopped(turn, services)}
    new, turn = await take_input(state, services, thread, cwd)
    if turn.get("status") != "running":
        return {"turn": turn}
    over, told = await _jobs(services, thread, cwd, state.get("told", []), emit)
    new = [*new, *over]
    update: dict[str, Any] = {"messages": new, "turn": turn, **told}
    if services.stop.is_set():
        return {**update, "turn": _stopped(turn, services)}
    reason = limit_reached(turn, context)
    if reason:
        return {**update, "turn": ended(turn, "limit", error=LimitReached(reason))}

    new += closing_words(turn, context, services, messages)
    update["messages"] = new
    request: list[BaseMessage] = [SystemMessage(prompt_of(services))]
    request += reduce_messages(messages, [new])
    model = model_of(turn, context, services)
    try:
        # Loading the client takes seconds once: nobody has to wait for that to stop.
        await race(services.models.ready(model), services.stop)
    except Stopped:
        return {**update, "turn": _stopped(turn, services)}
    scope = scope_of(runtime, key_of(thread, turn), services.clock())
    caps = caps_of(context, services.settings)
    reason = await nothing_left(services, model, scope, caps)
    if reason:
        return {**update, "turn": ended(turn, "limit", error=LimitReached(reason))}
    if turn["iterations"] == 0:
        check_room(services, model)
    if turn["number"] == 1 and turn["iterations"] == 0:
        await _warn_of_window(services, model, emit)
    if over_threshold(request, turn, services, model):
        return {**update, "turn": {**turn, "compact": "threshold"}}
    partial = Partial(emit)
    try:
        asked = ask(services, context, model, request, partial)
        answer, answered_by = await race(asked, services.stop)
    except Stopped:
        emit(AssistantStreamEnd(finish_reason="interrupted"))
        shown = partial.message()
        tokens = services.models.count_tokens(request, list(services.tools.values()))
        cost = estimate(services, model, tokens, shown[0].text if shown else "")
        await book(services, cost, scope)
        turn = _stopped(charged(turn, cost), services)
        return {**update, "messages": [*new, *shown], "turn": turn}
    except ContextTooLong:
        refused = turn.get("refused", 0) + 1
        if refused > MAX_REFUSED:
            raise
        return {**update, "turn": {**turn, "compact": "too long", "refused": refused}}
    except ModelError as error:
        if context.services is None:
            # A server tells its client only that something failed.
            emit(Error(kind=error.kind, message=error.message, hint=error.hint))
        raise
    if answered_by != model:
        turn = {**turn, "model": answered_by}
    await book(services, answer.cost_micro_usd, scope)
    left = await services.ledger.left(scope, caps)
    record = await _record(state, new, turn, answer, services, context, thread, cwd, emit, left)
    return {**record, **told}


async def _jobs(
    services: Services, thread: str, cwd: str, known: list[str], emit: Emit
) -> tuple[list[HumanMessage], dict[str, Any]]:
    """(words on each job that has ended by itself, the update that remembers them)."""
    if "hf_jobs" not in services.tools:
        return [], {}
    try:
        work = ended_jobs(services, thread, known, emit)
        messages, told = await race(work, services.stop)
    except Stopped:
        return [], {}
    return messages, {"told": told} if told != known else {}


async def _warn_of_window(services: Services, model: str, emit: Emit) -> None:
    """Never a silent guess: what is taken for the window decides when the history is cut. Said
    once per model."""
    if services.models.window_is_known(model):
        return
    state = services.settings.state_path()
    if not await asyncio.to_thread(is_first_time, state, f"the window of {model}"):
        return
    said = f"the context window of {model} is not known, {services.models.window(model):,} tokens"
    emit(ToolLog(id="", tool="model", text=f"{said} are assumed. {HOW}"))


async def _record(
    state: AgentState,
    new: list[HumanMessage],
    turn: Turn,
    answer: Answer,
    services: Services,
    context: AgentContext,
    thread: str,
    cwd: str,
    emit: Emit,
    left: tuple[int, str] | None,
) -> dict[str, Any]:
    """The update that stores an answer with its verdicts, and the events that tell of it."""
    message, bad_calls = _with_our_ids(answer, services.clock())
    calls = calls_of(message)
    keep_known([*(m.text for m in (*state.get("messages", [])[-1:], *new, message))])
    keep_known([call.args for call in calls])
    rules = rules_of(
        services.settings.permissions,
        allow=context.allow,
        deny=context.deny,
        granted=state.get("granted", []),
        folder=await services.grants.of(cwd),
    )
    inside = services.inside is not None
    prices = {} if inside else await foreseen(calls, services, thread, cwd, emit)
    quote = await quoted(calls, services, thread, cwd, emit)
    # In a thread: links are looked up.
    verdicts = await asyncio.to_thread(
        judge,
        calls,
        bad_calls,
        services.tools,
        Situation(context.mode, cwd, rules, str(services.settings.state_path())),
        interactive=context.interactive,
        inside=inside,
        left=left[0] if left else None,
        foreseen=prices,
        folder=services.backend.folder(cwd),
        quote=quote,
        addresses=lambda: known_addresses(
            [*state.get("messages", []), *new], services.settings.web_hosts, inside=inside
        ),
    )
    turn = _booked(turn, answer)
    if any(call.name == "plan" for call in calls):
        turn["planned"] = True
    cut = answer.finish_reason == "length"
    turn, told = after_answer(
        turn,
        message.text,
        calls=bool(calls),
        cut=cut,
        plan=state.get("plan", []),
        problem=answer.problem,
        hint=answer.hint,
        written=answer.finish_reason == "written_call",
    )
    if told is not None:
        why = "cut off at the token limit" if cut else answer.problem or "the plan has open items"
        emit(ToolLog(id="", tool="model", text=f"{why}: asked to go on"))

    emit(AssistantStreamEnd(finish_reason=answer.finish_reason))
    if message.text:
        emit(AssistantMessage(text=message.text))
    for call in calls:
        effect = verdicts[call.id]["effect"]
        emit(ToolCall(id=call.id, tool=call.name, arguments=call.args, effect=effect))
        emit(ToolStateChange(id=call.id, tool=call.name, state="pending"))
    said = [*new, message, *([told] if told else [])]
    update: dict[str, Any] = {"messages": said, "turn": turn, "verdicts": verdicts}
    guard = state.get("loop_guard", {})
    if "streak" in guard and not find_loop([*state.get("messages", []), *new, message], verdicts):
        # The streak is over; how many there were is remembered.
        update["loop_guard"] = {k: v for k, v in guard.items() if k in ("total", "turn")}
    return update


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


def _stopped(turn: Turn, services: Services) -> Turn:
    """`turn` ended by the stop signal: a person's, or a limit of time."""
    reason = services.stop.reason
    if reason in ("", "interrupted"):
        return ended(turn, "interrupted")
    return ended(turn, "limit", error=LimitReached(reason))
