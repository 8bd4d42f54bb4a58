"""A trial's result, for the model."""

from collections.abc import Mapping, Sequence

from core.experiments.record import Experiment, Trial, best_of
from core.experiments.words import PLATEAU, number, since_keep, where_folder_is
from core.tool import ToolResult

#: Paths that are named at most.
SHOWN = 10


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
        lines += _of_trial(trial, experiment, trials)
    lines += [f"left as it is: {name}: {reason}" for name, reason in list(left.items())[:SHOWN]]
    where = where_folder_is(experiment, trials)
    lines.append(f"{where[0].upper()}{where[1:]}.")
    failed = trial is not None and trial.verdict in ("crash", "timeout", "void")
    return ToolResult("\n".join(lines), ok=not failed, outcome="failed" if failed else "done")


def _of_trial(trial: Trial, experiment: Experiment, trials: Sequence[Trial]) -> list[str]:
    lines = [f"Trial {trial.number}: {trial.verdict}. {trial.rule}"]
    runs = ", ".join(number(v) for v in trial.values(experiment.judge.metric))
    if runs:
        lines.append(f"{experiment.judge.metric}: {runs} in {trial.seconds:.1f} s")
    if trial.verdict in ("crash", "timeout") and trial.parent is not None:
        lines.append(f"To fix it: run with parent={trial.number} brings its files here.")
    if len(trial.files) > 1:
        names = ", ".join(trial.files[:SHOWN])
        lines.append(f"{len(trial.files)} files changed at once ({names}): which one mattered?")
    if trial.verdict == "baseline" and not experiment.judge.frozen:
        lines.append("Nothing is frozen: a trial could change its own judge.")
    if trial.verdict == "baseline" and trial.progress.get("printed", 1) > 1:
        lines.append(
            "The metric was told several times; the last one counts. Print it once: then a trial "
            "that prints it itself is found out."
        )
    best = best_of(trials)
    if best is not None and best.number != trial.number:
        lines.append(f"Best is still trial {best.number}, {number(best.value)}.")
    if (count := since_keep(trials)) >= PLATEAU:
        lines.append(f"Nothing was kept in {count} trials: try something of another kind.")
    return lines


def still_runs(trial: Trial, run: str) -> ToolResult:
    """`run`: the id of the background command."""
    done = len(trial.metrics)
    return ToolResult(
        f"Trial {trial.number} is measured in the background: run {done + 1}, id {run}. Do not "
        f'edit files now. Call wait(until=[{{"process": "{run}"}}]), then run with the same '
        "hypothesis: it continues this trial."
    )
