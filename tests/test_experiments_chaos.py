"""Kills around trials, in the folder and in copies: none comes twice, no folder is half-restored.

Few of them here: `python -m benchmarks.experiments_chaos --kills 200` is the proof.
"""

from pathlib import Path

from benchmarks.experiments_chaos import outcomes


def test_no_kill_repeats_a_trial_or_leaves_a_folder_between(tmp_path: Path) -> None:
    found = outcomes(5, tmp_path)
    assert [one for one in found if not one.good] == []
    assert sum(one.kills for one in found) >= 5
