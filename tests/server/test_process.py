"""`ml-agent web` as a process: its start, its end, and kill -9 in the middle of a turn."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import UsageError
from server.serve import bound
from tests.cli.program import ROOT, Program, program
from tests.cli.program_process import start
from tests.server.space_run import run
from tests.stand_ins.model_script import Call, Reply


def started(ml_agent: Program, port: int) -> tuple["subprocess.Popen[str]", str]:
    """(the process, its link)."""
    command = ["--mode", "auto", "-m", "openai/stand-in", "web", "--no-browser"]
    process = start(
        ml_agent.command(*command, "--port", str(port)),
        cwd=ml_agent.work, env=ml_agent.environment, text=True, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/\?key=\S+", line)
    assert found, line + process.stderr.read()
    return process, found[0]


def until_there(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} was not made")


def frames(http: httpx.Client, thread: str, last: str = "") -> Iterator[tuple[str, str, Any]]:
    """The stream from behind frame `last` on: (id, event, data)."""
    headers = {"Last-Event-ID": last} if last else {}
    with http.stream("GET", f"/threads/{thread}/events", headers=headers) as answer:
        id = name = ""
        for line in answer.iter_lines():
            key, _, value = line.partition(": ")
            if key == "id":
                id = value
            elif key == "event":
                name = value
            elif key == "data":
                yield id, name, json.loads(value)


def until(stream: Iterator[tuple[str, str, Any]], event: str) -> tuple[str, Any]:
    return next((id, data) for id, name, data in stream if name == event)


def test_kill_9_in_the_middle_of_a_turn_then_the_page_comes_back(tmp_path: Path) -> None:
    line = "touch begun; until test -e go; do sleep 0.05; done; echo slept"
    replies = iter([Reply(calls=[Call("bash", {"command": line})]), Reply(text="done")])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    ours = {"X-ML-Agent": "1", "Origin": base}
    with program(tmp_path, lambda asked: next(replies)) as ml_agent:
        process, link = started(ml_agent, port)
        with httpx.Client(base_url=base, trust_env=False, timeout=60) as http:
            assert http.get(link).status_code == 303
            answer = http.post("/threads", json={"text": "go"}, headers=ours)
            thread = answer.json()["thread"]["id"]
            last = next(
                id
                for id, name, data in frames(http, thread)
                if name == "tool_state_change" and data["state"] == "running"
            )
            # It runs: the message, the answer and the call are on disk.
            until_there(ml_agent.work / "begun")
            process.kill()
            process.wait()
            process, _ = started(ml_agent, port)
            # The same cookie, the place of before: a new epoch begins.
            stream = frames(http, thread, last)
            id, reset = until(stream, "reset")
            assert id.partition(".")[0] != last.partition(".")[0]
            assert reset["status"]["state"] == "cut off"
            assert [item["kind"] for item in reset["items"]] == ["user", "call"]
            answer = http.post(f"/threads/{thread}/resume", json={}, headers=ours)
            assert answer.status_code == 202
            _, told = until(stream, "processing")
            assert (told["text"], told["resumes"]) == ("go", "cut off")
            (ml_agent.work / "go").touch()
            _, output = until(stream, "tool_output")
            assert "slept" in output["text"]
            _, done = until(stream, "turn_complete")
            assert done["text"] == "done"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in errors, errors


def test_a_port_is_held_from_the_moment_it_is_chosen() -> None:
    """Two servers that start at once: the second takes another port, or says that it cannot."""
    with bound("127.0.0.1", 0) as first:
        number = first.getsockname()[1]
        with pytest.raises(UsageError, match=f"Cannot listen on 127.0.0.1:{number}"):
            bound("127.0.0.1", number)


def test_help_needs_no_server() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cli.main", "web", "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "127.0.0.1" in done.stdout
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert not loaded & {"starlette", "uvicorn", "langgraph", "httpx", "server"}


def test_a_space_serves_and_starts_no_process() -> None:
    # Its own Python has no tests on its path: what is found is the checkout's.
    assert run(sys.executable, {"PYTHONPATH": str(ROOT)}).startswith(str(ROOT))
