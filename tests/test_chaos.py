"""Promise 1, on the real program: random kills, nothing twice and nothing lost.

Few of them here: `python -m benchmarks.chaos --kills 200` is the proof.
"""

from pathlib import Path

from benchmarks.chaos import run_trials


def test_no_kill_repeats_or_loses_a_step(tmp_path: Path) -> None:
    trials = run_trials(10, tmp_path)
    assert [t for t in trials if not t.good] == []
    assert sum(t.kills for t in trials) >= 10


def test_nor_on_postgres_where_two_fight_for_the_thread(tmp_path: Path) -> None:
    trials = run_trials(4, tmp_path, database="postgres", fight=True)
    assert [t for t in trials if not t.good] == []
    assert sum(t.kills for t in trials) >= 4
    assert any(t.refused for t in trials)
