"""A snapshot as a commit on a branch, in real repositories: the working tree and index stay."""

import subprocess
from pathlib import Path

import pytest

from core.errors import UsageError
from core.store.files.branch_commit import FILTERED, LARGE, NESTED, commit_on_branch
from core.store.files.folder_snapshots import FolderSnapshots


class Repository:
    """The user's repository, with a name of theirs in it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "repo"
        self.state = root / "state"
        self.root.mkdir()
        self("init", "-q", "-b", "main")
        self("config", "user.name", "Ann Lee")
        self("config", "user.email", "ann@example.org")

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def file(self, name: str, text: str = "x\n") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def commit(self) -> None:
        self("add", "-A")
        self("commit", "-q", "-m", "first")

    def promote(self, branch: str, folder: str = "", message: str = "m") -> dict[str, str]:
        snapshots = FolderSnapshots(self.state, str(self.root / folder), lambda path: False)
        snapshot = snapshots.take("t")
        return commit_on_branch(snapshots, snapshot, branch, message)[1]

    def tree(self, branch: str) -> list[str]:
        return sorted(self("ls-tree", "-r", "-z", "--name-only", branch).split("\0")[:-1])


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_commit_after_head_with_tree_and_index_untouched(repository: Repository) -> None:
    repository.file("old.txt")
    repository.file("train.py", "LOSS = 1\n")
    repository.file("run.sh").chmod(0o755)
    repository.commit()
    repository.file("train.py", "LOSS = 2\n")
    repository.file("odd \n ü.txt", "new\n")
    (repository.root / "link").symlink_to("train.py")
    (repository.root / "old.txt").unlink()
    repository.file("staged.txt")
    repository("add", "staged.txt")
    index = (repository.root / ".git" / "index").read_bytes()
    before = repository("status", "--porcelain", "-z")
    assert repository.promote("best", message="Try 2\n\nTrial 3\n") == {}
    assert (repository.root / ".git" / "index").read_bytes() == index
    assert repository("status", "--porcelain", "-z") == before
    assert repository("branch", "--show-current") == "main\n"
    assert repository.tree("best") == [
        "link", "odd \n ü.txt", "run.sh", "staged.txt", "train.py",
    ]  # fmt: skip
    modes = {line.split()[3]: line[:6] for line in repository("ls-tree", "best").splitlines()}
    assert (modes["link"], modes["run.sh"], modes["train.py"]) == ("120000", "100755", "100644")
    assert repository("show", "best:train.py") == "LOSS = 2\n"
    told = repository("log", "-1", "--format=%an %ae %cn|%P|%B", "best")
    parent = repository("rev-parse", "main").strip()
    assert told.strip() == f"Ann Lee ann@example.org Ann Lee|{parent}|Try 2\n\nTrial 3"


def test_a_folder_below_the_top_changes_nothing_else(repository: Repository) -> None:
    repository.file("outside.txt", "1\n")
    repository.file("a/gone.txt")
    repository.file("a/kept.txt")
    repository.commit()
    repository.file("outside.txt", "2\n")
    (repository.root / "a" / "gone.txt").unlink()
    repository.file("a/new.txt")
    repository.promote("best", "a")
    assert repository.tree("best") == ["a/kept.txt", "a/new.txt", "outside.txt"]
    assert repository("show", "best:outside.txt") == "1\n"


def test_without_a_commit_and_detached(repository: Repository) -> None:
    repository.file("a.txt")
    repository.promote("first")
    assert repository("rev-list", "--count", "first") == "1\n"
    repository.commit()
    repository("checkout", "-q", "--detach")
    repository.promote("second")
    assert repository("rev-list", "--count", "second") == "2\n"


def test_what_is_in_no_snapshot_stays_as_in_head_and_is_named(repository: Repository) -> None:
    repository.file(".gitignore", "*.log\n")
    repository.file("big.bin", "x" * 10_000_001)
    repository.file("kept.log")
    repository.file(".gitattributes", "*.lfs filter=lfs\n*.txt text eol=lf\n")
    repository.file("model.lfs", "pointer\n")
    repository("add", "-f", "kept.log")
    repository.commit()
    repository.file("more.log")
    repository.file("model.lfs", "weights\n")
    repository.file("windows.txt", "a\r\nb\r\n")
    repository.file("module/code.py")
    subprocess.run(["git", "init", "-q"], cwd=repository.root / "module", check=True, timeout=60)
    left = repository.promote("best")
    assert left == {"big.bin": LARGE, "model.lfs": FILTERED, "module/code.py": NESTED}
    assert repository.tree("best") == [
        ".gitattributes", ".gitignore", "big.bin", "kept.log", "model.lfs", "windows.txt",
    ]  # fmt: skip
    assert repository("show", "best:model.lfs") == "pointer\n"
    assert repository("show", "best:windows.txt") == "a\nb\n"


def test_what_is_not_checked_out_stays(repository: Repository) -> None:
    repository.file("a/one.txt")
    repository.file("b/two.txt")
    repository.commit()
    repository("sparse-checkout", "set", "a")
    assert not (repository.root / "b").exists()
    repository.promote("best")
    assert repository.tree("best") == ["a/one.txt", "b/two.txt"]


def test_a_file_that_became_a_folder_and_back(repository: Repository) -> None:
    repository.file("a", "file\n")
    repository.file("b/c", "below\n")
    repository.commit()
    (repository.root / "a").unlink()
    repository.file("a/x")
    (repository.root / "b" / "c").unlink()
    (repository.root / "b").rmdir()
    repository.file("b", "file\n")
    repository.promote("best")
    assert repository.tree("best") == ["a/x", "b"]


def test_no_program_of_the_repository_runs(repository: Repository) -> None:
    trap = repository.root.parent / "ran"
    for hook in ("reference-transaction", "post-index-change"):
        path = repository.file(f".git/hooks/{hook}", f"#!/bin/sh\ntouch {trap}\n")
        path.chmod(0o755)
    repository("config", "core.fsmonitor", f"touch {trap}")
    repository("config", "filter.evil.clean", f"touch {trap}; cat")
    repository.file(".gitattributes", "*.py filter=evil\n")
    repository.file("a.py")
    assert repository.promote("best") == {"a.py": FILTERED}
    assert not trap.exists()


def test_what_is_refused_says_why(repository: Repository, tmp_path: Path) -> None:
    repository.file("a.txt")
    repository.commit()
    repository("branch", "taken")
    for branch, words in {
        "taken": "it exists",
        "taken/below": "cannot lock ref",
        "a..b": "git does not take that name",
        "-f": "git does not take that name",
        "": "git does not take that name",
        "@{-1}": "git does not take that name",
    }.items():
        with pytest.raises(UsageError, match=words):
            repository.promote(branch)
    assert repository("branch", "--format=%(refname:short)").split() == ["main", "taken"]
    bare = tmp_path / "plain"
    bare.mkdir()
    (bare / "a.txt").write_text("x")
    snapshots = FolderSnapshots(repository.state, str(bare), lambda path: False)
    with pytest.raises(UsageError, match="not a git repository") as found:
        commit_on_branch(snapshots, snapshots.take("t"), "best", "m")
    assert "without --branch" in found.value.hint
    repository("config", "--unset", "user.email")
    with pytest.raises(UsageError, match="does not know your name"):
        repository.promote("best")
