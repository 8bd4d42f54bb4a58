"""What the judges of the tasks share. Frozen, as they are; the grader uses it from outside."""

from collections.abc import Callable
from pathlib import Path


def main(metric: str, value: Callable[[str, int], float], parts: int) -> None:
    """Print the metric of the next run, the mean of so many parts. Its seeds follow from the
    number of the run: judging is noisy, and the same whenever the benchmark runs."""
    runs = Path("runs")
    number = int(runs.read_text()) if runs.exists() else 0
    runs.write_text(str(number + 1))
    values = [value("public", number * parts + n) for n in range(parts)]
    print(f"METRIC {metric}={sum(values) / parts:.6f}")
