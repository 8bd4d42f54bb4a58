"""A run waits, its process is killed, and another process goes on with it: one wake, no request to
the model meanwhile. Real processes, SQLite and Postgres."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program, program
from tests.cli.program_process import start
from tests.graph.conftest import JOB
from tests.graph.test_other_processes import home
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Call, Reply

ID = f"{1:024x}"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        server.jobs.looks = 10**6
        yield server
    assert server.violations == []


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def killed_while_it_waits(run: Program, task: str) -> Iterator[str]:
    """The id of a thread whose headless run was killed in its wait."""
    words = run.command("-m", "openai/stand-in", "--max-cost", "1", "--output", "json", task)
    begun = start(words, cwd=run.work, env=run.environment, start_new_session=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        # It waits after its second answer: until then no program needs to look.
        until(lambda: len(run.server.bodies) == 2)
        until(lambda: listed(run)[0]["status"] == "waiting")
        (thread,) = listed(run)
        assert begun.poll() is None  # it stays until the wait is over
        assert thread["waiting"]["since"] <= time.time()
    finally:
        os.kill(begun.pid, signal.SIGKILL)
        begun.wait()
    yield thread["id"]


def listed(run: Program) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("sessions", "list", "--json").stdout)["threads"]
    return found


def once(run: Program, environment: dict[str, str] | None = None) -> list[dict[str, Any]]:
    done = run("watch", "--once", "--json", env=environment or {})
    assert done.returncode == 0, done.stderr
    woken: list[dict[str, Any]] = json.loads(done.stdout)["woken"]
    return woken


def test_a_job_on_either_database(tmp_path: Path, hub: HubServer, database_url: str) -> None:
    waits = Reply(calls=[Call("wait", {"until": [{"job": ID}], "note": "then evaluate"})])
    script = [Reply(calls=[Call("hf_jobs", JOB)]), waits, Reply("the job is done")]
    environment = {"HF_TOKEN": "hf_ann", "ML_AGENT_HUB_URL": hub.url}
    if database_url:
        environment["ML_AGENT_DATABASE_URL"] = database_url
    with program(tmp_path, script) as run:
        run.extra.update(environment)
        with killed_while_it_waits(run, "train") as thread:
            assert once(run) == []
            hub.jobs.jobs[ID].log.append("accuracy=0.93")
            hub.jobs.end(seconds=600)
            assert len(run.server.bodies) == 2
            if database_url:
                # Another machine: nothing of the first one's state is there.
                run.extra["ML_AGENT_STATE_DIR"] = str(tmp_path / "other")
            assert once(run) == [{"thread": thread, "by": hub_line(hub), "status": "done"}]
            assert once(run) == []
        assert len(run.server.bodies) == 3
        results = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert len(results) == 2
        assert "accuracy=0.93" in results[-1]["content"]
        told = json.loads(run("sessions", "resume", thread, "--json").stdout)
        assert (told["status"], told["text"]) == ("done", "the job is done")
        # Settled: the 600 s that it ran, not the half hour that was set aside.
        assert "$0.0667" in results[-1]["content"]
        assert len(run.server.bodies) == 3


def hub_line(hub: HubServer) -> str:
    job = hub.jobs.jobs[ID]
    url = f"{hub.url}/jobs/{job.namespace}/{ID}"
    return f"Job {ID} on t4-small: COMPLETED (ran 10 min) {url}"


def test_a_background_command_and_detach(tmp_path: Path) -> None:
    command = "until [ -e go ]; do sleep 0.1; done; echo accuracy=0.91"
    begin = Reply(calls=[Call("bash", {"command": command, "background": True})])

    def script(asked: Any) -> Reply:
        if asked.step == 0:
            return begin
        if asked.step == 1:
            name = asked.turns[-1].text.partition("id ")[2].partition(".")[0]
            return Reply(calls=[Call("wait", {"until": [{"process": name}], "timeout": "1h"})])
        return Reply("the command is done")

    with program(tmp_path, script) as run:
        left = run.task("--detach", "--json", "train")
        assert left.returncode == 6, left.stderr
        told = json.loads(left.stdout)
        assert told["status"] == "waiting"
        assert told["waiting"]["reasons"][0].startswith("the end of command ")
        assert told["running"] == [command]
        assert "ml-agent watch" in left.stderr
        assert once(run) == []
        assert len(run.server.bodies) == 2
        (run.work / "go").touch()
        until(lambda: bool(once(run)))
        assert len(run.server.bodies) == 3
        results = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert "accuracy=0.91" in results[-1]["content"]
        assert listed(run)[0]["status"] == "done"


def test_on_postgres_from_another_machine(tmp_path: Path, postgres_url: str) -> None:
    """A command's end is seen on its own machine alone; what any machine can see, any one wakes."""
    command = "until [ -e go ]; do sleep 0.1; done; echo accuracy=0.91"

    def script(asked: Any) -> Reply:
        step = sum(turn.role == "assistant" for turn in asked.turns)
        if step == 0:
            return Reply(calls=[Call("bash", {"command": command, "background": True})])
        if step == 1:
            name = asked.turns[-1].text.partition("id ")[2].partition(".")[0]
            return Reply(calls=[Call("wait", {"until": [{"process": name}]})])
        if step == 2:
            return Reply(calls=[Call("wait", {"until": [{"command": "test -e there"}]})])
        return Reply("both have come")

    with program(tmp_path, script) as run:
        a = home("a", postgres_url, run, "machine-a")
        b = home("b", postgres_url, run, "machine-b")
        assert run.task("--detach", "train", env=a).returncode == 6
        assert once(run, b) == []
        (run.work / "go").touch()
        (pid,) = (run.folder / "a").glob("state/threads/*/runs/*/pid")
        until((pid.parent / "exit").exists)
        assert once(run, b) == []  # it cannot know
        assert len(run.server.bodies) == 2
        (woken,) = once(run, a)
        assert woken["status"] == "waiting"
        (run.work / "there").touch()
        (woken,) = once(run, b)
        assert woken["status"] == "done"
        assert once(run, a) == []
        assert len(run.server.bodies) == 4
        results = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert "accuracy=0.91" in results[1]["content"]
