"""An experiment for a user: a table, a tree, plain data."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from core.experiments.record import Experiment, Trial, best_of
from core.experiments.words import beside, number, short, where_folder_is
from core.units import dollars


def as_data(experiment: Experiment, trials: Sequence[Trial]) -> dict[str, Any]:
    best = best_of(trials)
    return {
        "thread": experiment.thread,
        **asdict(experiment.judge),
        "best": best.number if best else None,
        "folder": where_folder_is(experiment, trials),
        "notes": list(experiment.notes),
        "trials": [trial_data(one) for one in trials],
    }


def trial_data(trial: Trial) -> dict[str, Any]:
    hidden = ("progress", "call_id", "digest", "thread")
    return {name: value for name, value in asdict(trial).items() if name not in hidden}


def table(experiment: Experiment, trials: Sequence[Trial]) -> Iterator[str]:
    best = best_of(trials)
    yield f"{'':2}{'trial':>5} {'verdict':<8} {experiment.judge.metric:>12} {'time':>8} hypothesis"
    for one in trials:
        mark = "*" if one is best else " "
        value = number(one.value) if one.value is not None else "-"
        yield (
            f"{mark} {one.number:>5} {one.verdict:<8} {value:>12} {one.seconds:>7.1f}s "
            f"{short(one.hypothesis, 60)}"
        )
    if where := where_folder_is(experiment, trials):
        yield where


def tree(trials: Sequence[Trial], parent: int | None = None, indent: str = "") -> Iterator[str]:
    """Each trial below the one whose files it changed."""
    children = [one for one in trials if one.parent == parent]
    for place, one in enumerate(children):
        is_last = place == len(children) - 1
        branch = "" if parent is None else "└─ " if is_last else "├─ "
        yield f"{indent}{branch}{one.number} {one.verdict} {number(one.value)}  " + short(
            one.hypothesis, 60
        )
        below = "" if parent is None else "   " if is_last else "│  "
        yield from tree(trials, one.number, indent + below)


def in_full(experiment: Experiment, trial: Trial) -> Iterator[str]:
    yield f"trial {trial.number}, {trial.verdict}: {trial.hypothesis}"
    yield trial.rule
    runs = ", ".join(number(v) for v in trial.values(experiment.judge.metric))
    yield f"{experiment.judge.metric}: {runs or 'no value'}"
    spent = f"{trial.seconds:.1f} s, {dollars(trial.cost)}, {trial.tokens:,} tokens"
    waited = trial.progress.get("waited")
    spent += f", waited {waited:g} s for its device" if waited else ""
    yield f"{spent}{beside(trial)}"
    if trial.note:
        yield f"note: {trial.note}"
    yield from trial.diff.splitlines()
