"""The demo: in a pseudo-terminal and without one, and its recording is what the tools do now."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pexpect
import pytest

from core.models.routes import recording_path
from graph.transcript.format import digest, read_recording
from tests.cli.program import ROOT, program
from tests.cli.program_process import run
from tests.cli.program_terminal import in_terminal
from tests.cli.screens import terminal


def environment(folder: Path) -> dict[str, str]:
    """A bare one: no key, no network but what it would open itself."""
    (folder / "tmp").mkdir(exist_ok=True)
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ML_AGENT_STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder / "tmp"),
        "NO_COLOR": "1",
    }


def tells(said: str, words: list[str]) -> None:
    """All of these, in their order."""
    for one in words:
        assert one in said, one
        said = said.partition(one)[2]


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return ml_agent(["demo", *arguments], folder, folder)


def ml_agent(arguments: Sequence[str], folder: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`folder`: where its state is."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    return run(command, cwd=cwd, env=environment(folder))


@pytest.mark.parametrize("arguments", [[], ["--yes"]])
def test_without_a_terminal_it_approves_itself_and_says_so(
    arguments: list[str], tmp_path: Path
) -> None:
    done = demo(tmp_path, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    why = "--yes was given" if arguments else "no terminal to ask in"
    assert done.stdout.count(f"approved by the demo: {why}") == 1
    assert "not as recorded" not in done.stdout
    # It looks, trains, asks about a paid job, waits for it, reports.
    told = [
        "[>] look at the dataset", "90 rows", "● write train.py", "step 300/300", "eval_loss",
        "Paid job: up to $0.50", "was submitted on cpu-xl", "COMPLETED", "● write report.md",
        "plan 4/4 · all done", "Accuracy 0.", "7 iterations", "$0.17",
    ]  # fmt: skip
    tells(done.stdout, told)
    (folder,) = (tmp_path / "tmp").iterdir()
    assert {p.name for p in folder.iterdir()} == {
        "beans.csv", "train.py", "model.json", "report.md",
    }  # fmt: skip
    # What the recorded model says of the training here is what it printed.
    (claimed,) = re.findall(r"The single run here gave (\S+),", done.stdout)
    assert f"accuracy {claimed} +- 0.000" in done.stdout
    assert len(json.loads((folder / "model.json").read_text())["first"]) == 16


@pytest.mark.parametrize(("answer", "ran"), [("y", True), ("n", False)])
def test_a_person_decides_in_a_terminal(answer: str, ran: bool, tmp_path: Path) -> None:
    env = {**environment(tmp_path), "TERM": "dumb"}
    child = in_terminal(["demo"], tmp_path, env, timeout=60, dimensions=(40, 100))
    child.expect(r"Run it\?.*: ")
    child.sendline(answer)
    child.expect("The session: ml-agent sessions show")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    (folder,) = (tmp_path / "tmp").iterdir()
    assert (folder / "report.md").exists() is ran


@pytest.mark.parametrize("columns", [40, 80])
def test_it_runs_in_the_chat(columns: int, tmp_path: Path) -> None:
    """The chat's own renderer: a live training, one key for the paid job."""
    with (
        program(tmp_path, []) as run,
        terminal(run, "demo", columns=columns, rows=50, TMPDIR=str(tmp_path)) as chat,
    ):
        chat.expect(r"Run it\?")
        assert any("loss 0.39 █" in line for line in chat.lines)
        assert "Paid job: up to $0.50" in chat.text
        chat.type("y")
        chat.expect("The session: ml-agent")
        chat.ends()
        assert "$0.17" in chat.text
        assert "**Accuracy" not in chat.text
        assert all(len(line) <= columns for line in chat.lines)
    assert chat.child.exitstatus == 0
    (folder,) = tmp_path.glob("ml-agent-demo-*")
    assert (folder / "report.md").exists()


def test_experiments_are_run_kept_discarded_and_void(tmp_path: Path) -> None:
    """The trainings and the verdicts are real; afterwards the trials are there for the commands."""
    done = demo(tmp_path, "--experiments", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "not as recorded" not in done.stdout
    told = [
        "six real trainings", "METRIC loss=0.", "Trial 0: baseline", "Trial 1: keep",
        "0 of 36 pairs of runs against it", "Trial 2: discard",
        "judges this work and must stay as it is",
        "approved by the demo: --yes was given", "Trial 3: void", "frozen files are not those",
        "├─ 2 discard", "└─ 3 void no value  measure on the rows it has seen",
        "best: trial 1, loss 0.", "The session: ml-agent sessions show",
    ]  # fmt: skip
    tells(done.stdout, told)
    (folder,) = (tmp_path / "tmp").iterdir()
    assert {p.name for p in folder.iterdir()} == {"beans.csv", "train.py", "judge.py"}
    assert "STEPS = 300" in (folder / "train.py").read_text()
    assert "HIDDEN = 8" in (folder / "train.py").read_text()
    for words in (["init", "-q"], ["config", "user.name", "Ann"], ["config", "user.email", "a@b"]):
        subprocess.run(["git", *words], cwd=folder, check=True, timeout=60)
    command = ["experiments", "promote", "2", "--branch", "ninth"]
    promoted = ml_agent(command, tmp_path, folder)
    assert promoted.returncode == 0, promoted.stderr
    assert promoted.stdout.startswith("branch ninth has the files of trial 2, commit ")
    shown = subprocess.run(
        ["git", "log", "--stat", "--format=%s%n%b", "ninth"],
        cwd=folder, check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    assert shown.startswith("a ninth hidden unit\nTrial 2, discard: loss by `python3 judge.py`.")
    assert "3 files changed" in shown


def test_experiments_run_in_the_chat(tmp_path: Path) -> None:
    with (
        program(tmp_path, []) as run,
        terminal(run, "demo", "--experiments", columns=80, rows=60, TMPDIR=str(tmp_path)) as chat,
    ):
        chat.expect(r"Run it\?")
        assert "judges this work" in chat.text
        chat.type("y")
        chat.expect("The session: ml-agent")
        chat.ends()
        assert re.search(r"1 keep 0\.\d+  300 steps", chat.text)
        assert "best: trial 1, loss 0." in chat.text
        assert all(len(line) <= 80 for line in chat.lines)
    assert chat.child.exitstatus == 0


def test_its_thread_is_a_thread(tmp_path: Path) -> None:
    done = demo(tmp_path, "--yes")
    (thread,) = re.findall(r"sessions show (\S+)", done.stdout)
    for command in (["sessions", "show", thread], ["sessions", "export", thread]):
        shown = ml_agent(command, tmp_path, tmp_path)
        assert shown.returncode == 0
        assert "of 90 rows had no width" in shown.stdout


@pytest.mark.parametrize("model", ["replay/demo", "replay/demo-experiments"])
def test_the_recording_is_whole_and_names_no_machine(model: str) -> None:
    recording = read_recording(recording_path(model))
    assert all(m["ml_agent"]["sha256"] == digest(m) for m in recording.messages)
    text = recording_path(model).read_text()
    assert not re.search(r"/(?:tmp|home|root|work|Users)/", text)
