"""Prints which differences the rule of experiments detects, and what noise gets through.

    uv run python -m docs.noise_limits

docs/guide/experiments.md has its output. Seeds are fixed, so it prints the same each time.
"""

import math
import random
from collections.abc import Callable
from statistics import median

from core.experiments.noise import baseline_runs, compare, mad

Draw = Callable[[random.Random], float]
SHAPES: dict[str, Draw] = {
    "normal": lambda r: r.gauss(0, 1),
    "skewed": lambda r: math.exp(r.gauss(0, 1)),
    "heavy tails": lambda r: r.gauss(0, 1) / math.sqrt(r.expovariate(1)),
    "accuracy of 50 examples": lambda r: sum(r.random() < 0.9 for _ in range(50)) / 50,
}
REPEATS, SIGMAS = (2, 3, 5, 10), (1, 1.5, 2, 2.5, 3, 4, 5)
SERIES, TRIALS = 400, 20


def is_kept(best: list[float], draw: Callable[[], float], repeats: int, number: int) -> bool:
    runs = [draw() for _ in range(repeats)]
    while True:
        found = compare(best, runs, direction="max", repeats=repeats, number=number)
        if found.verdict != "more":
            return found.verdict == "keep"
        runs += [draw() for _ in range(found.runs - len(runs))]


def detected(repeats: int, sigmas: float) -> float:
    """The share of real gains of so many standard deviations that is kept."""
    source = random.Random(f"{repeats} {sigmas}")
    kept = 0
    for _ in range(SERIES):
        best = [source.gauss(0, 1) for _ in range(baseline_runs(repeats))]
        kept += is_kept(best, lambda: source.gauss(sigmas, 1), repeats, 10)
    return kept / SERIES


def fooled(shape: str, *, by_mad_alone: bool) -> float:
    """The share of series of pure noise in which a trial is kept, with 3 repeats."""
    source, kept = random.Random(shape), 0

    def draw() -> float:
        return SHAPES[shape](source)

    def is_better(best: list[float], number: int) -> bool:
        if not by_mad_alone:
            return is_kept(best, draw, 3, number)
        runs = [draw() for _ in range(3)]
        return median(runs) - median(best) > 2 * max(mad(runs), mad(best))

    for _ in range(SERIES):
        best = [draw() for _ in range(3 if by_mad_alone else baseline_runs(3))]
        kept += any(is_better(best, number) for number in range(1, TRIALS + 1))
    return kept / SERIES


def main() -> None:
    print("| repeats | " + " | ".join(f"{s:g} σ" for s in SIGMAS) + " |")
    print("| --- |" + " --- |" * len(SIGMAS))
    for repeats in REPEATS:
        shares = " | ".join(f"{detected(repeats, s):.0%}" for s in SIGMAS)
        print(f"| {repeats} | {shares} |")
    print("\n| noise | kept in 20 trials | by 2 × MAD alone |\n| --- | --- | --- |")
    for shape in SHAPES:
        ours, alone = (fooled(shape, by_mad_alone=b) for b in (False, True))
        print(f"| {shape} | {ours:.1%} | {alone:.0%} |")


if __name__ == "__main__":
    main()
