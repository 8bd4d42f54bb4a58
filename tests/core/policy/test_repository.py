"""git may read without asking only where nothing in the repository runs or leaks by that."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.policy.repository import git_problem

STATUS, DIFF, LOG = ["git", "status"], ["git", "diff"], ["git", "log", "--oneline"]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository as git makes it, with one file and a remote."""
    folder = tmp_path / "home" / "repository"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "https://example.org/a.git")
    git(folder, "config", "branch.main.remote", "origin")
    for name in ("a.py", "sub/b.py", "x" * 70):
        (folder / name).write_text("x\n")
    git(folder, "add", "a.py", "sub/b.py", "x" * 70)
    return folder


def problem(words: list[str], folder: Path, home: Path | None = None) -> str:
    return git_problem(words, os.path.realpath(folder), os.path.realpath(home or folder))


def test_as_git_makes_it(repository: Path) -> None:
    assert [problem(words, repository) for words in (STATUS, DIFF, LOG)] == ["", "", ""]
    assert problem(STATUS, repository / "sub", repository) == ""


@pytest.mark.parametrize(
    "setting",
    [
        ["core.fsmonitor", "./evil"],
        ["core.hooksPath", "hooks"],
        ["core.worktree", "/etc"],
        ["filter.x.clean", "./evil"],
        ["diff.x.command", "./evil"],
        ["diff.x.textconv", "./evil"],
        ["alias.status", "!./evil"],
        ["include.path", "/tmp/x"],
        ["includeIf.gitdir:/.path", "x"],
        ["remote.origin.uploadpack", "./evil"],
        ["remote.origin.promisor", "true"],
        ["extensions.partialClone", "origin"],
        ["extensions.worktreeConfig", "true"],
        ["gpg.program", "./evil"],
        ["log.showSignature", "true"],
        ["user.name", "a\\b"],
    ],
)
def test_settings_of_the_repository(setting: list[str], repository: Path) -> None:
    git(repository, "config", *setting)
    for words in (STATUS, DIFF, LOG):
        assert "settings" in problem(words, repository)


@pytest.mark.parametrize(
    "text",
    [
        "[core] fsmonitor = ./evil\n",
        "[CORE]\n\tfsmonitor = ./evil\n",
        "[core]\n\tabbrev = 7 \\\n\tfsmonitor = ./evil\n",
        '[branch "a\\"]\n[core"]\n\tx = 1\n',
        "[core.x]\n\ty = 1\n",
        "abbrev = 1\n",
        "\ufeff[core]\n\tabbrev = 7\n",
    ],
)
def test_settings_that_git_reads_otherwise(text: str, repository: Path) -> None:
    (repository / ".git" / "config").write_text(text)
    assert "settings" in problem(STATUS, repository)


def test_files_with_secrets_that_git_keeps(repository: Path) -> None:
    (repository / "sub" / ".env").write_text("KEY=1\n")
    assert problem(DIFF, repository) == ""
    git(repository, "add", "-f", "sub/.env")
    assert "sub/.env" in problem(DIFF, repository)
    (repository / "sub" / ".env").unlink()
    assert "sub/.env" in problem(DIFF, repository)
    assert problem([*DIFF, "--stat"], repository) == ""
    assert problem([*DIFF, "--", "a.py"], repository) == ""
    assert problem(["git", "show", "HEAD"], repository) != ""
    assert problem([*LOG, "-p"], repository) != ""
    for verb in (["diff"], ["diff", "HEAD"], ["log", "-p"], ["show", "HEAD"]):
        for paths in (["sub"], ["a.py", "sub"], ["a.py", "gone"], ["."], ["a.py", "s*"]):
            assert problem(["git", *verb, "--", *paths], repository) != ""
        assert problem(["git", *verb, "--", "a.py"], repository) == ""
    assert problem([*DIFF, "a.py", "sub"], repository) != ""
    assert problem([*DIFF, "HEAD:sub/.env"], repository) != ""


def test_a_repository_within(repository: Path) -> None:
    inner = repository / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    git(
        inner,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    )
    assert problem(STATUS, repository) == ""
    git(repository, "add", "inner")
    assert "inner is a separate repository" in problem(STATUS, repository)
    assert "inner is a separate repository" in problem(DIFF, repository)


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_the_index(version: str, repository: Path) -> None:
    git(repository, "update-index", "--index-version", version)
    if version == "3":
        (repository / "later").write_text("")
        git(repository, "add", "-N", "later")
    assert problem(STATUS, repository) == (
        "" if version != "4" else "the repository's index cannot be judged"
    )
    index = repository / ".git" / "index"
    index.write_bytes(index.read_bytes()[:150])
    assert "index" in problem(STATUS, repository)


def test_a_part_of_the_index_in_another_file(repository: Path) -> None:
    git(repository, "update-index", "--split-index")
    assert "index" in problem(STATUS, repository)


def test_a_hook_for_what_reads(repository: Path) -> None:
    (repository / ".git" / "hooks").mkdir(exist_ok=True)
    (repository / ".git" / "hooks" / "post-index-change").write_text("#!/bin/sh\n")
    assert "hook" in problem(STATUS, repository)


def test_a_bare_repository_in_a_folder(repository: Path) -> None:
    bare = repository / "bare"
    git(repository, "init", "-q", "--bare", "bare")
    assert "without a working tree" in problem(STATUS, bare, repository)


def test_a_repository_above_the_working_directory(repository: Path) -> None:
    assert "not inside" in problem(STATUS, repository / "sub", repository / "sub")


def test_no_repository(tmp_path: Path) -> None:
    assert problem(STATUS, tmp_path) == ""
    # Here git compares any two places.
    assert problem([*DIFF, "a", "b"], tmp_path) != ""


def test_a_broken_one_is_passed_over_as_git_does(repository: Path) -> None:
    (repository / "sub" / ".git").mkdir()
    git(repository, "config", "core.fsmonitor", "./evil")
    assert "settings" in problem(STATUS, repository / "sub", repository)
    (repository / "sub" / ".git").rmdir()
    (repository / ".git" / "HEAD").write_text("nonsense\n")
    assert "cannot be read" in problem(STATUS, repository)


def test_a_second_working_tree(repository: Path) -> None:
    git(repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")
    git(repository, "worktree", "add", "-q", str(repository / "tree"))
    assert problem(STATUS, repository / "tree", repository) == ""
    git(repository, "config", "core.fsmonitor", "./evil")
    assert "settings" in problem(STATUS, repository / "tree", repository)


@pytest.mark.parametrize("name", ["HEAD", "config", "index", "commondir"])
def test_a_pipe_or_a_device_is_not_waited_for(name: str, repository: Path) -> None:
    file = repository / ".git" / name
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    assert problem(STATUS, repository) != ""
    file.unlink()
    file.symlink_to("/dev/zero")
    assert problem(STATUS, repository) != ""


def test_a_file_for_a_repository_that_is_a_pipe(repository: Path) -> None:
    os.mkfifo(repository / "sub" / ".git")
    assert problem(STATUS, repository / "sub", repository) != ""


@pytest.fixture
def private(repository: Path) -> Path:
    """The `.git` of a repository outside of the working directory."""
    folder = repository.parent / "private"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.py").write_text("private words\n")
    git(folder, "add", "a.py")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")
    return folder / ".git"


def leads_by_link(own: Path, private: Path) -> None:
    shutil.rmtree(own)
    own.symlink_to(private)


def leads_by_file(own: Path, private: Path) -> None:
    shutil.rmtree(own)
    own.write_text(f"gitdir: {private}\n")


def leads_by_a_link_within(own: Path, private: Path) -> None:
    for name in ("refs", "objects"):
        shutil.rmtree(own / name)
        (own / name).symlink_to(private / name)


def leads_by_links_to_files(own: Path, private: Path) -> None:
    for file in [f for f in private.rglob("objects/*/*") if f.is_file()]:
        here = own / file.relative_to(private)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(file)
    shutil.copy(private / "refs" / "heads" / "main", own / "refs" / "heads" / "main")


def leads_by_alternates(own: Path, private: Path) -> None:
    (own / "objects" / "info" / "alternates").write_text(f"{private / 'objects'}\n")
    shutil.copy(private / "refs" / "heads" / "main", own / "refs" / "heads" / "main")


def leads_by_commondir(own: Path, private: Path) -> None:
    (own / "commondir").write_text(f"{private}\n")


def leads_as_a_worktree_of_another_folder(own: Path, private: Path) -> None:
    git(private.parent, "worktree", "add", "-q", str(private.parent.parent / "theirs"))
    leads_by_link(own, private.parent.parent / "theirs" / ".git")


@pytest.mark.parametrize(
    "lead",
    [
        leads_by_link,
        leads_by_file,
        leads_by_a_link_within,
        leads_by_links_to_files,
        leads_by_alternates,
        leads_by_commondir,
        leads_as_a_worktree_of_another_folder,
    ],
)
def test_a_repository_kept_elsewhere(
    lead: Callable[[Path, Path], None], repository: Path, private: Path
) -> None:
    lead(repository / ".git", private)
    shown = subprocess.run(
        ["git", "-C", str(repository), "show", "HEAD", "--", "a.py"], capture_output=True, text=True
    )
    assert "private words" in shown.stdout, "git does follow it"
    for words in (STATUS, LOG, ["git", "show", "HEAD", "--", "a.py"]):
        assert problem(words, repository) != ""


def test_a_worktree_whose_repository_knows_it(repository: Path, private: Path) -> None:
    tree = repository.parent / "tree"
    git(private.parent, "worktree", "add", "-q", str(tree))
    assert problem(STATUS, tree) == ""
    assert problem(["git", "show", "HEAD", "--", "a.py"], tree) == ""
    moved = repository.parent / "moved"
    tree.rename(moved)
    assert "outside" in problem(STATUS, moved)
