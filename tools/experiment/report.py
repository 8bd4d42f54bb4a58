"""A trial's result, for the model."""

from collections.abc import Iterator, Mapping, Sequence

from core.experiments.record import Experiment, Trial, best_of
from core.experiments.words import PLATEAU, beside, number, short, since_keep, where_folder_is
from core.tool import ToolResult
from tools.experiment.surroundings import unfrozen

#: Paths that are named at most.
SHOWN = 10
#: Verdicts of trials that failed.
FAILED = ("crash", "timeout", "void")
#: So many runs are in order by chance in 2 of 720 cases.
TREND = 6


def result_of(
    trial: Trial | None,
    experiment: Experiment,
    trials: Sequence[Trial],
    left: Mapping[str, str],
    *,
    said: str = "",
) -> ToolResult:
    """`left`: what could not be brought back. `said`: of no trial."""
    lines = [said] if said else []
    if trial is not None:
        lines += _of_trial(trial, experiment)
        lines += _standing(trial, trials)
    lines += [*_folder(experiment, trials, left)]
    failed = trial is not None and trial.verdict in FAILED
    return ToolResult("\n".join(lines), ok=not failed, outcome="failed" if failed else "done")


def results_of(
    group: Sequence[Trial],
    experiment: Experiment,
    trials: Sequence[Trial],
    left: Mapping[str, str],
) -> ToolResult:
    """Of trials that were made at once, in copies."""
    lines = [f"{len(group)} trials: {', '.join(f'{one.number} {one.verdict}' for one in group)}."]
    for trial in group:
        lines += [f"{short(trial.hypothesis)}:", *_of_trial(trial, experiment)]
        lines += [f"Its sub-agent: {trial.note}"] if trial.note else []
    lines += _standing(group[-1], trials)
    lines += [*_folder(experiment, trials, left)]
    return ToolResult("\n".join(lines))


def _folder(
    experiment: Experiment, trials: Sequence[Trial], left: Mapping[str, str]
) -> Iterator[str]:
    yield from (f"left as it is: {name}: {reason}" for name, reason in list(left.items())[:SHOWN])
    where = where_folder_is(experiment, trials)
    yield f"{where[0].upper()}{where[1:]}."


def _of_trial(trial: Trial, experiment: Experiment) -> list[str]:
    lines = [f"Trial {trial.number}: {trial.verdict}. {trial.rule}"]
    runs = ", ".join(number(v) for v in trial.values(experiment.judge.metric))
    if runs:
        ran = f"{runs} in {trial.seconds:.1f} s{beside(trial)}"
        lines.append(f"{experiment.judge.metric}: {ran}")
    if trial.verdict in ("crash", "timeout") and trial.files:
        lines.append(f"To fix it: run with parent={trial.number} brings its files here.")
    if len(trial.files) > 1:
        names = ", ".join(trial.files[:SHOWN])
        lines.append(f"{len(trial.files)} files changed at once ({names}): which one mattered?")
    if trial.verdict == "baseline":
        lines += _doubts(trial, experiment)
    return lines


def _standing(trial: Trial, trials: Sequence[Trial]) -> list[str]:
    """What follows from all trials, after `trial`."""
    best, lines = best_of(trials), []
    if best is not None and best.number != trial.number:
        lines.append(f"Best is still trial {best.number}, {number(best.value)}.")
    if (count := since_keep(trials)) >= PLATEAU:
        lines.append(f"Nothing was kept in {count} trials: try something of another kind.")
    return lines


def _doubts(trial: Trial, experiment: Experiment) -> Iterator[str]:
    """Of a baseline: what makes its judge weak."""
    judge, values = experiment.judge, trial.values(experiment.judge.metric)
    open_files = ", ".join(unfrozen(experiment.folder, judge)[:SHOWN])
    if not judge.frozen:
        yield "Nothing is frozen: a trial could change its own judge."
    elif open_files:
        yield f"Not frozen: {open_files}, which the command names. A trial could change that."
    if trial.progress.get("printed", 1) > 1:
        yield (
            "The metric was told several times; the last one counts. Print it once: then a trial "
            "that prints it itself is found out."
        )
    is_trend = sorted({*values}) in (values, values[::-1])
    if is_trend and len(values) >= TREND:
        yield (
            "Each run came out better, or each worse, than the one before: does the judge continue "
            "from what an earlier run left? Let every run start alike."
        )


def still_runs(trial: Trial, run: str) -> ToolResult:
    """`run`: the id of the background command."""
    done, in_copy = len(trial.metrics), "copy" in trial.progress
    again = "branch with the same hypotheses" if in_copy else "run with the same hypothesis"
    again = "define with the same arguments" if trial.parent is None else again
    return ToolResult(
        f"Trial {trial.number} is measured in the background: run {done + 1}, id {run}. Do not "
        f'edit files now. Call wait(until=[{{"process": "{run}"}}]), then {again}: it continues '
        f"{'these trials' if in_copy else 'this trial'}."
    )
