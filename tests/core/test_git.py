"""Git as we run it, and as commands run it: a repository's own settings start no program."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.git import OURS, git_command, git_environment, harden, run_git
from core.secrets.child_environment import child_environment
from core.store.files.file_snapshots import Shadow
from nodes.surroundings import surroundings

#: Settings by which a repository starts a program, each with what makes git come to it.
TRAPS = {
    "fsmonitor": {"core.fsmonitor": "TRAP"},
    "hooksPath": {"core.hooksPath": "hooks"},
    "alternateRefs": {"core.alternateRefsCommand": "TRAP"},
    "pager": {"core.pager": "TRAP", "pager.status": "TRAP", "pager.ls-files": "TRAP"},
    "alias": {"alias.status": "!TRAP", "alias.ls-files": "!TRAP"},
    "editor": {"core.editor": "TRAP", "sequence.editor": "TRAP"},
    "filter": {"filter.x.clean": "TRAP", "filter.x.process": "TRAP", "filter.x.smudge": "TRAP"},
    "diff": {"diff.external": "TRAP", "diff.x.command": "TRAP", "diff.x.textconv": "TRAP"},
    "gpg": {"gpg.program": "TRAP", "log.showSignature": "true", "format.pretty": "%G?"},
    "credential": {"credential.helper": "!TRAP"},
    "ssh": {"core.sshCommand": "TRAP", "remote.origin.url": "ssh://x/y"},
    "include": {"include.path": "more"},
    "partial": {"extensions.partialClone": "origin", "remote.origin.promisor": "true",
                "remote.origin.url": "ext::TRAP", "protocol.ext.allow": "always"},
    "uploadpack": {"extensions.partialClone": "origin", "remote.origin.promisor": "true",
                   "remote.origin.url": ".", "remote.origin.uploadpack": "TRAP"},
}  # fmt: skip
#: Those that a variable can switch off; the policy asks before git looks where another is set.
BY_VARIABLE = ("fsmonitor", "alternateRefs", "pager", "alias", "editor", "gpg", "credential", "ssh")


def plain(folder: Path, *words: str) -> None:
    """Git as whoever made the folder runs it."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def wire(tmp_path: Path) -> Path:
    """It is there once a trap was sprung."""
    return tmp_path / "sprung"


@pytest.fixture
def repository(workdir: Path) -> Path:
    plain(workdir, "init", "-q", "-b", "main")
    (workdir / "a.txt").write_text("one\n")
    (workdir / ".gitattributes").write_text("* filter=x diff=x\n")
    plain(workdir, "add", ".")
    plain(workdir, "commit", "-qm", "x")
    (workdir / "a.txt").write_text("two\n")
    return workdir


def set_traps(repository: Path, names: dict[str, str], wire: Path) -> None:
    trap = repository.parent / "trap"
    trap.write_text(f"#!/bin/sh\necho x >> {wire}\ncat\n")
    trap.chmod(0o755)
    for hooks in (repository / "hooks", repository / ".git" / "hooks"):
        hooks.mkdir(exist_ok=True)
        for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
            (hooks / hook).write_text(trap.read_text())
            (hooks / hook).chmod(0o755)
    (repository / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {trap}\n")
    lines = []
    for key, value in names.items():
        *section, last = key.split(".")
        head = section[0] + (f' "{".".join(section[1:])}"' if section[1:] else "")
        lines.append(f"[{head}]\n\t{last} = {value.replace('TRAP', str(trap))}\n")
    with (repository / ".git" / "config").open("a") as file:
        file.write("".join(lines))


@pytest.mark.parametrize("trap", TRAPS)
def test_what_we_ask_git_starts_nothing(trap: str, repository: Path, wire: Path) -> None:
    set_traps(repository, TRAPS[trap], wire)
    assert "git branch: main" in surroundings(str(repository), 0.0)
    (repository / ".gitignore").write_text("*.log\n")
    (repository / "x.log").write_text("x")
    shadow = Shadow(repository.parent / "shadows", str(repository))
    shadow.create()
    assert shadow.ignored("") == ["x.log"]
    assert shadow.put_files([str(repository / "a.txt")])
    assert not wire.exists()


@pytest.mark.parametrize("trap", BY_VARIABLE)
@pytest.mark.parametrize("line", ["status", "diff", "log", "show", "log -p", "branch", "ls-files"])
def test_what_a_command_asks_git_starts_nothing(
    line: str, trap: str, repository: Path, wire: Path
) -> None:
    set_traps(repository, TRAPS[trap], wire)
    if line == "diff":
        # It writes the index whatever a variable says; the policy asks where this hook is.
        (repository / ".git" / "hooks" / "post-index-change").unlink()
    os.utime(repository / ".gitattributes", (1, 1))
    done = subprocess.run(
        ["sh", "-c", f"git {line}"],
        cwd=repository,
        env=child_environment(()),
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert not wire.exists()


def test_the_traps_are_sharp(repository: Path, wire: Path) -> None:
    set_traps(repository, TRAPS["fsmonitor"], wire)
    plain(repository, "status")
    assert wire.exists()
    wire.unlink()
    set_traps(repository, {"core.fsmonitor": "false"}, wire)
    os.utime(repository / ".gitattributes", (1, 1))
    plain(repository, "status")  # writes the index: a hook
    assert wire.exists()


def test_a_bare_repository_inside_a_clone_is_not_entered(workdir: Path, wire: Path) -> None:
    plain(workdir, "init", "-q")
    inner = workdir / "data"
    (inner / "objects").mkdir(parents=True)
    (inner / "refs" / "heads").mkdir(parents=True)
    (inner / "HEAD").write_text("ref: refs/heads/main\n")
    (inner / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n"
        f'\tfsmonitor = "touch {wire}; false"\n'
    )
    line = ["git", "status"]
    done = subprocess.run(line, cwd=inner, env=child_environment(()), capture_output=True)
    assert done.returncode != 0
    assert b"bare repository" in done.stderr
    run_git(["-C", str(inner), "status"], check=False)
    shadow = Shadow(workdir.parent / "shadows", str(inner))
    shadow.create()
    shadow.ignored("")
    assert not wire.exists()


def test_ordinary_work_goes_on(repository: Path) -> None:
    """Commits and pushes that the user approved, their hooks included."""
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {repository}/checked\n")
    hook.chmod(0o755)
    environment = child_environment(())
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}  # fmt: skip
    there = repository.parent / "there.git"

    def git(*words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", *words], cwd=repository, env=environment | who, capture_output=True, timeout=60
        )

    assert git("init", "-q", "--bare", str(there)).returncode == 0
    assert git("commit", "-aqm", "second").returncode == 0
    assert (repository / "checked").exists()
    assert git("push", "-q", str(there), "main").returncode == 0
    assert git("commit", "--amend", "-q").returncode == 0  # would open an editor
    nothing = git("commit", "--allow-empty")
    assert b"empty commit message" in nothing.stderr
    assert b"second" in git("log", "--oneline").stdout


def test_settings_of_the_environment_are_kept() -> None:
    mine = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "me",
            "GIT_CONFIG_KEY_1": "alone"}  # fmt: skip
    found = harden(mine)
    count = int(found["GIT_CONFIG_COUNT"])
    pairs = [(found[f"GIT_CONFIG_KEY_{n}"], found[f"GIT_CONFIG_VALUE_{n}"]) for n in range(count)]
    assert pairs[0] == ("user.name", "me")
    assert ("core.fsmonitor", "false") in pairs
    shown = ["git", "config", "--get-all", "user.name"]
    done = subprocess.run(shown, env={**os.environ, **mine, **found}, capture_output=True)
    assert b"me" in done.stdout


@pytest.mark.parametrize("count", ["", "-1", "nonsense", "99999999999"])
def test_a_count_that_is_none(count: str) -> None:
    found = harden({"GIT_CONFIG_COUNT": count})
    done = subprocess.run(["git", "version"], env={**os.environ, **found}, capture_output=True)
    assert done.returncode == 0


def test_no_key_and_no_relative_program_reach_our_git(
    monkeypatch: pytest.MonkeyPatch, workdir: Path
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-mine")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "./evil")
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}{os.pathsep}")
    (workdir / "git").write_text("#!/bin/sh\ntouch sprung\n")
    (workdir / "git").chmod(0o755)
    found = git_environment()
    assert "sk-ant-mine" not in found.values()
    assert "GIT_EXTERNAL_DIFF" not in found
    run_git(["version"], cwd=str(workdir))
    assert not (workdir / "sprung").exists()


def test_every_setting_of_ours_is_one_that_git_takes(repository: Path) -> None:
    asked: Callable[[str], bytes] = lambda key: run_git(["config", "--get", key])  # noqa: E731
    for key, value in OURS.items():
        assert asked(key).decode().strip() == value
    assert git_command(["x"])[-1] == "x"
