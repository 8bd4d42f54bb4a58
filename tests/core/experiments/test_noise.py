"""When a trial is kept: what noise gets through, and what a real gain does."""

import itertools
import math
import random
from collections.abc import Callable

import pytest

from core.experiments import noise
from core.experiments.noise import baseline_runs, compare, level, most_overtaken
from core.experiments.record import Direction

Draw = Callable[[random.Random], float]

SHAPES: dict[str, Draw] = {
    "normal": lambda r: r.gauss(0, 1),
    "skewed": lambda r: math.exp(r.gauss(0, 1)),
    "heavy tails": lambda r: r.gauss(0, 1) / math.sqrt(r.expovariate(1)),
    "spikes": lambda r: r.gauss(0, 1) + (5 if r.random() < 0.2 else 0),
    "accuracy of 50 examples": lambda r: sum(r.random() < 0.9 for _ in range(50)) / 50,
    "two values": lambda r: float(r.random() < 0.5),
}


def tried(
    best: list[float], draw: Callable[[], float], repeats: int, number: int, direction: Direction
) -> tuple[str, list[float]]:
    """The verdict on a trial, run again as long as the rule asks for it."""
    runs = [draw() for _ in range(repeats)]
    while True:
        found = compare(best, runs, direction=direction, repeats=repeats, number=number)
        if found.verdict != "more":
            return found.verdict, runs
        assert found.runs > len(runs)
        runs += [draw() for _ in range(found.runs - len(runs))]


@pytest.mark.parametrize(
    ("shape", "repeats", "direction"),
    [
        *((shape, 3, ("min", "max")[n % 2]) for n, shape in enumerate(SHAPES)),
        ("normal", 2, "max"),
        ("skewed", 2, "max"),
        ("normal", 5, "min"),
    ],
)
def test_noise_is_discarded_in_a_whole_series_of_twenty(
    shape: str, repeats: int, direction: Direction
) -> None:
    kept = 0
    for seed in range(100):
        source = random.Random(f"{shape} {repeats} {seed}")

        def draw(source: random.Random = source) -> float:
            return SHAPES[shape](source)

        best = [draw() for _ in range(baseline_runs(repeats))]
        verdicts = (tried(best, draw, repeats, n, direction)[0] for n in range(1, 21))
        kept += "keep" in verdicts
    assert kept <= 5


def test_two_mad_alone_would_let_noise_through() -> None:
    """Why there is a second condition."""
    passed = 0
    for seed in range(100):
        source = random.Random(seed)
        best = [source.gauss(0, 1) for _ in range(3)]
        trials = ([source.gauss(0, 1) for _ in range(3)] for _ in range(20))
        passed += any(
            sorted(t)[1] - sorted(best)[1] > 2 * max(noise.mad(t), noise.mad(best)) for t in trials
        )
    assert passed > 40


@pytest.mark.parametrize(("repeats", "sigmas"), [(2, 5), (3, 5), (5, 3)])
def test_a_real_gain_is_kept(repeats: int, sigmas: float) -> None:
    kept = 0
    for seed in range(100):
        source = random.Random(seed)
        best = [source.gauss(0, 1) for _ in range(baseline_runs(repeats))]
        kept += tried(best, lambda s=source: s.gauss(sigmas, 1), repeats, 10, "max")[0] == "keep"
    assert kept >= 90


def test_levels_of_any_series_add_up_to_five_percent() -> None:
    assert sum(map(level, range(1, 200_000))) <= 0.05


def test_the_order_is_counted_exactly() -> None:
    """Against every order of three and four runs."""
    places = list(itertools.combinations(range(7), 3))
    for u in range(13):
        counted = sum(
            sum(p > q for p in mine for q in range(7) if q not in mine) == u for mine in places
        )
        assert noise._orders(3, 4, u) == counted
    assert most_overtaken(6, 6, 1) == 0  # 1 of 924 orders
    assert most_overtaken(3, 3, 1) == -1  # even a perfect one is 1 of 20


def test_a_judge_without_noise() -> None:
    flat = [0.5] * 6
    more = compare(flat, [0.4] * 3, direction="min", repeats=3, number=1)
    assert (more.verdict, more.runs) == ("more", 6)
    assert compare(flat, [0.4] * 6, direction="min", repeats=3, number=1).verdict == "keep"
    assert compare(flat, [0.5] * 3, direction="min", repeats=3, number=1).verdict == "discard"
    tiny = [0.5 - 1e-13] * 6
    assert compare(flat, tiny, direction="min", repeats=3, number=1).verdict == "discard"


def test_one_repeat_needs_a_judge_that_reproduces() -> None:
    same = [1.0, 1.0]
    assert compare(same, [2.0], direction="max", repeats=1, number=1).verdict == "more"
    assert compare(same, [2.0, 2.0], direction="max", repeats=1, number=1).verdict == "keep"
    noisy = compare(same, [2.0, 2.1], direction="max", repeats=1, number=1)
    assert noisy.verdict == "discard"
    assert "cannot tell" in noisy.rule


def test_later_trials_need_more_runs() -> None:
    first = compare([0.0] * 6, [1.0] * 3, direction="max", repeats=3, number=1).runs
    later = compare([0.0] * 6, [1.0] * 3, direction="max", repeats=3, number=100).runs
    assert first == 6 < later
