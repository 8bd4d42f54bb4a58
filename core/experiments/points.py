"""The trials of an experiment as points of a chart: value, spread of its runs, cost."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from core.experiments.noise import mad
from core.experiments.record import KEPT, Experiment, Trial, best_of
from core.experiments.words import short

#: A value that is so many MADs away from the median is outside of the chart: one run that
#: diverged would leave a flat line of all others. A kept one is always inside.
FAR = 20


@dataclass(frozen=True)
class Point:
    """A trial that was measured.

    Attributes:
        value: the median of its runs. low, high: the lowest and the highest of them.
        best: the value that others were compared with right after it; None: none was kept yet.
        cost: micro-USD. seconds: of all its runs.
    """

    number: int
    verdict: str
    value: float
    low: float
    high: float
    best: float | None
    cost: int
    seconds: float
    hypothesis: str

    @property
    def is_kept(self) -> bool:
        return self.verdict in KEPT


@dataclass(frozen=True)
class Chart:
    """Attributes: best: number of the best trial. failed: trials without a value, as (number,
    verdict, hypothesis). limits: lowest and highest value that is drawn; points beyond are named
    instead."""

    metric: str
    direction: str
    points: tuple[Point, ...]
    best: int | None
    failed: tuple[tuple[int, str, str], ...]
    limits: tuple[float, float]

    @property
    def shown(self) -> list[Point]:
        low, high = self.limits
        return [one for one in self.points if low <= one.value <= high]

    @property
    def outside(self) -> list[Point]:
        return [one for one in self.points if one not in self.shown]

    def with_words(self, change: Callable[[str], str]) -> "Chart":
        """The same with `change` of every text that a model or a judge chose."""
        points = [replace(one, hypothesis=change(one.hypothesis)) for one in self.points]
        failed = [(number, verdict, change(text)) for number, verdict, text in self.failed]
        metric = change(self.metric)
        return replace(self, metric=metric, points=tuple(points), failed=tuple(failed))

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "captions": captions(self)}


def chart_of(experiment: Experiment, trials: Sequence[Trial]) -> Chart:
    """Running trials are not in it."""
    metric, found = experiment.judge.metric, best_of(trials)
    points, best = [], None
    for one in trials:
        runs = [value for value in one.values(metric) if math.isfinite(value)]
        if one.verdict == "running" or one.value is None:
            continue
        best = one.value if one.verdict in KEPT else best
        low, high = min([*runs, one.value]), max([*runs, one.value])
        points.append(
            Point(
                one.number, one.verdict, one.value, low, high, best, one.cost,
                round(one.seconds, 3), short(one.hypothesis),
            )
        )  # fmt: skip
    failed = [
        (one.number, one.verdict, short(one.hypothesis))
        for one in trials
        if one.value is None and one.verdict != "running"
    ]
    number = found.number if found else None
    direction = experiment.judge.direction
    return Chart(metric, direction, tuple(points), number, tuple(failed), _limits(points))


def _limits(points: Sequence[Point]) -> tuple[float, float]:
    if not points:
        return 0.0, 0.0
    values = [one.value for one in points]
    middle, reach = median(values), FAR * mad(values)
    kept = [one.value for one in points if one.is_kept]
    near = [one for one in points if abs(one.value - middle) <= reach] if reach else points
    inside = [*kept, *(one.value for one in near)]
    # The spread of a kept trial belongs to the picture, that of others as far as it is near.
    low = min(max(one.low, one.value - reach) if reach else one.low for one in near)
    high = max(min(one.high, one.value + reach) if reach else one.high for one in near)
    return min(low, *inside), max(high, *inside)


def captions(chart: Chart) -> list[str]:
    """What the picture does not show, in words."""
    best = next((one for one in chart.points if one.number == chart.best), None)
    lines = []
    if best is not None:
        name = "baseline" if best.verdict == "baseline" else best.hypothesis
        lines.append(f"best: trial {best.number}, {chart.metric} {best.value:.6g}: {name}")
    if chart.outside:
        lines.append("outside of the chart: " + ", ".join(
            f"trial {one.number} ({one.value:.6g})" for one in chart.outside))  # fmt: skip
    if chart.failed:
        lines.append("no value: " + ", ".join(f"trial {n} ({why})" for n, why, _ in chart.failed))
    return lines
