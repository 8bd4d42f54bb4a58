"""What is stored of an experiment and its trials (core/store/experiments.py has the tables)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

#: min: less is better.
Direction = Literal["min", "max"]
#: running: it has no verdict yet. baseline: the first measurement, trial 0. discard: not better
#: beyond the noise. void: the judge was not the one of the baseline, so nothing was measured.
Verdict = Literal["running", "baseline", "keep", "discard", "crash", "timeout", "void"]

#: Verdicts of trials that others are compared with.
KEPT: tuple[Verdict, ...] = ("baseline", "keep")


@dataclass(frozen=True)
class Judge:
    """How a trial is measured.

    Attributes:
        metric: the name in a line `METRIC name=value`, or `file.json:key.of.value`.
        command: a shell line that prints or writes it.
        frozen: paths below the folder that no trial may change, files or folders.
        repeats: runs of the command per trial, at least. max_time: seconds of one run.
    """

    metric: str
    direction: Direction
    command: str
    frozen: tuple[str, ...] = ()
    repeats: int = 3
    max_time: float = 600.0


@dataclass(frozen=True)
class Place:
    """The state of the folder. at: the snapshot that it was brought to last, "" before the first.
    to: the snapshot that it is being brought to; "" if no restore is open. is_discard: what a trial
    added goes, even if it told git to ignore that."""

    at: str = ""
    to: str = ""
    is_discard: bool = False


@dataclass(frozen=True)
class Experiment:
    """The experiment of a thread.

    Attributes:
        folder: absolute. digest: of the frozen files when it was defined.
        made: epoch seconds. spent, tokens: what the thread had come to by then, micro-USD and
            tokens of the model. notes: lessons that belong to all trials.
    """

    thread: str
    judge: Judge
    folder: str
    digest: str
    made: float
    spent: int = 0
    tokens: int = 0
    place: Place = Place()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """One trial; number 0 is the baseline.

    Attributes:
        call_id: the call that ran it; a second time it is the same trial.
        parent: the trial whose files it changed; None for the baseline.
        metrics: by run, in their order, every metric that it told. value: the median of the
            judge's metric; None without one.
        rule: why it has its verdict, in words. files: paths that differ from the parent.
        diff: of text files, unified, cut where it is long.
        snapshot: the files that were judged (kept and baseline: as the judge left them).
        seconds: of all its runs. cost: micro-USD of the thread since the trial before it.
        tokens: of the model, since then. began, ended: epoch seconds.
        note: what was learned. progress: runs under way, for the process that continues them.
    """

    thread: str
    number: int
    call_id: str
    parent: int | None
    hypothesis: str
    verdict: Verdict = "running"
    metrics: Sequence[Mapping[str, float]] = ()
    value: float | None = None
    rule: str = ""
    files: Sequence[str] = ()
    diff: str = ""
    snapshot: str = ""
    digest: str = ""
    seconds: float = 0.0
    cost: int = 0
    tokens: int = 0
    began: float = 0.0
    ended: float | None = None
    note: str = ""
    progress: Mapping[str, Any] = field(default_factory=dict)

    def values(self, metric: str) -> list[float]:
        """The judge's metric, run by run."""
        return [run[metric] for run in self.metrics if metric in run]


class Experiments(Protocol):
    """The tables, as a tool sees them."""

    async def define(self, experiment: Experiment) -> None:
        """Store a thread's experiment; one that it had goes, with its trials."""

    async def get(self, thread: str) -> Experiment | None: ...

    async def trials(self, thread: str) -> list[Trial]:
        """By number."""

    async def begin(self, trial: Trial) -> Trial:
        """Store a trial under the next number; the one that its call began before, if it did."""

    async def update(self, trial: Trial, **changes: Any) -> Trial:
        """Change a trial that is running; as it then is. The first end counts: later changes
        are dropped."""

    async def end(self, trial: Trial, place: Place | None, **changes: Any) -> Trial:
        """`update` with a verdict; and where the folder is then, in the same transaction."""

    async def annotate(self, thread: str, number: int | None, text: str) -> None:
        """Add a note to a trial, or to the experiment."""

    async def put_place(self, thread: str, place: Place) -> None: ...


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The trial that others are compared with: the newest that was kept."""
    return next((one for one in reversed(trials) if one.verdict in KEPT), None)
