"""Versions of channels: later ones sort after earlier ones, branches differ."""

from core.store.checkpoints.versions import next_version


def test_they_sort_as_they_come() -> None:
    made = [next_version(None)]
    for _ in range(1200):
        made.append(next_version(made[-1]))
    assert sorted(made) == made
    assert {len(version) for version in made} == {15}


def test_two_branches_do_not_give_the_same() -> None:
    assert len({next_version("00000007.abcdef") for _ in range(50)}) > 45
