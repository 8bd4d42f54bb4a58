"""Where a path leads is known, or taken for outside; it is never an error."""

import os
import random
from pathlib import Path

import pytest

from configs.layers import shipped_settings
from configs.real_path import one_look, path_of_existing, real_path
from core.effects import Effect
from core.policy.decide import Situation, decide
from core.policy.rules import rules_of
from graph.turn_files import names_of
from tools.workspace.command_sandbox.refusals import refusal


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A link that may not be read, as /proc/1/root is."""
    link = tmp_path / "closed"
    link.symlink_to("/")
    read = os.readlink

    def readlink(path: str, **given: int) -> str:
        if os.fspath(path) == str(link):
            raise PermissionError(13, "Permission denied", path)
        return read(path, **given)

    monkeypatch.setattr(os, "readlink", readlink)
    with pytest.raises(PermissionError):
        os.path.realpath(link)
    return str(link)


def test_a_way_that_can_be_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert real_path(tmp_path / "link" / "new") == str(tmp_path / "folder" / "new")
    (tmp_path / "loop").symlink_to("loop")
    assert real_path(tmp_path / "loop") == str(tmp_path / "loop")
    with pytest.raises(ValueError, match="null"):
        real_path("a\0b")


def test_what_is_behind_a_closed_link_stays_there(closed: str, workdir: Path) -> None:
    assert real_path(closed) == closed
    assert real_path(f"{closed}/a/b") == f"{closed}/a/b"
    # Not the working directory, whatever is written behind it.
    assert real_path(f"{closed}/..{workdir}/x").startswith(f"{closed}/")
    assert real_path(f"{closed}/../../../..{workdir}/x").startswith(f"{closed}/")
    # Also where another link leads to it.
    (workdir / "x").symlink_to(closed)
    (workdir / "y").symlink_to("x")
    assert real_path(workdir / "y" / "etc") == f"{closed}/etc"
    assert real_path(workdir / "sub" / ".." / "y") == closed


def test_no_call_and_no_output_fails_by_it(closed: str, workdir: Path) -> None:
    (workdir / "x").symlink_to(closed)
    here = Situation("ask", str(workdir), rules_of(shipped_settings().permissions))
    for path in (closed, "x", "x/etc/passwd"):
        assert decide("bash", Effect("execute", command=f"cat {path}"), [], here)
        assert decide("write", Effect("write", paths=(path,)), [], here).action == "ask"
        assert names_of(str(workdir), [path]) == []
    output = f"cat: {closed}: Permission denied"
    about = {"by": "Landlock", "reach": "network", "writable": [], "hidden": [str(workdir)]}
    assert refusal(output, about) is not None


@pytest.mark.parametrize("seed", range(5))
def test_it_leads_where_python_says(tmp_path: Path, seed: int) -> None:
    """Folders, files and links at random: to each other, up, nowhere, in circles."""
    chance, names = random.Random(seed), ["a", "b", "c", "é"]
    folders = [tmp_path]
    for _ in range(40):
        place = chance.choice(folders) / chance.choice(names)
        if os.path.lexists(place):
            continue
        kind = chance.choice(["folder", "folder", "file", "link", "link"])
        if kind == "folder":
            place.mkdir()
            folders.append(place)
        elif kind == "file":
            place.touch()
        else:
            target = "/".join(chance.choices([*names, "..", ".."], k=chance.randint(1, 3)))
            place.symlink_to(chance.choice([target, tmp_path / target, "/"]))
    parts = [*names, *names, "..", ".", "", "x" * 300]
    asked = [
        os.path.join(chance.choice(folders), *chance.choices(parts, k=chance.randint(0, 5)))
        for _ in range(400)
    ]
    asked = [path + chance.choice(["", "", "/", "/a"]) for path in asked]
    expected = [os.path.realpath(path) for path in asked]
    assert [real_path(path) for path in asked] == expected
    existing = [os.path.realpath(path) if os.path.exists(path) else "" for path in asked]
    assert [path_of_existing(path) for path in asked] == existing
    with one_look():
        assert [real_path(path) for path in asked] == expected
        assert [path_of_existing(path) for path in asked] == existing
    assert real_path("/" + "a/" * 2000) == "/" + "a/" * 1999 + "a"
    with pytest.raises(ValueError, match="surrogates"):
        real_path("/nowhere/\ud800")


def test_a_link_is_looked_up_again_after_a_look(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("one")
    with one_look(), one_look():
        assert real_path(tmp_path / "link" / "x") == str(tmp_path / "one" / "x")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("two")
    (tmp_path / "two").mkdir()
    with one_look():
        assert real_path(tmp_path / "link" / "x") == str(tmp_path / "two" / "x")
    assert real_path(tmp_path / "link" / "x") == str(tmp_path / "two" / "x")
