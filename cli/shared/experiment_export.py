"""The trials of an experiment as CSV or JSON, and as runs of trackio."""

import contextlib
import csv
import io
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from cli.shared.experiment_text import as_data
from core.errors import UsageError
from core.experiments.record import Experiment, Trial
from core.experiments.words import short
from core.secrets.redaction import redacted_in

#: Columns before those of the metrics.
COLUMNS = (
    "number", "parent", "verdict", "value", "seconds", "cost_usd", "tokens", "began", "ended",
    "hypothesis", "rule", "files", "note",
)  # fmt: skip
#: They would send what is exported to another machine.
REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID")
#: What a run's configuration says of its trial.
CONFIG = (
    "number", "parent", "verdict", "value", "hypothesis", "rule", "seconds", "tokens", "note",
)  # fmt: skip
MISSING = UsageError(
    "Cannot export to trackio: it is not installed next to ML Agent.",
    "uv tool install ml-agent --with trackio, or: pip install trackio",
)


def as_json(experiment: Experiment, trials: Sequence[Trial]) -> str:
    return json.dumps(redacted_in(as_data(experiment, trials)), ensure_ascii=False, indent=2) + "\n"


def as_csv(trials: Sequence[Trial]) -> str:
    """A row per trial; each metric in a column, its runs separated by spaces."""
    names = sorted({name for trial in trials for run in trial.metrics for name in run})
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow([*COLUMNS, *(f"metric {name}" for name in names)])
    for trial in trials:
        row = {**redacted_in(vars(trial)), "cost_usd": trial.cost / 1e6}
        row["files"] = " ".join(trial.files)
        cells = ["" if row[name] is None else _harmless(row[name]) for name in COLUMNS]
        for name in names:
            cells.append(" ".join(repr(run[name]) for run in trial.metrics if name in run))
        rows.writerow(cells)
    return written.getvalue()


def _harmless(cell: Any) -> Any:
    """A spreadsheet runs a text that begins like a formula: the model wrote it, not the user."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell


def to_trackio(experiment: Experiment, trials: Sequence[Trial], project: str) -> list[str]:
    """Write a run per ended trial into a project of trackio on this machine; their names. A run
    that was exported before is replaced. Raises UsageError."""
    try:
        import trackio
    except ImportError:
        raise MISSING from None
    named = {f"{experiment.thread[:8]}-trial-{one.number}": one for one in trials
             if one.verdict != "running"}  # fmt: skip
    with _on_this_machine(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        known = _runs_of(project)
        for name, trial in named.items():
            if name in known and (known[name].config or {}).get("session") == experiment.thread:
                known[name].delete()
            config = {"session": experiment.thread, **_config(experiment, trial)}
            begun: Any = trackio.init(
                project, name, group=experiment.thread, config=config, embed=False,
                auto_log_gpu=False, auto_log_cpu=False,
            )  # fmt: skip
            for step, run in enumerate(trial.metrics or [{"seconds": trial.seconds}]):
                begun.log(dict(run), step=step)
            begun.finish()
        lost = set(named) - set(_runs_of(project))
    if lost:
        # It only warns if it cannot write.
        why = next((f" {short(str(each.message), 200)}" for each in told), "")
        said = f"Cannot export: trackio did not write {len(lost)} of {len(named)} runs.{why}"
        raise UsageError(said, "TRACKIO_DIR names its folder")
    return list(named)


def _runs_of(project: str) -> dict[str, Any]:
    """By name; none if the project is new."""
    import trackio

    try:
        return {run.name: run for run in trackio.Api().runs(project)}
    except ValueError:
        return {}


def _config(experiment: Experiment, trial: Trial) -> dict[str, Any]:
    kept = (
        "number",
        "parent",
        "verdict",
        "value",
        "hypothesis",
        "rule",
        "seconds",
        "tokens",
        "note",
    )
    values = {name: getattr(trial, name) for name in kept}
    judge = {"metric": experiment.judge.metric, "direction": experiment.judge.direction}
    found: dict[str, Any] = redacted_in({**values, **judge, "cost_usd": trial.cost / 1e6})
    return found


@contextlib.contextmanager
def _on_this_machine() -> Iterator[None]:
    """Nothing leaves this machine, and what trackio prints of its progress is not shown."""
    held = {name: os.environ.pop(name) for name in REMOTE if name in os.environ}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.environ.update(held)
