"""What runs next: the conditional edges. Pure functions of the state, nothing else."""

from typing import Literal

from langgraph.types import Send

from core.history import Call, unanswered, waits_for_answer
from core.state import AgentState
from graph.route import Next, Route
from nodes.approval import waiting_calls
from nodes.ask_hooks import hooked_calls
from nodes.budget import key_of
from nodes.loop_guard import find_loop
from nodes.waves import next_wave
from tools.wait.tool import is_wait

END: Literal["__end__"] = "__end__"


@Route
def from_start(state: AgentState) -> str:
    """A compaction that a user asked for goes straight there; a message that went over open
    calls waits until they are closed."""
    if state.get("turn", {}).get("compact") == "requested":
        return "compact"
    messages = state.get("messages", [])
    if waits_for_answer(messages) and unanswered(messages):
        return "mend"
    return "call_model"


@Route
def after_call_model(state: AgentState) -> Next:
    turn = state.get("turn", {})
    if turn.get("status") != "running":
        return END
    if turn.get("compact"):
        return "compact"
    messages = state["messages"]
    if waits_for_answer(messages):
        return "call_model"  # it was told to continue
    if find_loop(messages, state.get("verdicts")):
        return "doom_check"
    if hooked_calls(state):
        return "ask_hooks"
    return after_verdicts(state)


@Route
def after_verdicts(state: AgentState) -> Next:
    """The user, then the first wave; rejected calls go too, for all results in call order."""
    if waiting_calls(state):
        return "approval"
    calls, _ = next_wave(state["messages"], state.get("verdicts", {}))
    return _wave(state, calls)


@Route
def after_execute_tools(state: AgentState) -> Next:
    """The next wave, sent by the task that leads this one; after the last wave, the model.

    Each task of a wave routes with only its own result in view (`next_wave`), so the question
    whether the context is now too long cannot be asked here: call_model asks it.
    """
    calls, leads = next_wave(state["messages"], state.get("verdicts", {}))
    if not calls:
        return "call_model"
    return _wave(state, calls) if leads else []


@Route
def unless_ended(state: AgentState) -> str:
    """The model again, unless the node has ended the turn."""
    return "call_model" if state.get("turn", {}).get("status") == "running" else END


def _wave(state: AgentState, calls: list[Call]) -> Next:
    """A wave that waits is one stop, all others a task per call."""
    if calls and is_wait(calls[0], state.get("verdicts", {})):
        return "wait"
    return _send(state, calls)


def _send(state: AgentState, calls: list[Call]) -> list[Send]:
    verdicts = state.get("verdicts", {})
    turn = key_of("", state.get("turn", {}))
    return [
        Send("execute_tools", {"call": list(call), "verdict": verdicts.get(call.id), "turn": turn})
        for call in calls
    ]
