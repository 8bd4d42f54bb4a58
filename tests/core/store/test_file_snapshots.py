"""Snapshots and what they bring back, on trees with everything that makes trouble."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from core.store.files.entries import Scan
from core.store.files.file_snapshots import Shadow
from core.store.files.restore import RestorePlan, Step, carried_out, planned
from core.store.files.scan import Scanner
from core.store.files.turn_changes import Changes


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@y.z", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def shadow(tmp_path: Path, workdir: Path) -> Shadow:
    return Shadow(tmp_path / "shadows", str(workdir))


def tree_of(folder: Path) -> dict[str, tuple[str, int, bytes]]:
    """Every file and link below `folder`, byte for byte, .git included."""
    found = {}
    for root, folders, names in os.walk(folder):
        for name in [*names, *(f for f in folders if os.path.islink(os.path.join(root, f)))]:
            path = os.path.join(root, name)
            link = os.path.islink(path)
            content = os.fsencode(os.readlink(path)) if link else Path(path).read_bytes()
            mode = 0 if link else os.stat(path).st_mode & 0o7777
            found[os.path.relpath(path, folder)] = ("link" if link else "file", mode, content)
    return found


def back(shadow: Shadow, *steps: tuple[Scan, Scan]) -> RestorePlan:
    """Undo `steps` (wanted, left behind), the newest first."""
    made = []
    for wanted, left in steps:
        changes = Changes("")
        changes.add(wanted, left)
        first = {name: change[0] for name, change in changes.files.items()}
        last = {name: change[1] for name, change in changes.files.items()}
        made.append(Step(first, last, changes.disputed))
    names = {name for step in made for name in step.names()}
    now = scanner(shadow).look(sorted(names), time.time())
    return carried_out(planned(now, made), shadow)


def scanner(shadow: Shadow) -> Scanner:
    return Scanner(shadow, lambda path: path.endswith(".env"))


def snap(shadow: Shadow, before: Scan | None = None) -> Scan:
    """The folder as it is, and what was there `before`."""
    taken = scanner(shadow).scan(time.time(), before.entries if before else ())
    assert not taken.off, taken.off
    return taken


def make(folder: Path) -> None:
    """A tree with modes, links, a nested repository, a filter, and names of all kinds."""
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("ignored/\n*.tmp\n")
    (folder / ".gitattributes").write_text("*.txt filter=upper text eol=crlf\n")
    git(folder, "config", "filter.upper.clean", "tr a-z A-Z")
    git(folder, "config", "filter.upper.smudge", "tr A-Z a-z")
    (folder / "a.txt").write_bytes(b"MiXed\r\nlines\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "private").write_text("p")
    (folder / "private").chmod(0o600)
    (folder / "binary").write_bytes(bytes(range(256)) * 10)
    (folder / "link").symlink_to("a.txt")
    (folder / "dangling").symlink_to("/nowhere/at/all")
    (folder / "new\nline").write_text("n")
    (folder / '"quoted"').write_text("q")
    os.close(os.open(os.fsencode(folder) + b"/\xff\xfe", os.O_CREAT, 0o644))
    (folder / "deep/er/est").mkdir(parents=True)
    (folder / "deep/er/est/x").write_text("x")
    nested = folder / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    (nested / "inner.py").write_text("1\n")
    git(nested, "add", ".")
    git(nested, "commit", "-qm", "x")
    (nested / "untracked.py").write_text("2\n")
    (folder / "ignored").mkdir()
    (folder / "ignored/big").write_text("i")
    (folder / "x.tmp").write_text("t")
    (folder / ".env").write_text("KEY=1")


def test_everything_comes_back_as_it_was(shadow: Shadow, workdir: Path) -> None:
    make(workdir)
    before, start = tree_of(workdir), snap(shadow)
    (workdir / "a.txt").write_bytes(b"other")
    (workdir / "run.sh").chmod(0o644)
    (workdir / "private").chmod(0o644)
    (workdir / "binary").unlink()
    (workdir / "link").unlink()
    (workdir / "link").write_text("now a file")
    (workdir / "dangling").unlink()
    (workdir / "new\nline").rename(workdir / "renamed")
    (workdir / '"quoted"').unlink()
    (workdir / "deep/er/est/x").unlink()
    (workdir / "deep/er/est").rmdir()
    (workdir / "deep/er/est").write_text("a file where a folder was")
    (workdir / "nested/inner.py").write_text("changed")
    (workdir / "nested/untracked.py").unlink()
    (workdir / "made/by/it").mkdir(parents=True)
    (workdir / "made/by/it/y").write_text("y")
    (workdir / "made/link").symlink_to("by")
    changed, finish = tree_of(workdir), snap(shadow)

    plan = back(shadow, (start, finish))
    assert plan.left == {}
    assert tree_of(workdir) == before
    assert not (workdir / "made").exists()
    # And forward again.
    assert back(shadow, (finish, start)).left == {}
    assert tree_of(workdir) == changed


def test_a_thousand_files(shadow: Shadow, workdir: Path) -> None:
    for n in range(1000):
        (workdir / f"d{n % 10}").mkdir(exist_ok=True)
        (workdir / f"d{n % 10}" / f"{n}.py").write_text(f"{n}\n")
    before, start = tree_of(workdir), snap(shadow)
    for n in range(1000):
        path = workdir / f"d{n % 10}" / f"{n}.py"
        if n % 3 == 0:
            path.unlink()
        elif n % 3 == 1:
            path.rename(workdir / f"moved{n}.py")
        else:
            path.write_text("else")
    finish = snap(shadow)
    plan = back(shadow, (start, finish))
    assert (len([name for name in plan.wanted if "." in name]), plan.left) == (1333, {})
    assert tree_of(workdir) == before


def test_what_somebody_changed_since_is_kept(shadow: Shadow, workdir: Path) -> None:
    for name in "abcd":
        (workdir / name).write_text("1")
    start = snap(shadow)
    for name in "abc":
        (workdir / name).write_text("2")
    (workdir / "made").write_text("2")
    finish = snap(shadow)
    (workdir / "a").write_text("the person's")
    (workdir / "b").unlink()
    (workdir / "made").write_text("the person's")
    (workdir / "d").write_text("the person's")
    (workdir / "own").write_text("the person's")
    plan = back(shadow, (start, finish))
    assert plan.restored == ["c"]
    assert set(plan.left) == {"a", "b", "made"}
    assert {p.name: p.read_text() for p in workdir.iterdir()} == {
        "a": "the person's", "c": "1", "d": "the person's", "made": "the person's",
        "own": "the person's",
    }  # fmt: skip


def test_several_turns_with_the_persons_changes_in_between(shadow: Shadow, workdir: Path) -> None:
    (workdir / "a").write_text("0")
    (workdir / "b").write_text("0")
    start_1 = snap(shadow)
    (workdir / "a").write_text("1")
    (workdir / "b").write_text("1")
    finish_1 = snap(shadow)
    (workdir / "b").write_text("the person's")
    start_2 = snap(shadow)
    (workdir / "a").write_text("2")
    finish_2 = snap(shadow)
    plan = back(shadow, (start_2, finish_2), (start_1, finish_1))
    assert (plan.restored, set(plan.left)) == (["a"], {"b"})
    assert (workdir / "a").read_text() == "0"
    assert (workdir / "b").read_text() == "the person's"


def test_half_done_and_done_again(shadow: Shadow, workdir: Path) -> None:
    for n in range(6):
        (workdir / str(n)).write_text("old")
    before, start = tree_of(workdir), snap(shadow)
    for n in range(6):
        (workdir / str(n)).write_text("new")
    finish = snap(shadow)
    (workdir / "0").write_text("old")  # what a killed undo had done already
    (workdir / "1").write_text("old")
    plan = back(shadow, (start, finish))
    assert (len(plan.restored), plan.left) == (4, {})
    assert tree_of(workdir) == before


def test_nothing_is_written_through_a_link_that_leads_out(
    shadow: Shadow, workdir: Path, tmp_path: Path
) -> None:
    (workdir / "sub").mkdir()
    (workdir / "sub/x").write_text("mine")
    start = snap(shadow)
    (workdir / "sub/x").unlink()
    (workdir / "sub").rmdir()
    finish = snap(shadow)
    outside = tmp_path / "outside"
    outside.mkdir()
    (workdir / "sub").symlink_to(outside)
    plan = back(shadow, (start, finish))
    assert "leads out" in plan.left["sub/x"]
    assert list(outside.iterdir()) == []


def test_what_is_left_out_is_named(
    shadow: Shadow, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.files.scan.LARGEST", 1000)
    (workdir / "big").write_bytes(b"x" * 1001)
    (workdir / ".env").write_text("KEY=1")
    os.mkfifo(workdir / "pipe")
    taken = snap(shadow)
    assert taken.left_out["big"] == "it has 1,001 bytes"
    assert "credentials" in taken.left_out[".env"]
    assert Scan.from_dict(taken.to_dict()).left_out == taken.left_out
    stored = subprocess.run(
        ["grep", "-r", "KEY=1", str(shadow._git_dir)], capture_output=True, check=False
    )
    assert stored.stdout == b""


def test_a_change_that_looks_the_same_is_seen(shadow: Shadow, workdir: Path) -> None:
    path = workdir / "a"
    path.write_text("one")
    stamp = os.stat(path)
    first = snap(shadow)
    path.write_text("two")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert snap(shadow).entries != first.entries


def test_rules_of_the_folders_above_count(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / "sub/build").mkdir(parents=True)
    git(root, "init", "-q")
    (root / ".gitignore").write_text("build/\n")
    (root / "sub/a").write_text("a")
    (root / "sub/build/b").write_text("b")
    inner = Shadow(tmp_path / "shadows", str(root / "sub"))
    assert set(snap(inner).entries) == {"a"}
    # A folder that is ignored itself is someone's work all the same.
    work = Shadow(tmp_path / "shadows", str(root / "sub/build"))
    assert set(snap(work).entries) == {"b"}
    status = subprocess.run(["git", "status", "--short"], cwd=root, capture_output=True, text=True)
    assert status.stdout == "?? .gitignore\n?? sub/\n"


def test_where_it_is_off(tmp_path: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def off(folder: Path) -> str:
        return scanner(Shadow(tmp_path / "shadows", str(folder))).scan(0).off

    assert "home folder" in off(Path.home())
    assert "is /" in off(Path("/"))
    assert "is gone" in off(workdir / "not-there")
    monkeypatch.setattr("core.store.files.walk.MOST_FILES", 3)
    for n in range(5):
        (workdir / str(n)).touch()
    assert "more than 3 files" in off(workdir)
    monkeypatch.setenv("PATH", "")
    assert off(workdir) == "git is not installed"


def test_another_git_in_the_environment_is_not_touched(
    shadow: Shadow, workdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    before = tree_of(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    (workdir / "a").write_text("a")
    assert set(snap(shadow).entries) == {"a"}
    assert tree_of(other) == before


def test_a_file_that_goes_away_during_the_look_is_not_there(shadow: Shadow, workdir: Path) -> None:
    """It was seen, and is gone before its content is read: undo must not think that it is there
    and cannot be read."""
    (workdir / "kept").write_text("x")
    (workdir / "gone").write_text("x")

    def is_secret(path: str) -> bool:
        Path(path).with_name("gone").unlink(missing_ok=True)
        return False

    scan = Scanner(shadow, is_secret).look(["kept", "gone"], time.time())
    assert [*scan.entries] == ["kept"]
    assert scan.left_out == {}
    assert [*scan.stats] == ["kept"]
