"""What the working directory and the home hold is known again, and each change of it is seen."""

import os
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from configs import kept_ways
from configs.kept_ways import LEAST_AGE, KeptFolders
from core.policy.secret_files import is_secret_name
from tools.workspace.command_sandbox import places, repositories
from tools.workspace.command_sandbox.repositories import entries_by_kind, special_in

#: Seconds in which a kernel's coarse clock goes on.
TICK = 0.02
NAMES = (".git", ".env", ".ml-agent", "x.git", "config", "HEAD", "hooks", "sub", "key.pem")


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was changed a moment ago was changed long ago, on a disk that is relied on."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + int(2 * LEAST_AGE * 1e9))
    monkeypatch.setattr(kept_ways, "_is_own_disk", lambda status: True)
    monkeypatch.setattr(repositories, "kept", KeptFolders(entries_by_kind))
    monkeypatch.setattr(places, "kept", KeptFolders(places._entries))


def change(chance: random.Random, place: Path, tree: Path) -> None:
    kind = chance.choice(["folder", "folder", "folder", "file", "file", "link", "away", "gone"])
    if kind == "folder":
        place.mkdir(parents=True)
    elif kind == "file":
        place.touch()
    elif kind == "link":
        place.symlink_to(chance.choice([tree / "sub", "HEAD", "../sub"]))
    elif kind == "away":
        place.rename(tree / chance.choice(NAMES))
    elif place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()


def changes(seed: int, tree: Path, names: Sequence[str]) -> Iterator[None]:
    """After each of up to 60 random changes below `tree`, when the clock has moved on."""
    chance = random.Random(seed)
    tree.mkdir()
    for _ in range(60):
        with suppress(OSError):
            change(chance, tree.joinpath(*chance.choices(names, k=chance.randint(1, 3))), tree)
            time.sleep(TICK)
            yield


@pytest.mark.parametrize("seed", range(6))
def test_each_change_is_seen(
    old: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    tree, known = tmp_path / "t", 0
    for _ in changes(seed, tree, NAMES):
        known += str(tree) in repositories.kept
        with monkeypatch.context() as afresh:
            afresh.setattr(repositories, "kept", KeptFolders(entries_by_kind))
            expected = special_in(str(tree))
        for _ in range(2):
            assert special_in(str(tree)) == expected
    assert known


@pytest.mark.parametrize("seed", range(3))
def test_each_new_secret_of_the_home_is_seen(
    old: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Of a link, also what it leads to."""
    home, known = tmp_path / "h", 0
    monkeypatch.setattr(places, "home", lambda: str(home))
    names = (".env", ".config", ".netrc", "sub", ".x", "key.pem")
    for _ in changes(seed, home, names):
        known += str(home) in places.kept
        with monkeypatch.context() as afresh:
            afresh.setattr(places, "kept", KeptFolders(places._entries))
            expected = places._named_secret_in_home()
        found = [
            path
            for pattern in ("*", ".*/*", ".config/*/*")
            for path in map(str, home.glob(pattern))
            if is_secret_name(path) and os.path.isfile(path)
        ]
        for _ in range(2):
            assert places._named_secret_in_home() == expected
            assert set(expected) == set(found)
    assert known


def test_a_folder_is_listed_again_only_if_it_changed(
    old: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "t"
    for name in ("a", "b/c"):
        (tree / name).mkdir(parents=True)
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(path), scandir(path))[1])
    special_in(str(tree))
    assert len(listed) == 4
    special_in(str(tree))
    assert len(listed) == 4
    time.sleep(TICK)
    (tree / "b/c/.env").touch()
    assert special_in(str(tree)).secret == [str(tree / "b/c/.env")]
    assert listed[4:] == [str(tree / "b/c")]


def test_a_folder_that_was_just_changed_is_listed_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within one step of the file system's clock leave one time."""
    monkeypatch.setattr(kept_ways, "_is_own_disk", lambda status: True)
    assert special_in(str(tmp_path)).secret == []
    (tmp_path / ".env").touch()
    assert special_in(str(tmp_path)).secret == [str(tmp_path / ".env")]
