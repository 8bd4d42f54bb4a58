"""A stored thread as the items of the page: what a `reset` shows. Pure, and slow for a long thread:
call it in another thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from core.durable import Spent
from core.history import (
    calls_of,
    is_note,
    is_summary,
    outcome_of,
    said_by_person,
    seconds_of,
    thinking_of,
    time_of,
    turn_of,
)
from core.secrets.redaction import redacted, redacted_in
from core.store.files.thread_files import LEFT_OUT
from graph.subagent import turn_named
from server.markdown import blocks_of

Item = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """The state of a thread. state: as a row's status; "running": a turn runs, here or in another
    process. waiting: ids of the calls that wait for approval. costs: by a turn's key in the ledger.
    """

    state: str
    waiting: Sequence[str] = ()
    costs: Mapping[str, Spent] = field(default_factory=dict)

    def of_call(self, id: str) -> str:
        """The state of a call without a result."""
        if id in self.waiting:
            return "pending"
        return "running" if self.state == "running" else "unknown"


class Items:
    """Items of one thread's messages. What was made of an answer is kept: none changes."""

    def __init__(self) -> None:
        self._answers: dict[str, list[Item]] = {}

    def of(self, messages: Sequence[AnyMessage], standing: Standing) -> list[Item]:
        """The oldest first."""
        results = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
        totals = _Totals(standing.costs)
        items: list[Item] = []
        for message in messages:
            if isinstance(message, AIMessage):
                items += self._of_answer(message)
                items += [_call(call, results.get(call.id), standing) for call in calls_of(message)]
            elif is_summary(message):
                items.append({"kind": "summary", "text": message.text})
            elif is_note(message):
                items.append({"kind": "note", "text": message.text})
            elif not isinstance(message, ToolMessage):
                items += totals.before(message)
                said = said_by_person(message)
                items.append({"kind": "user", "text": said, "turn": turn_of(message)})
            totals.count(message)
        return items + (totals.end() if standing.state == "done" else [])

    def _of_answer(self, message: AIMessage) -> list[Item]:
        """What the model thought and said."""
        key = message.id or ""
        if key not in self._answers:
            found: list[Item] = []
            if thought := thinking_of(message):
                found.append({"kind": "thinking", "text": redacted(thought)})
            if text := redacted(message.text):
                found.append({"kind": "answer", "text": text, "blocks": blocks_of(text)})
            self._answers[key] = found
        return self._answers[key]


def _call(call: Any, result: ToolMessage | None, standing: Standing) -> Item:
    item = {
        "kind": "call",
        "id": call.id,
        "tool": call.name,
        "arguments": redacted_in(call.args),
    }
    if result is None:
        state = standing.of_call(call.id)
        return {**item, "state": state, "ok": None, "text": "", "truncated": False, "seconds": None}
    return {
        **item,
        "state": outcome_of(result) or "done",
        "ok": result.status == "success",
        "text": result.text,
        "truncated": LEFT_OUT in result.text,
        "seconds": seconds_of(result),
    }


class _Totals:
    """What each turn came to, as one goes through its messages: the end of `turn_complete`."""

    def __init__(self, costs: Mapping[str, Spent]) -> None:
        turns = ((turn_named(key), spent) for key, spent in costs.items())
        found = [(turn["number"], turn["started"], spent) for turn, spent in turns]
        self._costs = sorted(found, key=lambda each: each[:2])
        self._turn = self._steps = 0
        self._began = self._last = 0.0
        self._is_answered = False

    def before(self, message: AnyMessage) -> list[Item]:
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

    def end(self) -> list[Item]:
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
