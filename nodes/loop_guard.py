"""When does a run go in circles? Pure rules over the newest messages.

A step is one answer's calls with their results. A loop is a cycle of one to five steps whose
calls AND results repeat, about to be begun once more. A poll whose result changes is none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from graph.history import calls_of, outcome_of
from graph.state import OURS

#: How often a cycle of so many steps must have run before the next round is held back.
ROUNDS = {1: 3, 2: 2, 3: 2, 4: 2, 5: 2}
#: Steps looked at: enough for the longest cycle.
WINDOW = 12


def find_loop(messages: Sequence[BaseMessage]) -> str | None:
    """The signature of the loop that the newest answer would go on with; None if there is
    none. The signature is the same from whichever step of the cycle it is caught."""
    if not messages or not isinstance(messages[-1], AIMessage) or not messages[-1].tool_calls:
        return None
    steps = _finished_steps(messages[:-1])
    wanted = _calls(messages[-1])
    for length, rounds in ROUNDS.items():
        recent = steps[-length * rounds :]
        if len(recent) < length * rounds or recent[-length][0] != wanted:
            continue
        cycle = recent[-length:]
        if all(recent[i] == cycle[i % length] for i in range(len(recent))):
            return hashlib.sha256(json.dumps(sorted(cycle)).encode()).hexdigest()[:16]
    return None


def _finished_steps(messages: Sequence[BaseMessage]) -> list[tuple[str, str]]:
    """(calls, results) of the newest steps of this turn, oldest first; steps that the guard
    itself held back are left out."""
    steps: list[tuple[str, str]] = []
    results: dict[str, ToolMessage] = {}
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            results[message.tool_call_id] = message
        elif isinstance(message, AIMessage):
            found = [results[c.id] for c in calls_of(message) if c.id in results]
            if found and not any(held_back(m) for m in found):
                texts = [[outcome_of(m), str(m.content)] for m in found]
                steps.append((_calls(message), json.dumps(texts)))
            results = {}
        elif isinstance(message, HumanMessage):
            break
        if len(steps) == WINDOW:
            break
    return steps[::-1]


def _calls(answer: AIMessage) -> str:
    return json.dumps([[c.name, c.args] for c in calls_of(answer)], sort_keys=True, default=str)


def held_back(message: ToolMessage) -> bool:
    """Whether the guard answered this call instead of a tool."""
    return bool(message.additional_kwargs.get(OURS, {}).get("held_back"))
