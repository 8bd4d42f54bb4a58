"""compact: makes the history shorter and keeps what the work needs.

Kept as they are: the first task, and the newest steps, cut where an answer begins (never at a
person's message: a headless run has one). What lies between becomes a summary. Runs alone: an
`Overwrite` drops every other write of its superstep. Earlier checkpoints keep everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from configs.instructions import compaction_prompt
from graph.context import AgentContext, Services
from graph.events import Compacted, Emit, Event, ToolLog, emitter
from graph.history import as_checklist, is_note, is_summary
from graph.services import services_of
from graph.state import OURS, AgentState, Turn
from graph.turn import ended, new_message_id
from nodes.limits import threshold
from nodes.money import book, charged, key_of, scope_of
from nodes.racing import Stopped, race

#: The newest steps keep at most this share of the threshold.
KEPT_SHARE = 0.25
#: A part of the history that is summarised in one request has at most this share of the window.
PART_SHARE = 0.5


async def compact(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    services = await services_of(runtime)
    context = runtime.context
    emit = emitter(runtime.stream_writer)
    model = context.model or services.settings.model_name
    messages = list(state.get("messages", []))
    turn = state.get("turn", {})
    count = services.models.count_tokens
    before = count(messages)
    budget = int(threshold(services, model) * KEPT_SHARE)
    head, middle, tail = split(messages, budget, lambda some: count(some))
    closed = _closed(turn)
    if not middle:
        emit(Compacted(tokens_before=before, tokens_after=before))
        return {"turn": closed}
    try:
        summary, cost = await race(_summary(middle, services, model, emit), services.stop)
    except Stopped:
        return {"turn": ended(closed, "interrupted")}
    info = runtime.execution_info
    thread = info.thread_id or "" if info else ""
    await book(services, cost, scope_of(runtime, key_of(thread, turn), services.clock()))
    closed = charged(closed, cost)
    plan = state.get("plan", [])
    if plan:
        summary = f"{summary}\n\nThe plan as it stands:\n{as_checklist(plan)}"
    whole = {"thread": thread, "checkpoint": info.checkpoint_id} if info else {}
    shorter = [*head, _summary_message(summary, whole), *tail]
    after = count(shorter)
    emit(Compacted(tokens_before=before, tokens_after=min(after, before)))
    if after >= before:
        return {"turn": closed}
    return {"messages": Overwrite(shorter), "turn": closed, "loop_guard": {}}


def _closed(turn: Turn) -> Turn:
    """`turn` with the compaction marked as made; one on request had no turn to go on with."""
    closed: Turn = {**turn, "compact": None, "compacted": turn.get("iterations", 0)}
    if turn.get("compact") == "requested":
        closed["status"] = "done"
    return closed


def split(
    messages: Sequence[AnyMessage], budget: int, count: Any
) -> tuple[list[AnyMessage], list[AnyMessage], list[AnyMessage]]:
    """(first task, what to summarise, newest steps within `budget` tokens).

    The newest steps begin with an answer, or are empty: a tool message never stands without
    the answer that called it.
    """
    first = 1 if messages and isinstance(messages[0], HumanMessage) else 0
    start = len(messages)
    for i in range(len(messages) - 1, first - 1, -1):
        if isinstance(messages[i], ToolMessage):
            continue
        if count(messages[i:]) > budget:
            break
        start = i
    # The newest message of a person is never summarised away: it may be the task at hand.
    for i in range(len(messages) - 1, first - 1, -1):
        if _said_by_person(messages[i]):
            if i < start and count([messages[i]]) <= budget:
                kept = [messages[i]]
                return (
                    [*messages[:first], *kept],
                    _without(messages[first:start], i - first),
                    list(messages[start:]),
                )
            break
    return list(messages[:first]), list(messages[first:start]), list(messages[start:])


def _said_by_person(message: AnyMessage) -> bool:
    is_human = isinstance(message, HumanMessage)
    return is_human and not is_summary(message) and not is_note(message)


def _without(messages: Sequence[AnyMessage], index: int) -> list[AnyMessage]:
    return [m for i, m in enumerate(messages) if i != index]


def _summary_message(text: str, whole: dict[str, str]) -> HumanMessage:
    """`whole`: the checkpoint that holds what is summarised, for an export."""
    return HumanMessage(
        content=f"<summary of the work so far>\n{text}\n</summary of the work so far>",
        id=new_message_id(),
        additional_kwargs={OURS: {"summary": True, "whole": whole}},
    )


async def _summary(
    messages: Sequence[AnyMessage], services: Services, model: str, emit: Emit
) -> tuple[str, int | None]:
    """(the summary, what it cost), made part by part where the history is longer than a request
    may be."""
    small = services.settings.small_model_name or model
    room = int(services.models.window(small) * PART_SHARE * 3)
    text, cost = "", 0
    known = True
    parts = _parts([as_text(m) for m in messages], room)
    for number, part in enumerate(parts, 1):
        emit(ToolLog(id="", tool="compact", text=f"summarising part {number} of {len(parts)}"))
        asked = f"Summary so far:\n{text}\n\nWhat came next:\n{part}" if text else part
        answer = await services.models.answer(
            small,
            [SystemMessage(compaction_prompt()), HumanMessage(asked)],
            [],
            emit=_quiet(emit),
            stream=True,
        )
        text = answer.message.text.strip() or text
        known = known and answer.cost_micro_usd is not None
        cost += answer.cost_micro_usd or 0
    return text, cost if known else None


def _parts(texts: Sequence[str], room: int) -> list[str]:
    """`texts` joined into parts of at most `room` characters; one that is longer is cut."""
    parts: list[str] = [""]
    for text in texts:
        for piece in (text[i : i + room] for i in range(0, max(len(text), 1), room)):
            if parts[-1] and len(parts[-1]) + len(piece) > room:
                parts.append("")
            parts[-1] += piece + "\n"
    return parts


def as_text(message: BaseMessage) -> str:
    """One message as the summariser reads it: no roles and no calls that a provider checks."""
    if isinstance(message, AIMessage):
        calls = [f"[calls {c['name']} {c['args']}]" for c in message.tool_calls]
        return "\n".join(["ASSISTANT: " + message.text, *calls])
    if isinstance(message, ToolMessage):
        return f"RESULT of {message.name}: {message.text}"
    return f"PERSON: {message.text}"


def _quiet(emit: Emit) -> Emit:
    """Lets waits of the model client through, not the summary's text."""

    def only_logs(event: Event) -> None:
        if isinstance(event, ToolLog):
            emit(event)

    return only_logs
