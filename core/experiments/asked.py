"""An experiment that the user asked for: its judge, and how many trials (`experiments run`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from core.experiments.record import Experiment, Judge, Trial, best_of
from core.experiments.words import trial_line


def asked_for(judge: Judge, trials: int) -> dict[str, Any]:
    """As it is stored with a goal, and given to a run (AgentContext.experiment)."""
    return {"judge": asdict(judge), "trials": trials}


def judge_asked(asked: Mapping[str, Any]) -> Judge | None:
    """None: nothing is asked for."""
    if not asked:
        return None
    told = dict(asked["judge"])
    return Judge(**{**told, "frozen": tuple(told["frozen"])})


def in_words(judge: Judge) -> str:
    """A judge as the arguments of `define`."""
    frozen = ", ".join(judge.frozen) or "nothing"
    return (
        f"metric {judge.metric}, direction {judge.direction}, command `{judge.command}`, frozen "
        f"{frozen}, repeats {judge.repeats}, max_time {judge.max_time:g}"
    )


def same_judge(one: Judge, other: Judge, folder: str) -> bool:
    """Whether two judges of a folder are the same, however their frozen paths are written."""

    def written(judge: Judge) -> Judge:
        places = {os.path.normpath(os.path.join(folder, path)) for path in judge.frozen}
        return replace(judge, frozen=tuple(sorted(places)))

    return written(one) == written(other)


def trials_left(asked: Mapping[str, Any], trials: Sequence[Trial]) -> int | None:
    """Trials that may still begin; None: no number is asked for."""
    made = sum(one.parent is not None for one in trials)
    return max(int(asked["trials"]) - made, 0) if asked else None


def standing(
    asked: Mapping[str, Any], experiment: Experiment | None, trials: Sequence[Trial]
) -> tuple[bool, str]:
    """(whether all trials that are asked for have a verdict, how far it has come)."""
    judge, best = judge_asked(asked), best_of(trials)
    assert judge is not None
    if experiment is None or best is None:
        return False, f"No baseline is measured. Call experiment, define, with {in_words(judge)}."
    done = sum(one.parent is not None and one.verdict != "running" for one in trials)
    said = f"{done} of {asked['trials']} trials are measured. Best: {trial_line(best)}"
    return done >= int(asked["trials"]), said
