"""A trial's copy of the folder: a sub-agent writes in it, and nowhere else."""

from pathlib import Path

import pytest

from core.effects import Effect
from core.policy.decide import Situation, decide

MODES = ("ask", "auto", "yolo")


@pytest.fixture
def here(tmp_path: Path) -> Situation:
    copy = tmp_path / "state" / "threads" / "t1" / "copies" / "call_1-0"
    (copy / ".git" / "hooks").mkdir(parents=True)
    (copy / "out").symlink_to(tmp_path)
    return Situation("auto", str(copy), state=str(tmp_path / "state"), is_copy=True)


def judged(here: Situation, mode: str, effect: Effect, tool: str = "write") -> tuple[str, str]:
    situation = Situation(mode, here.cwd, here.rules, here.state, here.frozen, here.is_copy)
    found = decide(tool, effect, [], situation)
    return found.action, found.rule


@pytest.mark.parametrize("mode", MODES)
def test_files_are_written_in_the_copy_alone(here: Situation, mode: str, tmp_path: Path) -> None:
    for inside in ("train.py", "deep/new.py", f"{here.cwd}/a.txt"):
        assert judged(here, mode, Effect("write", (inside,)))[0] == "run"
    others = (
        str(tmp_path / "project" / "train.py"),
        "../call_1-1/train.py",
        "out/a.txt",
        "~/a.txt",
    )
    for outside in others:
        assert judged(here, mode, Effect("write", (outside,))) == ("deny", "copy")
    assert judged(here, mode, Effect("write", (".git/hooks/pre-commit",)))[0] != "run"
    assert judged(here, mode, Effect("write", ("../../../../ml-agent.db",)))[0] != "run"


@pytest.mark.parametrize("mode", MODES)
def test_commands_redirect_into_the_copy_alone(here: Situation, mode: str, tmp_path: Path) -> None:
    def line(command: str, **more: bool) -> tuple[str, str]:
        return judged(here, mode, Effect("execute", command=command, **more), "bash")  # type: ignore[arg-type]

    assert line("echo 1 > a.txt 2> /dev/null")[1] != "copy"
    for outside in (f"{tmp_path}/project/a", "../call_1-1/a", "out/a", "~/a"):
        assert line(f"echo 1 > {outside}") == ("deny", "copy")
    assert line("make", outside_sandbox=True) == ("deny", "copy")


def test_what_is_no_copy_stays_protected(here: Situation) -> None:
    main = Situation("auto", "/project", state=here.state)
    for path in ("ml-agent.db", "threads/t1/runs/r/output", "threads/t1/copies", "snapshots/x"):
        found = decide("write", Effect("write", (f"{here.state}/{path}",)), [], main)
        assert (found.action, found.rule) == ("deny", "protected-path")
