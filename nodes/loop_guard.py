"""When does a run go in circles? Pure rules over the newest messages.

A step is one answer's calls with their results. Three things are a loop, when the newest answer
is about to continue with them:

    repeated    a cycle of one to five steps whose calls AND results repeat
    failing     the same failure, by calls that differ in nothing that could matter
    malformed   calls of the same tools that can never run, again and again

Results are compared without what every run changes (core/volatile.py). Bare numbers count: a
poll whose result changes is not a loop, nor is a run with a smaller batch.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from core.history import calls_of, is_note, outcome_of
from core.per_message import PerMessage
from core.state import OURS, Verdict
from core.volatile import steady

#: How often a cycle of so many steps must have run before the next round is withheld.
ROUNDS = {1: 3, 2: 2, 3: 2, 4: 2, 5: 2}
#: Failures, or malformed calls, in a row before the next one is withheld.
IN_A_ROW = 3
#: Steps looked at: enough for the longest cycle.
WINDOW = 12


class Loop(NamedTuple):
    """`streak`: its signature, the same from whichever step of a cycle it is caught. `why`: what
    happened, as the end of "Not run: "."""

    streak: str
    why: str


def find_loop(
    messages: Sequence[BaseMessage], verdicts: Mapping[str, Verdict] | None = None
) -> Loop | None:
    """The loop that the newest answer would continue with; None if there is none.

    Args:
        verdicts: of the newest answer's calls, by id.
    """
    newest = messages[-1] if messages else None
    if not isinstance(newest, AIMessage) or not newest.tool_calls:
        return None
    steps = Steps(newest_steps(messages[:-1]))
    return (
        _repeated(steps, newest) or _failing(steps, newest) or _malformed(steps, newest, verdicts)
    )


class Step:
    """An answer of the model with the results of its calls. What is compared is made when it is
    needed: most steps differ in their calls already."""

    def __init__(self, answer: AIMessage, results: list[ToolMessage]) -> None:
        self.answer = answer
        self._results = results

    @cached_property
    def calls(self) -> str:
        return _calls(self.answer)

    @cached_property
    def loose(self) -> str:
        return _loose(self.answer)

    @cached_property
    def results(self) -> str:
        return json.dumps([[outcome_of(m), _steady(str(m.content))] for m in self._results])

    @cached_property
    def failed(self) -> bool:
        return all(m.status == "error" and outcome_of(m) != "interrupted" for m in self._results)

    @cached_property
    def malformed(self) -> bool:
        return all(_never_ran(m) for m in self._results)


class Steps:
    """The newest steps, looked at only as far back as is asked: this is asked at each answer, and
    most differ from the last few."""

    def __init__(self, newest_first: Iterable[Step]) -> None:
        self._rest = iter(newest_first)
        self._seen: list[Step] = []

    def last(self, count: int) -> list[Step]:
        """The last `count` of them, oldest first; all of them if there are fewer."""
        self._seen += islice(self._rest, max(0, count - len(self._seen)))
        return self._seen[:count][::-1]


def _repeated(steps: Steps, newest: AIMessage) -> Loop | None:
    wanted = _calls(newest)
    for length, rounds in ROUNDS.items():
        begun = steps.last(length)
        if len(begun) < length or begun[0].calls != wanted:
            continue
        recent = steps.last(length * rounds)
        if len(recent) < length * rounds:
            continue
        cycle = recent[-length:]
        pairs = [(step, cycle[i % length]) for i, step in enumerate(recent)]
        if all(a.calls == b.calls for a, b in pairs) and all(
            a.results == b.results for a, b in pairs
        ):
            seen = sorted(f"{step.calls} {step.results}" for step in cycle)
            what = "the same calls have" if length == 1 else f"a round of {length} steps has"
            why = f"{what} given the same results {rounds} times"
            return Loop(_signed("repeated", *seen), why)
    return None


def _failing(steps: Steps, newest: AIMessage) -> Loop | None:
    recent = steps.last(IN_A_ROW)
    if len(recent) < IN_A_ROW or not all(step.failed for step in recent):
        return None
    wanted = _loose(newest)
    if any(step.loose != wanted or step.results != recent[0].results for step in recent):
        return None
    why = f"it has failed in the same way {IN_A_ROW} times, and what was changed made no difference"
    return Loop(_signed("failing", wanted, recent[0].results), why)


def _malformed(
    steps: Steps, newest: AIMessage, verdicts: Mapping[str, Verdict] | None
) -> Loop | None:
    invalid = {call_id for call_id, v in (verdicts or {}).items() if v["action"] == "invalid"}
    recent = steps.last(IN_A_ROW)
    if not {call.id for call in calls_of(newest)} <= invalid or len(recent) < IN_A_ROW:
        return None
    names = _names(newest)
    if any(_names(step.answer) != names or not step.malformed for step in recent):
        return None
    why = f"the last {IN_A_ROW} calls of {', '.join(names)} could not be read, nor can this one"
    return Loop(_signed("malformed", *names), why)


def newest_steps(messages: Sequence[BaseMessage]) -> Iterator[Step]:
    """The newest steps of this turn, the newest first; steps that the guard itself withheld are
    left out."""
    return islice(_steps(messages), WINDOW)


def _steps(messages: Sequence[BaseMessage]) -> Iterator[Step]:
    results: dict[str, ToolMessage] = {}
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            results[message.tool_call_id] = message
        elif isinstance(message, AIMessage):
            found = [results[c.id] for c in calls_of(message) if c.id in results]
            if found and not any(held_back(m) for m in found):
                yield Step(message, found)
            results = {}
        elif isinstance(message, HumanMessage) and not is_note(message):
            return


def _calls(answer: AIMessage) -> str:
    return _written.of(answer, "calls", partial(_written_calls, answer))


def _written_calls(answer: AIMessage) -> str:
    return json.dumps([[c.name, c.args] for c in calls_of(answer)], sort_keys=True, default=str)


#: The same steps are looked at again and again while they are the newest ones.
_written: PerMessage[str] = PerMessage()


def _names(answer: AIMessage) -> list[str]:
    return sorted({call.name for call in calls_of(answer)})


#: What changes nothing about what a call does, or nothing that would mend it.
_TRIVIAL = re.compile(
    r"""\s\#[^\n]*            # a comment
    |2>&1|\|\|\s*true\b       # where errors go
    |["'`;\\]|(?<![.\w])\./   # quoting, the folder at hand
    |\s+""",
    re.VERBOSE,
)


def _loose(answer: AIMessage) -> str:
    return _written.of(answer, "loose", partial(_written_loosely, answer))


def _written_loosely(answer: AIMessage) -> str:
    """The calls without what changes nothing: spaces, quotes, case, comments, and how large a
    number such as a timeout is."""
    calls = []
    for call in calls_of(answer):
        words = {k: _TRIVIAL.sub("", v).lower() for k, v in call.args.items() if isinstance(v, str)}
        rest = {k: v for k, v in call.args.items() if isinstance(v, list | dict)}
        calls.append([call.name, sorted(call.args), words, rest])
    return json.dumps(calls, sort_keys=True, default=str)


@lru_cache(maxsize=64)
def _steady(text: str) -> str:
    return steady(text)


def _never_ran(result: ToolMessage) -> bool:
    """Whether the call could not be read. One that was cut off has its own count."""
    text = str(result.content)
    said = text.startswith("Not run: ") and not text.startswith("Not run: the answer was cut")
    return said and outcome_of(result) == "failed"


def _signed(*seen: Any) -> str:
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


def held_back(message: ToolMessage) -> bool:
    """Whether the guard answered this call instead of a tool."""
    return bool(message.additional_kwargs.get(OURS, {}).get("held_back"))
