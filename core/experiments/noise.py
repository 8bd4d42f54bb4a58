"""Better than noise: when a trial is kept.

Two conditions, on all runs of the trial and of the best so far:

1. their medians differ by more than twice the larger MAD (median absolute deviation) of the two,
2. the order of the runs: so few runs of the best are as good as one of the trial's that chance
   alone puts them so with a probability under `level` (Mann-Whitney's U, counted exactly; ties
   count against the trial). It holds for noise of any shape, as long as runs can be exchanged.

The first alone keeps pure noise in more than half of all series of 20 trials with 3 repeats
(docs/guide/experiments.md, measured by docs/noise_limits.py). So a trial that could still be kept
after `repeats` runs is run again, up to a number that is fixed before its first run: looking and
then running more until it fits would be the error that this is about. The levels of all trials of
a series add up to 5 %, however long it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Literal

from core.experiments.record import Direction

#: Runs of the baseline, and of a trial that is kept, at least: with 6 each a perfect order has a
#: probability of 1 in 924.
FEWEST = 6
#: The level of each of the first trials, and what the later ones share: half of 5 % each.
FIRST, LEVEL, LATER = 20, 0.00125, 0.025
#: Differences that floating point makes are none.
RELATIVE = 1e-9


@dataclass(frozen=True)
class Compared:
    """more: it may be better, and needs `runs` in all. rule: the words for a verdict."""

    verdict: Literal["keep", "discard", "more"]
    runs: int
    rule: str


def baseline_runs(repeats: int) -> int:
    """Runs of a baseline. One repeat claims that there is no noise: two runs can refute that."""
    return 2 if repeats == 1 else max(FEWEST, 2 * repeats)


def compare(
    best: Sequence[float],
    trial: Sequence[float],
    *,
    direction: Direction,
    repeats: int,
    number: int,
) -> Compared:
    """What follows from the runs so far. `number`: its place in the series of trials, from 1."""
    sign = 1.0 if direction == "max" else -1.0
    ours, theirs = [sign * v for v in trial], [sign * v for v in best]
    gain = median(ours) - median(theirs)
    said = f"median {median(trial):.6g} against {median(best):.6g}"
    if gain <= RELATIVE * max(abs(median(ours)), abs(median(theirs))):
        return Compared("discard", len(trial), f"{said}: not better")
    if repeats == 1:
        return _without_noise(ours, theirs, said)
    runs = runs_to_keep(len(best), repeats, number)
    spread = max(mad(ours), mad(theirs))
    needed = f"2 x MAD = {2 * spread:.3g}"
    allowed = most_overtaken(len(best), runs, number)
    overtaken = sum(ours_ <= theirs_ for ours_ in ours for theirs_ in theirs)
    order = f"{overtaken} of {len(ours) * len(theirs)} pairs of runs against it, {allowed} allowed"
    if overtaken > allowed:
        return Compared("discard", len(trial), f"{said}: within the noise ({order})")
    if len(trial) < runs:
        return Compared("more", runs, f"{said}: it may be better; {runs} runs decide")
    said = f"{said}, {len(trial)} and {len(best)} runs: difference {gain:.3g}, {needed}"
    if gain <= 2 * spread:
        return Compared("discard", len(trial), f"{said}: within the noise")
    return Compared("keep", len(trial), f"{said}; {order}: better than the noise")


def _without_noise(ours: list[float], theirs: list[float], said: str) -> Compared:
    """With one repeat any gain counts, if a second run shows the very same."""
    if len(ours) < 2:
        return Compared("more", 2, f"{said}: it may be better; a second run decides")
    if max(ours) != min(ours) or max(theirs) != min(theirs):
        why = "its runs differ, and one repeat cannot tell a gain from noise; define 3"
        return Compared("discard", len(ours), f"{said}: {why}")
    return Compared("keep", len(ours), f"{said}, both reproduced exactly: better")


def mad(values: Sequence[float]) -> float:
    """The median absolute deviation from the median."""
    middle = median(values)
    return median(abs(value - middle) for value in values)


def level(number: int) -> float:
    """The probability with which trial `number` may be kept for nothing. The later ones' add up to
    LATER, since the sum of 1/n² beyond FIRST is less than 1/FIRST."""
    return LEVEL if number <= FIRST else LATER * FIRST / number**2


def runs_to_keep(best: int, repeats: int, number: int) -> int:
    """Runs that decide on a trial, against so many of the best."""
    runs = max(2 * repeats, FEWEST)
    while most_overtaken(best, runs, number) < 0:
        runs += 1
    return runs


@cache
def most_overtaken(best: int, runs: int, number: int) -> int:
    """The largest U that has a probability under the level; -1 if none has."""
    total, so_far, u = math.comb(best + runs, runs), 0, -1
    while True:
        so_far += _orders(best, runs, u + 1)
        if so_far > level(number) * total:
            return u
        u += 1


@cache
def _orders(first: int, second: int, u: int) -> int:
    """The orders of two groups in which exactly `u` pairs are the wrong way round."""
    if u < 0:
        return 0
    if first == 0 or second == 0:
        return int(u == 0)
    return _orders(first - 1, second, u - second) + _orders(first, second - 1, u)
