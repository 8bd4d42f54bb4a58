"""call_model: opens a turn when input waits, asks the model, writes answer and verdicts.

It owns the limits, and what to do with an answer that is cut, empty or malformed. A failure
of the model is raised, not stored: the step stays open and a resume asks again.
"""

from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.runtime import Runtime

from core.errors import LimitReached
from core.history import was_interrupted
from core.model_errors import ContextTooLong
from core.reduce_messages import reduce_messages
from core.state import AgentState, Turn
from core.tool import AgentContext
from nodes.ask_model import ask_model
from nodes.budget import book, charged, nothing_left
from nodes.context_room import counted, over_threshold, prompt_message, warn_of_window
from nodes.end_notices import told_ends
from nodes.experiment_memory import experiment_words
from nodes.hooks import prompt_hooks
from nodes.interrupt import Stopped
from nodes.last_words import closing_words
from nodes.limits import limit_reached, model_of
from nodes.opening import ended, take_input
from nodes.partial_answer import Partial, keep_partial
from nodes.polling import poll_words
from nodes.record_answer import record_answer
from nodes.server_errors import telling
from nodes.step import Step
from nodes.stored_results import drop_stored

#: Refusals in a row of a history that is too long; each makes the next one shorter.
MAX_REFUSED = 3


async def call_model(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    step = await Step.of(runtime)
    services, messages = step.services, state.get("messages", [])
    await drop_stored(step, messages)
    turn = state.get("turn", {})
    # A resume after the stop continues: the model reads that its calls were interrupted.
    stopped = services.stop.is_set() and was_interrupted(messages)
    if turn.get("status") == "running" and stopped:
        return {"turn": _stopped(turn, step)}
    new, turn = await take_input(state, step)
    new, turn = await prompt_hooks(step, state, new, turn)
    if turn.get("status") != "running":
        return {"turn": turn}
    ends, told = await told_ends(step, state)
    new = [*new, *ends]
    if services.stop.is_set():
        update: dict[str, Any] = {"turn": _stopped(turn, step)}
    elif reason := limit_reached(turn, step.context):
        update = {"turn": ended(turn, "limit", error=LimitReached(reason))}
    else:
        new += closing_words(turn, step.context, services, messages)
        new += poll_words(turn, services, messages)
        new += await experiment_words(step, turn, messages)
        with telling(step.emit, step.context):
            update = await _ask(state, step, new, turn)
    return {"messages": new, **update, **told}


async def _ask(
    state: AgentState, step: Step, new: list[HumanMessage], turn: Turn
) -> dict[str, Any]:
    """The update of a request: its answer, or why there is none. `new`: messages that the state
    does not have yet; they are stored where the update names no others."""
    services = step.services
    request: list[BaseMessage] = [prompt_message(services)]
    request += reduce_messages(state.get("messages", []), [new])
    model = model_of(turn, step.context, services)
    try:
        # Loading the client takes seconds once: no one has to wait for that to stop.
        await step.race(services.models.ready(model))
    except Stopped:
        return {"turn": _stopped(turn, step)}
    scope = step.scope(turn)
    left = await services.ledger.left(scope, step.caps)
    reason = await nothing_left(services, model, scope, step.caps, left)
    if reason:
        return {"turn": ended(turn, "limit", error=LimitReached(reason))}
    if over_threshold(request, state, turn, services, model):
        return {"turn": {**turn, "compact": "threshold"}}
    partial = Partial(step.emit)
    try:
        answer, answered_by = await step.race(ask_model(step, model, request, partial))
    except Stopped:
        shown, cost = await keep_partial(step, model, request, partial, scope)
        return {"messages": [*new, *shown], "turn": _stopped(charged(turn, cost), step)}
    except ContextTooLong:
        refused = turn.get("refused", 0) + 1
        if refused > MAX_REFUSED:
            raise
        return {"turn": {**turn, "compact": "too long", "refused": refused}}
    if answered_by != model:
        turn = {**turn, "model": answered_by}
    used = answer.message.usage_metadata
    await book(services, answer.cost_micro_usd, scope, used["total_tokens"] if used else 0)
    # Not what others spent meanwhile: what a call may cost is asked again when it is set aside.
    left_now = None if left is None else left[0] - (answer.cost_micro_usd or 0)
    update = await record_answer(state, step, new, turn, answer, left_now)
    update.update(counted(request, state))
    if turn["iterations"] == 0:
        # Not before: a name with a typing error has no window.
        await warn_of_window(step, answered_by)
    return update


def _stopped(turn: Turn, step: Step) -> Turn:
    """`turn` ended by the stop signal: the user's, or a limit of time."""
    reason = step.services.stop.reason
    if reason in ("", "interrupted"):
        return ended(turn, "interrupted")
    return ended(turn, "limit", error=LimitReached(reason))
