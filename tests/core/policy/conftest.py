"""A home folder with a project in it, and links that lead astray."""

from pathlib import Path

import pytest


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`~/project`, with links that lead astray. The temporary folder is another one, or all
    of this would count as harmless."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    home = tmp_path / "home"
    work = home / "project"
    for folder in (
        work / ".git" / "hooks",
        work / ".git" / "objects",
        work / ".git" / "refs",
        work / "sub",
        home / ".ssh",
        home / "dotfiles",
        home / "project-2",
        tmp_path / "vault",
        tmp_path / "tmp",
    ):
        folder.mkdir(parents=True)
    (work / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (work / ".git" / "config").write_text("[core]\n\trepositoryformatversion = 0\n")
    (work / "a.py").write_text("x = 1\n")
    (tmp_path / "vault" / "production").write_text("KEY=1")
    (home / "dotfiles" / "bashrc").write_text("")
    (home / ".bashrc").symlink_to(home / "dotfiles" / "bashrc")
    (work / "out").symlink_to(home / "project-2")
    (work / "notes.txt").symlink_to(home / ".ssh" / "id_rsa")
    (work / ".env").symlink_to(tmp_path / "vault" / "production")
    (work / "loop").symlink_to(work / "loop")
    (work / "inner").symlink_to(work / "sub")
    (work / "run-me").symlink_to(work / ".git" / "hooks" / "pre-commit")
    (tmp_path / "linked").symlink_to(work)
    return work


@pytest.fixture(autouse=True)
def outside_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest's own folders lie below /tmp, which is readable for every mode."""
    monkeypatch.setattr("core.policy.paths.TEMPORARY", ())
