"""The trials of an experiment as charts in the terminal: metric over trial, cost over metric."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.experiments.noise import RELATIVE
from core.experiments.points import Chart, Point, captions

if TYPE_CHECKING:
    from plotille import Figure

#: How a trial is drawn.
MARKS = {"best": "★", "kept": "◆", "other": "•"}
#: Columns between two numbers of plotille's axis, and rows of a chart.
TICK, ROWS = 10, 15
BLANK = "\u2800"
#: Values between which both libraries can divide an axis.
SMALLEST, LARGEST = 1e-100, 1e100


def check_drawable(chart: Chart) -> None:
    """Raises UsageError: there is nothing to draw."""
    if not chart.points:
        raise UsageError("Cannot plot: no trial was measured yet.", "ml-agent experiments list")
    if not all(abs(limit) < LARGEST for limit in chart.limits):
        raise UsageError("Cannot plot: the values are too large.", "ml-agent experiments list")


def plotted(chart: Chart, columns: int) -> Iterator[str]:
    """Both charts in so many columns, with a legend. Raises UsageError."""
    check_drawable(chart)
    yield from _over_trials(chart, columns)
    yield f"{MARKS['best']} best  {MARKS['kept']} kept  {MARKS['other']} not kept  " + (
        "│ lowest to highest run  ─ best so far"
    )
    yield from captions(chart)
    what, costs = costs_of(chart)
    if len(chart.shown) > 1 and any(costs):
        yield ""
        yield from _over_metric(chart, columns, what, costs)


def costs_of(chart: Chart) -> tuple[str, list[float]]:
    """(what, how much of it each trial that is shown took): USD; seconds if none cost anything."""
    costs = [one.cost / 1e6 for one in chart.shown]
    return ("USD", costs) if any(costs) else ("seconds", [one.seconds for one in chart.shown])


def steps_of(chart: Chart) -> tuple[list[float], list[float]]:
    """The best so far as a line of steps."""
    xs: list[float] = []
    ys: list[float] = []
    for one in chart.points:
        if one.best is not None:
            xs += [one.number, one.number]
            ys += [ys[-1] if ys else one.best, one.best]
    return xs, ys


def drawn_range(low: float, high: float) -> tuple[float, float]:
    """An axis that these values fit on, with a margin."""
    size = max(abs(low), abs(high))
    if high - low > size * RELATIVE and high - low > SMALLEST:
        margin = (high - low) * 0.06
    else:
        margin = size * 0.1 if size > SMALLEST else 1.0
    return low - margin, high + margin


def kind_of(chart: Chart, point: Point) -> str:
    return "best" if point.number == chart.best else "kept" if point.is_kept else "other"


def _over_trials(chart: Chart, columns: int) -> Iterator[str]:
    last = max(chart.points[-1].number, 3)
    # Whole numbers at the axis: so many trials from one to the next. Its end is behind the last
    # trial, as plotille leaves out what is right at the end.
    step = math.ceil((last + 1) / (_room(columns, "trial") // TICK))
    ticks = last // step + 1
    figure = _figure(ticks * TICK, ("trial", chart.metric))
    figure.set_x_limits(0, ticks * step)
    low, high = chart.limits
    figure.set_y_limits(*drawn_range(low, high))
    for one in chart.shown:
        bar = [max(one.low, low), min(one.high, high)]
        figure.plot([one.number, one.number], bar)
    figure.plot(*steps_of(chart))
    _marks(figure, chart, [one.number for one in chart.shown], [one.value for one in chart.shown])
    yield from _lines(figure)


def _over_metric(chart: Chart, columns: int, what: str, costs: Sequence[float]) -> Iterator[str]:
    figure = _figure(_room(columns, chart.metric), (chart.metric, what))
    values = [one.value for one in chart.shown]
    figure.set_x_limits(*drawn_range(min(values), max(values)))
    figure.set_y_limits(0, max(costs) * 1.06)
    _marks(figure, chart, values, costs)
    yield from _lines(figure)


def _marks(figure: "Figure", chart: Chart, xs: Sequence[float], ys: Sequence[float]) -> None:
    """The best last: what is drawn later covers what was there."""
    for kind in ("other", "kept", "best"):
        at = [n for n, one in enumerate(chart.shown) if kind_of(chart, one) == kind]
        if at:
            figure.scatter([xs[n] for n in at], [ys[n] for n in at], marker=MARKS[kind])


def _room(columns: int, label: str) -> int:
    """Columns between the numbers of one axis and the label of the other."""
    return max(2 * TICK, min(columns, 120) - 20 - len(label[:20]))


def _figure(width: int, names: tuple[str, str]) -> "Figure":
    from plotille import Figure

    figure = Figure()
    figure.width, figure.height = width, ROWS
    figure.x_label, figure.y_label = names[0][:20], names[1][:20]
    figure.with_colors, figure.origin, figure.linesep = False, False, "\n"
    figure.x_ticks_fkt = figure.y_ticks_fkt = lambda low, high: f"{low:.4g}"
    return figure


def _lines(figure: "Figure") -> Iterator[str]:
    # A chat shows plotille's blank of Braille as a hidden character.
    for line in figure.show().replace(BLANK, " ").split("\n"):
        yield line.rstrip()
