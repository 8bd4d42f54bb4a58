"""approval: the only place that interrupts. One interrupt for all calls that wait.

The node runs again from its top when it is resumed, so nothing here has a side effect and
what it asks for is read from the stored verdicts, never judged again.
"""

from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from core.events import Emit, ToolState, ToolStateChange
from core.history import Call, pending_calls
from core.state import AgentState, Decision
from core.tool import AgentContext
from nodes.approval_format import read_decisions, request_of
from nodes.emit import emit_of


def approval(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """Ask for every call whose verdict is `ask`; write the decisions into the verdicts."""
    waiting = waiting_calls(state)
    answer = interrupt(request_of(waiting, state["verdicts"]))
    decisions = read_decisions(answer, waiting)
    emit = emit_of(runtime)
    verdicts = dict(state["verdicts"])
    for call, decision in zip(waiting, decisions, strict=True):
        verdicts[call.id] = {**verdicts[call.id], "decision": decision}
        _tell(emit, call, decision)
    update: dict[str, Any] = {"verdicts": verdicts}
    granted = [decision["rule"] for decision in decisions if decision.get("rule")]
    if granted:
        update["granted"] = [*state.get("granted", []), *granted]
    return update


def waiting_calls(state: AgentState) -> list[Call]:
    """The calls that a user must decide on, in the model's order."""
    verdicts = state.get("verdicts", {})
    return [
        call
        for call in pending_calls(state.get("messages", []))
        if call.id in verdicts
        and verdicts[call.id]["action"] == "ask"
        and "decision" not in verdicts[call.id]
    ]


def _tell(emit: Emit, call: Call, decision: Decision) -> None:
    states: dict[str, ToolState] = {"approve": "approved", "edit": "edited", "reject": "rejected"}
    state = states.get(decision["type"])
    if state:
        emit(ToolStateChange(id=call.id, tool=call.name, state=state))
