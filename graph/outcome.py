"""What a turn came to: its last event, read from where the thread stands, and its figures."""

from typing import Any

from langgraph.types import StateSnapshot

from core.errors import AgentError
from core.events import ApprovalRequired, Error, Event, Interrupted, TurnComplete, Waiting
from core.history import was_interrupted
from core.state import Turn
from graph.decisions import requests_of, waiting_of
from nodes.opening import ROOT


def last_event(state: StateSnapshot, since: float, figures: dict[str, Any]) -> Event:
    """The event that ends the turn."""
    values = state.values
    turn: Turn = values.get("turn", ROOT)
    if waiting := waiting_of(state.interrupts):
        return Waiting(**waiting)
    if state.interrupts:
        return ApprovalRequired(requests=requests_of(state.interrupts))
    if turn.get("status") == "interrupted":
        in_tools = was_interrupted(values.get("messages", []))
        return Interrupted(at="tools" if in_tools else "model")
    if turn.get("status") == "error":
        failed = turn["error"]
        return Error(kind=failed["kind"], message=failed["message"], hint=failed["hint"])
    return TurnComplete(
        status="limit" if turn.get("status") == "limit" else "done",
        reason=turn.get("reason", ""),
        since=since,
        **figures,
    )


def status_of(event: Event) -> str:
    """The row's status after a turn that ended with `event`."""
    if isinstance(event, TurnComplete):
        return event.status
    names = {"approval_required": "approval", "waiting": "waiting", "interrupted": "interrupted"}
    return names.get(event.name, "error")


def error_of(error: Exception) -> Error:
    if isinstance(error, AgentError):
        return Error(kind=error.kind, message=error.message, hint=error.hint)
    said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return Error(kind="internal", message=said, hint=AgentError.default_hint)
