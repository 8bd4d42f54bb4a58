"""Promise 1, on the real program: random kills, nothing twice and nothing lost.

`python -m benchmarks.chaos --kills 200` does the same for longer.
"""

from pathlib import Path

from benchmarks.chaos import run_trials


def test_no_kill_repeats_or_loses_a_step(tmp_path: Path) -> None:
    trials = run_trials(30, tmp_path)
    assert [t for t in trials if not t.good] == []
    assert sum(t.kills for t in trials) >= 30


def test_nor_on_postgres_where_two_fight_for_the_thread(tmp_path: Path) -> None:
    trials = run_trials(8, tmp_path, database="postgres", fight=True)
    assert [t for t in trials if not t.good] == []
    assert sum(t.kills for t in trials) >= 8
    assert any(t.refused for t in trials)
