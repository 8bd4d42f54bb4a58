"""The tasks of `benchmarks.experiments`: what a trial may change, its judge, moves, a grader.

The judges and `judging.py` are copied into the folder that is worked in, and frozen there.
`grader.py` and its hidden data stay here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parent


@dataclass(frozen=True)
class Task:
    """moves: what a trial sets, by hypothesis, good and bad. grid: of each setting of `solve.py`,
    the values among which the grader looks for the best."""

    name: str
    metric: str
    moves: dict[str, dict[str, Any]]
    grid: dict[str, list[Any]]


TASKS = (
    Task(
        "regression",
        "mse",
        {
            "the curve bends": {"DEGREE": 2},
            "a strong penalty": {"RIDGE": 100.0},
            "it repeats": {"WAVES": 2},
            "a high degree fits all": {"DEGREE": 9},
            "many waves": {"WAVES": 9},
        },
        {"DEGREE": [0, 2, 9], "WAVES": [0, 2, 9], "RIDGE": [1.0, 100.0]},
    ),
    Task(
        "classification",
        "errors",
        {
            "all points vote": {"K": 119},
            "one feature is 300 times the other": {"SCALED": True},
            "single neighbours are noisy": {"K": 9},
            "half of all points vote": {"K": 61},
        },
        {"K": [1, 9, 61, 119], "SCALED": [False, True]},
    ),
    Task(
        "language",
        "bits",
        {
            "four letters of context": {"ORDER": 4},
            "a lot of smoothing": {"SMOOTH": 20.0},
            "fall back to shorter contexts": {"MIX": True},
            "less smoothing": {"SMOOTH": 0.1},
            "no context": {"ORDER": 0},
        },
        {"ORDER": [0, 4], "SMOOTH": [0.1, 1.0, 20.0], "MIX": [False, True]},
    ),
    Task(
        "scheduler",
        "wait",
        {
            "the newest first": {"POLICY": "last"},
            "the shortest first": {"POLICY": "shortest"},
            "none waits for long": {"AGING": 9.0},
            "a little aging": {"AGING": 1.0},
            "lengths do not matter": {"GUESS": 1.0},
        },
        {"POLICY": ["first", "last", "shortest"], "AGING": [0.0, 1.0, 9.0], "GUESS": [0.0, 1.0]},
    ),
    Task(
        "function",
        "height",
        {
            "to the left": {"X": -2.0},
            "to the right": {"X": 2.0},
            "further right": {"X": 4.0},
            "up": {"Y": 1.0},
            "down": {"Y": -1.0},
            "aside": {"Z": 2.0},
        },
        {"X": [-2.0, 0.0, 2.0, 4.0], "Y": [-1.0, 0.0, 1.0], "Z": [0.0, 2.0]},
    ),
)
