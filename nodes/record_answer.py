"""Stores an answer: its message with ids of ours, a verdict on each call, the turn after it."""

from typing import Any

from langchain_core.messages import HumanMessage

from core.events import ToolLog
from core.history import calls_of
from core.model import Answer
from core.quick import quickly
from core.secrets.redaction import keep_known
from core.state import AgentState, Turn
from nodes.ask_hooks import mark_hooked
from nodes.budget import counted
from nodes.circumstances import circumstances_of
from nodes.claims import settle_claims
from nodes.hooks import stop_hooks
from nodes.ids import with_our_ids
from nodes.judge_calls import judge
from nodes.loop_guard import find_loop
from nodes.step import Step
from nodes.tell_call import tell_answer
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
    message, bad_calls = with_our_ids(answer, step.services.clock())
    calls = calls_of(message)
    texts = [m.text for m in (*state.get("messages", [])[-1:], *new, message)]
    keep_known([*texts, *(call.args for call in calls)])
    before = [*state.get("messages", []), *new]
    about = await circumstances_of(state, step, new, calls, left)
    verdicts = mark_hooked(await quickly(judge, calls, bad_calls, about), calls, step)
    turn = counted(without(turn, "refused"), answer)
    if any(call.name == "plan" for call in calls):
        turn["planned"] = True
    turn, told = after_answer(turn, answer, state.get("plan", []))
    if told is not None:
        cut = answer.finish_reason == "length"
        why = "cut off at the token limit" if cut else answer.problem or "the plan has open items"
        step.emit(ToolLog(id="", tool="model", text=f"{why}: asked to continue"))
    if told is None:
        message, turn, told = await settle_claims(step, before, turn, message, left)
    turn, told = await stop_hooks(step, turn, told, [*before, message])
    tell_answer(step, answer, calls, verdicts)
    said = [*new, message, *([told] if told else [])]
    update: dict[str, Any] = {"messages": said, "turn": turn, "verdicts": verdicts}
    guard = state.get("loop_guard", {})
    if "streak" in guard and not find_loop([*before, message], verdicts):
        # The streak is over; how many there were is remembered.
        update["loop_guard"] = {k: v for k, v in guard.items() if k in ("total", "turn")}
    return update
