"""The smallest task of the benchmark of experiments: the best is found, luck and another judge not.

All five, and 100 lucky trials: `python -m benchmarks.experiments`.
"""

from pathlib import Path

import pytest

from benchmarks.experiment_tasks import PLACE, TASKS, Task
from benchmarks.experiments import grades, run_luck, run_task


def test_the_best_is_found_and_luck_is_not_kept(tmp_path: Path) -> None:
    task = next(one for one in TASKS if one.name == "function")
    found = run_task(task, tmp_path)
    assert found.found == pytest.approx(found.best)
    assert found.first > found.best + 5
    assert (found.luck, found.judge) == (["discard"], ["void"])
    assert found.good
    kept = {one.hypothesis for one in found.trials if one.verdict == "keep"}
    assert kept == {"to the right", "down"}


def test_a_lucky_trial_is_discarded(tmp_path: Path) -> None:
    assert run_luck(0, tmp_path).verdict == "discard"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_each_task_can_be_improved(task: Task) -> None:
    settings = {name: value for move in task.moves.values() for name, value in move.items()}
    assert settings.keys() == task.grid.keys()
    assert all(value in task.grid[name] for name, value in settings.items())
    source = (PLACE / task.name / "solve.py").read_text()
    assert all(f"\n{name} = " in source for name in settings)


def test_the_grader_uses_its_own_judge(tmp_path: Path) -> None:
    task = next(one for one in TASKS if one.name == "function")
    (tmp_path / "solve.py").write_text("X, Y, Z = 2.0, -1.0, 0.0\n")
    (tmp_path / "judge.py").write_text("def value(salt, seed):\n    return -1.0\n")
    assert grades(task, tmp_path, [{}])[0] > 2
