"""Where special places lead is kept, and known again as soon as one of their folders changes."""

import os
import random
import time
from pathlib import Path

import pytest

from configs import kept_ways
from configs.kept_ways import LEAST_AGE, existing_paths, real_paths
from configs.layers import shipped_settings
from core.effects import Effect
from core.policy.decide import Situation, decide
from core.policy.rules import rules_of

#: Seconds in which a kernel's coarse clock goes on.
TICK = 0.02


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was changed a moment ago was changed long ago, on a disk that is relied on."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + int(2 * LEAST_AGE * 1e9))
    monkeypatch.setattr(kept_ways, "_is_own_disk", lambda status: True)


@pytest.mark.parametrize("seed", range(4))
def test_they_lead_where_python_says_after_each_change(
    old: None, tmp_path: Path, seed: int
) -> None:
    chance, names = random.Random(seed), ["a", "b", "c"]
    asked = tuple(
        os.path.join(tmp_path, *chance.choices(names, k=chance.randint(1, 3))) for _ in range(12)
    )
    kept = 0
    for _ in range(60):
        place = tmp_path.joinpath(*chance.choices(names, k=chance.randint(1, 2)))
        kind = chance.choice(["folder", "file", "link", "away", "away", "nothing"])
        try:
            if kind == "away":
                place.rename(tmp_path / f"away-{time.monotonic_ns()}")
            elif kind == "folder":
                place.mkdir()
            elif kind == "file":
                place.touch()
            elif kind == "link":
                place.symlink_to(chance.choice([tmp_path / "a", "b", "../c", "/"]))
        except OSError:
            continue
        time.sleep(TICK)
        kept += asked in kept_ways._kept
        expected = tuple(map(os.path.realpath, asked))
        existing = {os.path.realpath(path) for path in asked if os.path.exists(path)}
        for _ in range(2):
            assert real_paths(asked) == expected
            assert existing_paths(asked) == existing
    assert kept


def test_what_stays_is_not_looked_up_again(
    old: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    asked = tuple(str(tmp_path / name) for name in ("x", "y", "z", "config/x", "no/x"))
    assert real_paths(asked) == asked
    looks, lstat = [], os.lstat
    monkeypatch.setattr(os, "lstat", lambda path: (looks.append(path), lstat(path))[1])
    assert real_paths(asked) == asked
    assert not set(looks) & set(asked)
    assert len(looks) == len(set(looks))
    time.sleep(TICK)
    (tmp_path / "y").symlink_to("config")
    assert real_paths(asked)[1] == str(tmp_path / "config")


def test_a_folder_that_was_just_changed_is_looked_into_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within one step of the file system's clock leave one time."""
    monkeypatch.setattr(kept_ways, "_is_own_disk", lambda status: True)
    asked = (str(tmp_path / "x"),)
    assert real_paths(asked) == asked
    assert asked not in kept_ways._kept
    (tmp_path / "x").symlink_to("one")
    assert real_paths(asked) == (str(tmp_path / "one"),)


def test_a_profile_that_becomes_a_link_is_protected_where_it_leads(
    old: None, workdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "someone"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    here = Situation("auto", str(workdir), rules_of(shipped_settings().permissions))
    effects = [
        (Effect("execute", command="echo x > profile"), "bash"),
        (Effect("write", paths=("profile",)), "write"),
    ]
    for effect, tool in effects:
        assert decide(tool, effect, [], here).action == "run"
    time.sleep(TICK)
    (home / ".bashrc").symlink_to(workdir / "profile")
    for effect, tool in effects:
        assert decide(tool, effect, [], here).action != "run"
    (home / ".bashrc").unlink()
    time.sleep(TICK)
    (home / ".ssh").symlink_to(workdir)
    assert decide("read", Effect("read", paths=("profile",)), [], here).action == "deny"
