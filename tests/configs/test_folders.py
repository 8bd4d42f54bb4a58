"""Folders of ours belong to their owner alone, whatever the umask was."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.folders import make_private_folder, who_else_may_write, write_atomically, write_new
from configs.settings import Settings
from configs.trust import write_json
from core.store import open_store
from graph.session import RunOptions, Session
from tools.workspace.command_sandbox.bubblewrap import Blank
from tools.workspace.command_sandbox.landlock import compiled
from tools.workspace.command_sandbox.places import caches

#: Packages next to the program.
NOT_SHIPPED = ("tests", "benchmarks", "docs")


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_every_missing_parent_is_private(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == [0o700] * 3
    # What is there stays as it is.
    (tmp_path / "a").chmod(0o755)
    make_private_folder(tmp_path / "a" / "b" / "d")
    assert mode(tmp_path / "a") == 0o755


@pytest.mark.usefixtures("open_umask")
def test_a_readable_folder_and_its_parents_are_writable_by_us_alone(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b", readable=True)
    assert [mode(tmp_path / part) for part in ("a", "a/b")] == [0o755] * 2


@pytest.mark.usefixtures("open_umask")
def test_what_the_command_sandbox_makes_is_ours_alone(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").chmod(0o755)
    for name in ("XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "PIP_CACHE_DIR", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert caches()
    Blank(settings.state_path()).make()
    compiled(settings.state_path())
    made = [folder for folder in tmp_path.rglob("*") if folder.is_dir()]
    assert tmp_path / "home" / ".cache" in made
    assert [str(folder) for folder in made if mode(folder) & 0o022] == []


def test_folders_with_their_parents_are_made_in_one_place() -> None:
    """Whatever else makes parents would leave them to the umask."""
    root = Path(__file__).resolve().parents[2]
    packages = [f.parent for f in root.glob("*/__init__.py") if f.parent.name not in NOT_SHIPPED]
    files = [file for package in packages for file in package.rglob("*.py")]
    assert len(files) > 200
    made = [str(f) for f in files if re.search(r"makedirs\(|parents=True", f.read_text())]
    assert made == []


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        make_private_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        make_private_folder(tmp_path / "file" / "below")


@pytest.mark.usefixtures("open_umask")
async def test_state_and_settings_are_made_private(tmp_path: Path) -> None:
    async with await open_store(Settings(state_dir=str(tmp_path / "local" / "state" / "own"))):
        write_json(tmp_path / "config" / "ml-agent" / "trusted.json", {})
    for folder in ("local", "local/state", "local/state/own", "config", "config/ml-agent"):
        assert mode(tmp_path / folder) == 0o700, folder


def test_who_else_may_write(tmp_path: Path) -> None:
    folder = tmp_path / "parent" / "state"
    make_private_folder(folder)
    assert who_else_may_write(folder) == ""
    (tmp_path / "parent").chmod(0o777)
    assert str(tmp_path / "parent") in who_else_may_write(folder)
    (tmp_path / "parent").chmod(0o1777)  # as /tmp: others cannot rename what is not theirs
    assert who_else_may_write(folder) == ""
    folder.chmod(0o1777)
    assert str(folder) in who_else_may_write(folder)
    # Also where a link leads.
    (tmp_path / "link").symlink_to(folder)
    assert str(folder) in who_else_may_write(tmp_path / "link")


def test_a_folder_of_another_user_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_private_folder(tmp_path / "theirs" / "state")
    if os.getuid() == 0:
        os.chown(tmp_path / "theirs", 12345, 12345)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert "another user" in who_else_may_write(tmp_path / "theirs" / "state")


async def test_a_session_says_that_others_may_write(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    state = settings.state_path()
    make_private_folder(state)
    told: list[str] = []
    options = RunOptions(notice=told.append)
    async with Session.open(settings, cwd=tmp_path, options=options):
        assert told == []
    state.chmod(0o777)
    async with Session.open(settings, cwd=tmp_path, options=options):
        assert [str(state) in line for line in told] == [True]


@pytest.mark.usefixtures("open_umask")
def test_a_new_file_replaces_none_and_is_its_owners(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("elsewhere", "link"):
        with pytest.raises(FileExistsError):
            write_new(str(tmp_path / name), "x")
    assert (tmp_path / "elsewhere").read_text() == ""
    write_new(str(tmp_path / "new"), "ä")
    write_atomically(tmp_path / "elsewhere", b"y")
    assert (tmp_path / "new").read_text(encoding="utf-8") == "ä"
    assert (tmp_path / "elsewhere").read_text() == "y"
    for name in ("new", "elsewhere"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert list(tmp_path.glob(".*")) == []
