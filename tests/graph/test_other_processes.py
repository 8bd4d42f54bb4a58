"""A thread that continues elsewhere: in another process, under another home (on both databases),
on another machine (where only Postgres reaches)."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from configs.settings import Settings
from tests.cli.program import ROOT, Program, complaints, program
from tests.cli.program_process import run as run_python
from tests.cli.program_process import start
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.postgres_server import server
from tests.tools.bench import until

DECIDE = """
import asyncio, json, sys
from configs.layers import load
from graph.session import Session

async def main():
    thread, decisions = sys.argv[1], json.loads(sys.argv[2])
    async with Session.open(load().settings, thread=thread) as session:
        pending = await session.pending()
        last = [event async for event in session.resume(decisions)][-1]
        print(json.dumps({"pending": pending, "last": last.to_dict()}))

asyncio.run(main())
"""


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


@pytest.fixture
def shared(database_url: str, tmp_path: Path) -> str:
    """The URL of a database that several homes use."""
    return database_url or f"sqlite:///{tmp_path}/shared/ml-agent.db"


def home(name: str, shared: str, run: Program, host: str = "") -> dict[str, str]:
    """The environment of a user's home with its own state directory; with `host`, on a
    machine of that name."""
    folder = run.folder / name
    folder.mkdir(exist_ok=True)
    found = {
        "HOME": str(folder),
        "ML_AGENT_STATE_DIR": str(folder / "state"),
        "ML_AGENT_DATABASE_URL": shared,
    }
    if host:
        patch = f"import socket\nsocket.gethostname = lambda: {host!r}\n"
        (folder / "sitecustomize.py").write_text(patch)
        found["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
    return found


@contextmanager
def begun(run: Program, environment: dict[str, str], sign: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that drives a turn; entered once `sign` is there. It is killed in the end."""
    process = start(
        run.command("-m", "openai/stand-in", "go"),
        cwd=run.work,
        env={**run.environment, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        until(sign.exists)
        yield process
    finally:
        process.kill()
        process.wait()


def test_approvals_are_decided_in_another_process(shared: str, tmp_path: Path) -> None:
    calls = [bash("mkdir yes"), bash("mkdir no")]
    with program(tmp_path, [Reply(calls=calls), Reply("decided")]) as run:
        a, b = (home(name, shared, run) for name in "ab")
        asked = run.task("--mode", "ask", "--output", "json", "go", env=a)
        assert asked.returncode == 3
        assert list(run.work.iterdir()) == []
        thread = json.loads(asked.stdout)["thread"]
        decisions = [{"type": "approve"}, {"type": "reject", "message": "not this"}]
        decide = [sys.executable, "-c", DECIDE, thread, json.dumps(decisions)]
        told = run_python(decide, cwd=ROOT, env={**run.environment, **b})
        assert told.returncode == 0, told.stderr
        said = json.loads(told.stdout)
        assert [p["arguments"] for p in said["pending"]] == [c.arguments for c in calls]
        assert (said["last"]["event"], said["last"]["text"]) == ("turn_complete", "decided")
        assert [p.name for p in run.work.iterdir()] == ["yes"]
        results = [m["content"] for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert "not this" in results[1]
        # A third process finds nothing left to decide.
        again = run("sessions", "resume", "--output", "json", env=a)
        assert again.returncode == 0
        assert json.loads(again.stdout)["text"] == "decided"


def test_a_turn_is_finished_under_another_home(shared: str, tmp_path: Path) -> None:
    """While the first lives the second is denied, and told who drives the thread."""
    calls = [bash("echo mark >> effects; touch on; while [ ! -e go ]; do sleep 0.02; done")]
    with program(tmp_path, [Reply(calls=calls), Reply("finished")]) as run:
        a, b = (home(name, shared, run) for name in "ab")
        with begun(run, a, run.work / "on") as first:
            refused = run("sessions", "resume", env=b)
            assert refused.returncode == 1
            (line,) = complaints(refused)
            assert f"open in process {first.pid} on {socket.gethostname()} since" in line
            assert run("sessions", "delete", "--yes", thread_of(run, b), env=b).returncode == 1
        (run.work / "go").touch()
        done = run("sessions", "resume", "--output", "json", env=b)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["text"] == "finished"
        assert (run.work / "effects").read_text() == "mark\n"
        assert not run.server.violations


def thread_of(run: Program, environment: dict[str, str]) -> str:
    listed = run("sessions", "list", "--output", "json", env=environment)
    return str(json.loads(listed.stdout)["threads"][0]["id"])


async def test_a_server_that_goes_in_the_middle_of_a_turn(
    settings: Settings, postgres_url: str, workdir: Path
) -> None:
    """The turn ends with the reason; resuming finds the command's result."""
    command = "echo mark >> effects; touch on; while [ ! -e go ]; do sleep 0.02; done"
    settings.database_url = postgres_url
    async with driven([Reply(calls=[bash(command)]), Reply("ok")], settings, workdir) as driver:
        turn = asyncio.create_task(driver.send("go"))
        while not (workdir / "on").exists():
            await asyncio.sleep(0.02)
        server().restart()
        (workdir / "go").touch()
        failed = await turn
        assert (failed.name, failed.kind) == ("error", "store_error")
        assert "lost" in failed.message
        assert "resume" in failed.hint
        assert (await driver.resume()).text == "ok"
        assert (workdir / "effects").read_text() == "mark\n"


def test_a_command_whose_directory_did_not_travel_is_unknown(
    postgres_url: str, tmp_path: Path
) -> None:
    """As after a machine was replaced by another of its name: never taken for not begun."""
    calls = [bash("echo mark >> effects; touch on; sleep 60")]
    with program(tmp_path, [Reply(calls=calls), Reply("finished")]) as run:
        a, b = (home(name, postgres_url, run) for name in "ab")
        with begun(run, a, run.work / "on"):
            pass
        (pid,) = (run.folder / "a").glob("state/threads/*/runs/*/pid")
        os.killpg(int(pid.read_text()), 9)
        (run.folder / "a").rename(run.folder / "gone")
        done = run("sessions", "resume", "--output", "json", env=b)
        assert done.returncode == 0, done.stderr
        assert (run.work / "effects").read_text() == "mark\n"
        (result,) = (m for m in run.server.bodies[-1]["messages"] if m["role"] == "tool")
        assert "outcome is unknown" in result["content"]
        assert "not here" in result["content"]


def test_on_another_machine_person_and_model_are_told(postgres_url: str, tmp_path: Path) -> None:
    """In the middle of a turn, and only once; the thread continues in the folder given there."""

    def choose(asked: Asked) -> Reply:
        if asked.user_messages == 1:
            return Reply(calls=[bash("echo mark >> effects; touch on; sleep 60")])
        return Reply("goes on")

    with program(tmp_path, choose) as run:
        a = home("a", postgres_url, run, "machine-a")
        b = home("b", postgres_url, run, "machine-b")
        with begun(run, a, run.work / "on"):
            thread = thread_of(run, a)
        (pid,) = (run.folder / "a").glob("state/threads/*/runs/*/pid")
        os.killpg(int(pid.read_text()), 9)
        here = tmp_path / "elsewhere"
        run.work.rename(here)
        done = run("-r", thread, "--output", "json", cwd=here, env=b)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["text"] == "goes on"
        assert "this session was on machine-a" in done.stderr
        assert f"continues in {here}" in done.stderr
        assert (here / "effects").read_text() == "mark\n"
        roles = [m["role"] for m in run.server.bodies[-1]["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "user"]
        result, told = (str(m["content"]) for m in run.server.bodies[-1]["messages"][-2:])
        assert "begun on machine-a" in result
        assert "outcome is unknown" in result
        assert "was on the machine machine-a and continues on machine-b" in told
        assert f"working directory: {here}" in told
        # From now on it is a thread of machine-b.
        again = run.task("-r", thread, "and now?", cwd=here, env=b)
        assert again.returncode == 0, again.stderr
        assert "machine-a" not in again.stderr
        asked = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "user"]
        assert asked[-1]["content"] == "and now?"
        # Back again, with a message: told in front of it.
        back = run.task("-r", thread, "home again", cwd=here, env=a)
        assert "this session was on machine-b" in back.stderr
        last = str(run.server.bodies[-1]["messages"][-1]["content"])
        assert "continues on machine-a" in last
        assert last.endswith("home again")
        assert not run.server.violations
