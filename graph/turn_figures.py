"""What a turn took: its time, its tokens, its money."""

import time
from dataclasses import dataclass
from typing import Any

from langgraph.types import StateSnapshot

from core.claims.history import claims_in
from core.durable import Spent
from core.history import final_text
from core.state import Turn
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


def figures_of(
    state: StateSnapshot, spent: Spent, left: int | None, seconds: float
) -> dict[str, Any]:
    """{text, iterations, usage, cost_micro_usd, left_micro_usd, seconds, claims} of a thread's
    newest turn."""
    values = state.values
    turn: Turn = values.get("turn", ROOT)
    return {
        "text": final_text(values.get("messages", [])),
        "iterations": turn.get("iterations", 0),
        "usage": turn.get("usage") or dict(NO_USAGE),
        "cost_micro_usd": None if spent.unknown else spent.amount,
        "left_micro_usd": left,
        "seconds": round(seconds, 3),
        "claims": claims_in(values.get("messages", [])),
    }
