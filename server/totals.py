"""What each turn of a stored thread came to: what `turn_complete` told."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage

from core.durable import Spent
from core.history import time_of, turn_of
from graph.subagent import turn_named


class Totals:
    """Of the turns, as one goes through their messages. costs: by a turn's key in the ledger."""

    def __init__(self, costs: Mapping[str, Spent]) -> None:
        turns = ((turn_named(key), spent) for key, spent in costs.items())
        found = [(turn["number"], turn["started"], spent) for turn, spent in turns]
        self._costs = sorted(found, key=lambda each: each[:2])
        self._turn = self._steps = 0
        self._began = self._last = 0.0
        self._is_answered = False

    def before(self, message: AnyMessage) -> list[dict[str, Any]]:
        """The end of the turn before, if a user's `message` begins another one."""
        turn = turn_of(message)
        if turn and turn == self._turn:
            return []
        found = self.end()
        self._turn, self._steps, self._began = turn, 0, time_of(message)
        return found

    def count(self, message: AnyMessage) -> None:
        self._last = time_of(message) or self._last
        self._is_answered = isinstance(message, AIMessage) and not message.tool_calls
        self._steps += isinstance(message, AIMessage)

    def end(self) -> list[dict[str, Any]]:
        """What the turn came to; nothing if it did not end with an answer."""
        if not self._is_answered or not self._began:
            return []
        cost, seconds = self._cost(), round(self._last - self._began, 3)
        figures = {"iterations": self._steps, "cost_micro_usd": cost, "seconds": seconds}
        return [{"kind": "total", **figures}]

    def _cost(self) -> int | None:
        """Of the turn that began then: a number comes again after an undo."""
        for number, started, spent in self._costs:
            if number == self._turn and started >= self._began - 1e-3:
                return None if spent.unknown else spent.amount
        return None
