"""Kills around a wait: none wakes a thread twice, none loses a wake, no request comes meanwhile.

Few of them here: `python -m benchmarks.waits_chaos --kills 200` is the proof.
"""

from pathlib import Path

from benchmarks.waits_chaos import run_trials


def test_no_kill_wakes_twice_or_loses_a_wake(tmp_path: Path) -> None:
    trials = run_trials(30, tmp_path)
    assert [t for t in trials if not t.good] == []
    assert sum(t.kills for t in trials) >= 30
