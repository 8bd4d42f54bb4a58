"""Walks past what git ignores: git is asked again when, and only when, it may say something new."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.store.files.file_snapshots import Shadow
from core.store.files.walk import Walker

#: Rules that were written less than a second before are read again.
LATER = 60.0


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@y.z", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def shadow(tmp_path: Path, workdir: Path) -> Shadow:
    made = Shadow(tmp_path / "shadows", str(workdir))
    made.create()
    return made


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for each time that git is started."""
    path = os.environ["PATH"]
    found = subprocess.run(["which", "git"], check=True, capture_output=True, text=True)
    shim, told = tmp_path / "bin" / "git", tmp_path / "asked"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\necho "$@" >>"{told}"\nexec {found.stdout.strip()} "$@"\n')
    shim.chmod(0o755)
    told.touch()
    monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{path}")
    return told


def make(folder: Path) -> None:
    """A project with an environment that a rule names, and logs that rules name one by one."""
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("venv/\n*.log\n")
    for name in ("venv/lib", "src", "logs"):
        (folder / name).mkdir(parents=True)
    for name in ("venv/lib/x", "src/a.py", "src/run.log", "kept.log"):
        (folder / name).write_text("x")
    git(folder, "add", "-f", "kept.log", "src")


@pytest.mark.parametrize("project", [make, lambda folder: None], ids=["project", "empty"])
def test_git_is_not_asked_about_the_same_names_again(
    project: Callable[[Path], None], shadow: Shadow, workdir: Path, asked: Path
) -> None:
    project(workdir)
    walker = Walker(shadow)
    first = walker.walk(time.time() + LATER)
    once = asked.read_text()
    assert once
    if (workdir / "src").exists():
        (workdir / "src/a.py").write_text("other content")
        (workdir / "venv/lib/y").write_text("x")
    again = walker.walk(time.time() + LATER)
    assert (again.names, again.ignored) == (first.names, first.ignored)
    assert asked.read_text() == once


CHANGES: dict[str, Callable[[Path], object]] = {
    "a new name": lambda folder: (folder / "new.log").write_text("x"),
    "a folder in a file's place": lambda folder: [
        (folder / "src/run.log").unlink(),
        (folder / "src/run.log").mkdir(),
        (folder / "src/run.log/x").write_text("x"),
    ],
    "other rules": lambda folder: (folder / ".gitignore").write_text("*.py\n"),
    "rules below": lambda folder: (folder / "src/.gitignore").write_text("a.py\n"),
    "rules of the repository": lambda folder: (folder / ".git/info/exclude").write_text("src/\n"),
    "another index": lambda folder: git(folder, "rm", "-q", "--cached", "kept.log"),
    "tracked in an ignored folder": lambda folder: git(folder, "add", "-f", "venv/lib/x"),
    "a repository below": lambda folder: git(folder / "src", "init", "-q"),
    "no repository": lambda folder: (folder / ".git").rename(folder.parent / "gone"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_its_word_is_seen(change: str, shadow: Shadow, workdir: Path) -> None:
    make(workdir)
    walker = Walker(shadow)
    walker.walk(time.time() + LATER)
    CHANGES[change](workdir)
    now = time.time() + 2 * LATER
    found, fresh = walker.walk(now), Walker(shadow).walk(now)
    assert (found.ignored, set(found.found)) == (fresh.ignored, set(fresh.found))


def test_a_folder_of_ignored_files_alone_may_get_others(shadow: Shadow, workdir: Path) -> None:
    """Git names the folder, though no rule does."""
    make(workdir)
    (workdir / "logs/1.log").write_text("x")
    walker = Walker(shadow)
    assert "logs/" in walker.walk(time.time() + LATER).ignored
    (workdir / "logs/table.csv").write_text("x")
    assert "logs/table.csv" in walker.walk(time.time() + 2 * LATER).found


def test_rules_that_have_just_changed_are_not_trusted(
    shadow: Shadow, workdir: Path, asked: Path
) -> None:
    """Written twice within one tick of the clock, a file keeps its times."""
    rules = workdir / ".gitignore"
    rules.write_text("a\n")
    now, walker = os.stat(rules).st_mtime, Walker(shadow)
    walker.walk(now)
    once = asked.read_text()
    walker.walk(now)
    assert asked.read_text() != once
