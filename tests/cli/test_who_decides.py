"""Only a user decides: what a command of the agent tries, to pass as one."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from cli.terminal import who_decides
from core.store import runs
from tests.cli.program import ROOT, complaints, controlling_terminal, program, take
from tests.stand_ins.model_script import Asked, Call, Reply

#: Says to the file $1 whether it passes as a user.
CHECK = """
import sys
from cli.terminal.who_decides import by_a_person
from core.errors import UsageError
try:
    by_a_person("approve")
    said = "a person"
except UsageError as error:
    said = error.message
open(sys.argv[1], "w").write(said)
"""
#: Starts its arguments in its own terminal, as `script` does.
PTY = "import pty, sys; pty.spawn(sys.argv[1:])"
#: Starts its arguments as a daemon's only child: no ancestor is left but init.
DAEMON = """
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
WAYS: dict[str, list[str]] = {
    "as it is": [],
    "without the variable": ["env", "-u", "AI_AGENT"],
    "with no environment": ["env", "-i", f"PYTHONPATH={ROOT}"],
    "in a session of its own": ["env", "-u", "AI_AGENT", "setsid", "-w"],
    "with a terminal": ["env", "-u", "AI_AGENT", sys.executable, "-c", PTY],
    "nohup": ["env", "-u", "AI_AGENT", "nohup", sys.executable, "-c", PTY],
    "as a daemon": ["env", "-u", "AI_AGENT", sys.executable, "-c", DAEMON],
    "as a daemon with a terminal": [
        "env", "-i", f"PYTHONPATH={ROOT}", sys.executable, "-c", DAEMON, sys.executable, "-c", PTY,
    ],
}  # fmt: skip

#: Those that keep their ancestors; only Linux has the limit that marks the others.
BY_ANCESTORS = ["as it is", "without the variable", "with a terminal", "nohup"]


def check(file: Path) -> list[str]:
    return [sys.executable, "-c", CHECK, str(file)]


def said_in(file: Path) -> str:
    for _ in range(600):
        if file.exists() and file.read_text():
            return file.read_text()
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError("the check did not end")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_person_needs_a_terminal(tmp_path: Path) -> None:
    with controlling_terminal() as terminal:
        subprocess.run(
            check(tmp_path / "with"), env=environment(), start_new_session=True,
            preexec_fn=partial(take, terminal), stdin=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    subprocess.run(
        check(tmp_path / "none"), env=environment(), start_new_session=True,
        stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    assert (tmp_path / "with").read_text() == "a person"
    assert "without a terminal" in (tmp_path / "none").read_text()


@pytest.mark.parametrize("way", WAYS if sys.platform == "linux" else BY_ANCESTORS)
def test_a_child_of_the_agent_is_none(way: str, tmp_path: Path) -> None:
    """Started as `ml-agent` starts whatever it starts: a command, an MCP server, git."""
    line = [*WAYS[way], *check(tmp_path / "said")]
    agent = (
        "import subprocess, sys; from cli.terminal.who_decides import mark_children\n"
        "mark_children()\n"
        "subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)"
    )
    env = {**environment(), "AI_AGENT": "ml-agent"}
    subprocess.run([sys.executable, "-c", agent, *line], env=env, check=True, cwd=tmp_path)
    assert "from a command of the agent" in said_in(tmp_path / "said")


@pytest.mark.parametrize("way", BY_ANCESTORS)
def test_a_command_is_known_by_its_ancestors(way: str, tmp_path: Path) -> None:
    """Without the mark: another program than ours drives the session."""
    line = " ".join(map(repr, [*WAYS[way], sys.executable, str(tmp_path / "c"), "said"]))
    (tmp_path / "c").write_text(CHECK)
    run = runs.start(
        tmp_path / "call_1", runs.Meta(line, str(tmp_path), None, False),
        {**environment(), "AI_AGENT": "ml-agent"},
    )  # fmt: skip
    assert "from a command of the agent" in said_in(tmp_path / "said"), run.read_output(9_000)[0]


def test_who_is_ours() -> None:
    ours = [
        ["/usr/bin/ml-agent", "task"], ["/usr/bin/python3", "/venv/bin/ml-agent"],
        ["python3.11", "-m", "cli.main", "x"], ["/bin/sh", "-c", "...", "ml-agent-run", "/runs/1"],
    ]  # fmt: skip
    theirs = [
        ["bash"], ["sudo", "ml-agent", "approvals"], ["uv", "run", "ml-agent"], ["python", "x.py"],
        ["vim", "ml-agent"], [""],
    ]  # fmt: skip
    assert all(who_decides._is_ours(argv, b"") for argv in ours)
    assert not any(who_decides._is_ours(argv, b"HOME=/\0AI_AGENT=other") for argv in theirs)
    assert who_decides._is_ours(["bash"], b"HOME=/\0AI_AGENT=ml-agent\0X=1")


def test_the_real_thing_approves_nothing_for_itself(tmp_path: Path) -> None:
    """A command of a yolo run tries to approve what waits in another thread."""

    def choose(asked: Asked) -> Reply:
        if asked.step:
            return Reply("done")
        if "first" in asked.user:
            return Reply(calls=[Call("bash", {"command": "touch made"})])
        tries = [
            f"env -u AI_AGENT PYTHONPATH={ROOT} {sys.executable} -m cli.main approvals approve",
            f"""env -u AI_AGENT PYTHONPATH={ROOT} {sys.executable} -c '{PTY}' """
            f"{sys.executable} -m cli.main approvals approve",
        ]
        return Reply(calls=[Call("bash", {"command": line}) for line in tries])

    with program(tmp_path, choose) as run:
        run.fresh = True
        # The sandbox hides the database from a command: without it, the program itself refuses.
        run.extra["ML_AGENT_SANDBOX_COMMANDS"] = "off"
        assert run.task("--mode", "ask", "first").returncode == 3
        tried = run.task("--yolo", "second")
        assert tried.stderr.count("cannot decide about a call from a command") >= 2, tried.stderr
        assert run("approvals", "list").stdout.count("bash touch made") == 1
        assert not (run.work / "made").exists()


def test_what_only_a_person_does(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("hello")]) as run:
        run.task("hi")
        for arguments in (
            ["approvals", "approve"], ["approvals", "reject"],
            ["approvals", "granted", "--remove", "x"],
            ["mcp", "add", "x", "--url", "https://a/mcp"],
            ["sessions", "delete", "2", "--yes"], ["sessions", "prune", "--yes"],
            ["sessions", "undo"], ["sessions", "redo"], ["sessions", "rename", "x"],
        ):  # fmt: skip
            done = run(*arguments, in_terminal=False)
            assert done.returncode == 2, arguments
            (said,) = complaints(done)
            assert "without a terminal: only the user can (run it in a terminal" in said
        assert run("sessions", "resume", in_terminal=False).returncode == 0
        refused = run("sessions", "resume", env={"AI_AGENT": "ml-agent"})
        assert "from a command of the agent" in complaints(refused)[0]
