"""compact: makes the history shorter and keeps what the work needs.

Kept as they are: the first task, and the newest steps, cut where an answer begins (never at a
user's message: a headless run has one). What lies between becomes a summary. Runs alone: an
`Overwrite` drops every other write of its superstep. Earlier checkpoints keep everything.
"""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from core.events import Compacted, ToolLog
from core.history import as_checklist, is_note, is_summary
from core.models.wire.outgoing import SIGNED
from core.state import OURS, AgentState, Turn
from core.tool import AgentContext
from nodes.budget import book, charged
from nodes.context_room import room_for_history
from nodes.hooks import hooked
from nodes.ids import new_message_id
from nodes.interrupt import Stopped
from nodes.limits import model_of
from nodes.opening import ended
from nodes.step import Step
from nodes.summary import Summariser, cut_to
from nodes.turn_end import without

Count = Callable[[Sequence[AnyMessage]], int]

#: Shares of the room that a history has: the newest steps, the first task, the summary.
KEPT_SHARE, TASK_SHARE, SUMMARY_SHARE = 0.25, 0.25, 0.2


async def compact(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    step = await Step.of(runtime)
    services = step.services
    info = runtime.execution_info
    if await _is_blocked(state, step, str(info.checkpoint_id if info else step.run)):
        return {"turn": _closed(state.get("turn", {}))}
    model = model_of(state.get("turn", {}), step.context, services)
    await services.models.ready(model)
    messages = list(state.get("messages", []))
    turn = state.get("turn", {})
    count: Count = services.models.count_tokens
    before = count(messages)
    room = room_for_history(services, model)
    if turn.get("compact") == "too long":
        # The window is smaller than it is believed to be; after each refusal less is kept.
        room = min(room, before) // 2 ** turn.get("refused", 1)
    head, middle, tail = split(messages, int(room * KEPT_SHARE), count)
    head = [*(_shortened(m, int(room * TASK_SHARE), count) for m in head[:1]), *head[1:]]
    closed = _closed(turn)
    summary: list[AnyMessage] = []
    if middle:
        maker = Summariser(services, model, step.emit)
        try:
            text = await step.race(maker.summary(middle))
        except Stopped:
            return {"turn": ended(closed, "interrupted")}
        await book(services, maker.cost, step.scope(turn))
        closed = charged(closed, maker.cost)
        text = cut_to(text, int(room * SUMMARY_SHARE), _counting(count), keep_end=False)
        plan = state.get("plan", [])
        if plan:
            text = f"{text}\n\nThe current plan:\n{as_checklist(plan)}"
        whole = {"thread": step.thread, "checkpoint": info.checkpoint_id} if info else {}
        summary = [_summary_message(text, whole)]
    shorter = [*head, *summary, *map(_without_thinking, tail)]
    after = count(shorter)
    step.emit(Compacted(tokens_before=before, tokens_after=min(after, before)))
    if after >= before:
        return {"turn": closed}
    return {"messages": Overwrite(shorter), "turn": closed, "loop_guard": {}}


async def _is_blocked(state: AgentState, step: Step, ref: str) -> bool:
    """Whether a PreCompact hook keeps the history as it is. What the provider refused as too long
    is compacted all the same."""
    turn = state.get("turn", {})
    trigger = "manual" if turn.get("compact") == "requested" else "auto"
    facts = {"trigger": trigger, "custom_instructions": ""}
    messages = state.get("messages", [])
    answer = await hooked(step, "PreCompact", ref, facts, names=[trigger], messages=messages)
    if not answer.blocked or turn.get("compact") == "too long":
        return False
    step.emit(ToolLog(id="", tool="hook", text=f"not compacted: {answer.blocked}"))
    return True


def _closed(turn: Turn) -> Turn:
    """`turn` with the compaction marked as made; one on request had no turn to continue with."""
    closed: Turn = {**without(turn, "compact"), "compacted": turn.get("iterations", 0)}
    if turn.get("compact") == "requested":
        closed["status"] = "done"
    return closed


def split(
    messages: Sequence[AnyMessage], budget: int, count: Count
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
    # The user's newest message is never summarised away: it may be the task at hand.
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


def _shortened(message: AnyMessage, tokens: int, count: Count) -> AnyMessage:
    """A first task that alone would fill the window, without its middle."""
    if not isinstance(message, HumanMessage) or count([message]) <= tokens:
        return message
    text = cut_to(message.text, tokens, _counting(count), keep_end=True)
    return message.model_copy(update={"content": text})


def _counting(count: Count) -> Callable[[str], int]:
    return lambda text: count([HumanMessage(text)])


def _without_thinking(message: AnyMessage) -> AnyMessage:
    """Signed thinking holds for the exact messages before it, which have just changed: no
    provider would take it."""
    if not isinstance(message, AIMessage) or not set(SIGNED) & set(message.additional_kwargs):
        return message
    kept = {k: v for k, v in message.additional_kwargs.items() if k not in SIGNED}
    return message.model_copy(update={"additional_kwargs": kept})


def _summary_message(text: str, whole: dict[str, str]) -> HumanMessage:
    """`whole`: the checkpoint that holds what is summarised, for an export."""
    return HumanMessage(
        content=f"<summary of the work so far>\n{text}\n</summary of the work so far>",
        id=new_message_id(),
        additional_kwargs={OURS: {"summary": True, "whole": whole}},
    )
