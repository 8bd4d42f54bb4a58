"""Copies of folders of all kinds: whole, apart from the original, with the same ignore rules."""

import os
import subprocess
from pathlib import Path

import pytest

from core.errors import ToolError
from core.store.files.folder_copy import check_room, copy_folder, remove_copy
from core.store.files.folder_snapshots import FolderSnapshots


def git(folder: Path, *words: str) -> str:
    named = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    done = subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


def filled(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "train.py").write_text("x = 1\n")
    (folder / "run.sh").write_text("echo\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "data" / "rows.bin").write_bytes(b"\0" * 3000)
    (folder / "tracked.log").write_text("kept\n")
    (folder / "latest").symlink_to("train.py")
    (folder / "nowhere").symlink_to("/nonexistent")
    (folder / ".gitignore").write_text("data/\n*.log\n")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture(params=["plain", "repository", "below one", "worktree"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder that is in no repository, is one, is below the top of one, is a linked worktree."""
    top = tmp_path / "top"
    found = filled(top / "part" if request.param == "below one" else top)
    if request.param != "plain":
        if request.param == "below one":
            (found / ".gitignore").rename(top / ".gitignore")
        git(top, "init", "-q")
        git(top, "add", "-A")
        git(top, "add", "-f", str(found / "tracked.log"))
        git(top, "commit", "-qm", "first")
    if request.param == "worktree":
        git(top, "worktree", "add", "-q", str(tmp_path / "linked"))
        found = tmp_path / "linked"
        (found / "data").mkdir()
        (found / "data" / "rows.bin").write_bytes(b"\0" * 3000)
    return found


def snapshots(tmp_path: Path, folder: Path) -> FolderSnapshots:
    return FolderSnapshots(tmp_path / "state", str(folder), lambda path: False)


def test_a_copy_is_whole_and_shares_nothing(folder: Path, tmp_path: Path) -> None:
    before = git(folder, "status", "--porcelain") if (folder / ".git").exists() else ""
    copy = Path(copy_folder(str(folder), tmp_path / "copies" / "one", lambda path: None))
    assert (copy / "data" / "rows.bin").read_bytes() == b"\0" * 3000
    assert os.access(copy / "run.sh", os.X_OK)
    assert os.readlink(copy / "latest") == "train.py"
    names = {p.relative_to(folder) for p in folder.rglob("*") if ".git" not in p.parts}
    missing = {name for name in names if not os.path.lexists(copy / name)}
    assert {name.name for name in missing} <= {"pipe", ".git"}
    for name in names - missing:
        if (folder / name).is_file():
            assert not os.path.samestat(os.lstat(folder / name), os.lstat(copy / name))
    (copy / "train.py").write_text("x = 2\n")
    git(copy, "add", "-A")
    git(copy, "commit", "-qm", "in the copy")
    assert (folder / "train.py").read_text() == "x = 1\n"
    if before or (folder / ".git").exists():
        assert git(folder, "status", "--porcelain") == before
        assert "in the copy" not in git(folder, "log", "--all", "--format=%s")
        assert "first" in git(copy, "log", "--format=%s")
    assert git(copy, "remote") == ""


def test_git_ignores_the_same_files_in_both(folder: Path, tmp_path: Path) -> None:
    of_folder = snapshots(tmp_path, folder)
    taken = of_folder.take("t")
    copy = Path(copy_folder(str(folder), tmp_path / "copies" / "one", lambda path: None))
    of_copy = of_folder.of_copy(str(copy))
    assert of_folder.changed(taken, of_copy.take("t")) in ([], ["pipe"])
    (copy / "more.log").write_text("ignored\n")
    (copy / "train.py").write_text("x = 2\n")
    after = of_copy.take("t")
    assert [n for n in of_folder.changed(taken, after) if n != "pipe"] == ["train.py"]
    of_folder.restore(after, taken)
    assert (folder / "train.py").read_text() == "x = 2\n"


def test_a_copy_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    folder, root = filled(tmp_path / "top"), tmp_path / "copies" / "one"

    def fails(path: str) -> None:
        raise ToolError("cut off")

    with pytest.raises(ToolError, match="cut off"):
        copy_folder(str(folder), root, fails)
    assert not root.exists()
    made = copy_folder(str(folder), root, lambda path: Path(path, "train.py").write_text("y"))
    assert Path(made, "train.py").read_text() == "y"
    # One that is there stays as it is.
    assert copy_folder(str(folder), root, fails) == made


def test_a_closed_folder_is_removed_too(tmp_path: Path) -> None:
    copy = Path(copy_folder(str(filled(tmp_path / "top")), tmp_path / "one", lambda path: None))
    (copy / "data").chmod(0o500)
    remove_copy(tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_what_has_no_room_is_not_begun(tmp_path: Path) -> None:
    folder = filled(tmp_path / "top")
    check_room(str(folder), tmp_path, 3)
    os.truncate(folder / "data" / "rows.bin", 1 << 43)
    with pytest.raises(ToolError, match=r"Cannot make 3 copies .* GB are free"):
        check_room(str(folder), tmp_path, 3)
    with pytest.raises(ToolError, match="it holds the state directory"):
        check_room(str(tmp_path), tmp_path / "state", 1)
