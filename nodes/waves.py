"""Waves: which calls of one answer run side by side. Pure.

Neighbours that only read, run commands or jobs go together; a write, a publish or a destroy
goes alone, in the model's order. All of a wave's calls are one superstep. Calls that wait are the
last wave: everything else has its result before the run ends there (nodes/wait.py).
"""

from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage

from core.effects import ALONE
from core.history import Call, calls_of, last_answer, results_of
from core.state import Verdict
from tools.wait.tool import is_wait


def waves(calls: Sequence[Call], verdicts: Mapping[str, Verdict]) -> list[list[Call]]:
    """`calls` in order, cut into waves. A call that will not run harms no neighbour."""
    cut: list[list[Call]] = []
    open_wave = False
    last = [call for call in calls if is_wait(call, verdicts)]
    for call in calls:
        if call in last:
            continue
        verdict = verdicts.get(call.id)
        alone = verdict is not None and (verdict["effect"] in ALONE or "alone" in verdict)
        if alone or not open_wave:
            cut.append([])
        cut[-1].append(call)
        open_wave = not alone
    return [*cut, last] if last else cut


def next_wave(
    messages: Sequence[BaseMessage], verdicts: Mapping[str, Verdict]
) -> tuple[list[Call], bool]:
    """What comes after the wave that has just run.

    Returns (calls of the next wave, whether this view of the state leads it).

    Each task of a superstep routes with its own result alone in view, so that all of a wave's
    tasks see the same wave as the newest, and only the task of its first call sees that call
    answered: this one leads, and the others add nothing.
    """
    answer = last_answer(messages)
    if answer is None:
        return [], True
    answered = results_of(messages)
    following: list[Call] = []
    for wave in reversed(waves(calls_of(answer), verdicts)):
        if any(call.id in answered for call in wave):
            return following, wave[0].id in answered
        following = wave
    return following, True
