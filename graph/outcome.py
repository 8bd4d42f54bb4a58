"""What a turn came to: its last event, read from where the thread stands, and its figures."""

import time
from dataclasses import dataclass
from typing import Any

from langgraph.types import StateSnapshot

from core.durable import Spent
from core.errors import AgentError
from core.events import ApprovalRequired, Error, Event, Interrupted, TurnComplete
from core.history import final_text, was_interrupted
from core.state import Turn
from graph.decisions import requests_of
from nodes.opening import NO_USAGE, ROOT


@dataclass
class Watch:
    """Measures a turn. wall, steady: when this part of it began, epoch seconds and monotonic.
    works: whether anything ran. alone: it is not a part of the turn before it."""

    wall: float
    steady: float
    alone: bool = False
    works: bool = False

    def of(self, turn: Turn, opened: float) -> tuple[float, float]:
        """(seconds of the whole turn, what came before an approval or a kill included; when it
        began, epoch seconds, where that was before the session was opened, else 0)."""
        seconds, began = time.monotonic() - self.steady, turn.get("started", 0.0)
        if self.alone or not self.works or not 0 < began < self.wall:
            return seconds, 0.0
        return max(seconds, time.time() - began), began if began < opened else 0.0


def figures_of(state: StateSnapshot, spent: Spent, seconds: float) -> dict[str, Any]:
    """{text, iterations, usage, cost_micro_usd, seconds} of the newest turn."""
    values = state.values
    turn: Turn = values.get("turn", ROOT)
    return {
        "text": final_text(values.get("messages", [])),
        "iterations": turn.get("iterations", 0),
        "usage": turn.get("usage") or dict(NO_USAGE),
        "cost_micro_usd": None if spent.unknown else spent.amount,
        "seconds": round(seconds, 3),
    }


def last_event(state: StateSnapshot, since: float, figures: dict[str, Any]) -> Event:
    """The event that ends the turn."""
    values = state.values
    turn: Turn = values.get("turn", ROOT)
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
    names = {"approval_required": "approval", "interrupted": "interrupted"}
    return names.get(event.name, "error")


def error_of(error: Exception) -> Error:
    if isinstance(error, AgentError):
        return Error(kind=error.kind, message=error.message, hint=error.hint)
    said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return Error(kind="internal", message=said, hint=AgentError.default_hint)
