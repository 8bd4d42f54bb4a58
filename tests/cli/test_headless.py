"""The headless run: what it prints where, its JSON, its exit codes, its signals."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cli.headless_output import Teller
from configs.settings import Settings
from core.errors import MessageQueued
from graph.outcome import error_of
from graph.session import Session
from tests.cli.program import complaints, program
from tests.cli.program_process import start
from tests.stand_ins.model_script import Call, Reply

WORK = [
    Reply(
        text="I look.",
        calls=[
            Call("bash", {"command": "echo seen; exit 3"}),
            Call("write", {"path": "report.md", "content": "two\n"}),
        ],
    ),
    Reply(text="Two rows – done."),
]


def test_a_task_as_text(tmp_path: Path) -> None:
    with program(tmp_path, WORK) as run:
        done = run.task("count", env={"PYTHONIOENCODING": "ascii"})
        assert done.returncode == 0
        assert done.stdout == "Two rows ? done.\n"
        assert "\nI look.\n● bash" in done.stderr.replace("?", "●")
        assert (run.work / "report.md").read_text() == "two\n"
        for told in ("session 20", "mode auto", "cap $5", "bash echo seen", "exit code 3", "-r 20"):
            assert told in done.stderr
        (thread,) = json.loads(run("sessions", "list", "--output", "json").stdout)["threads"]
        assert (thread["title"], thread["status"]) == ("count", "done")

        # The same thread, over standard input, as JSON.
        done = run.task("--output", "json", "-c", "-", input="and again")
        result = json.loads(done.stdout)
        assert list(result) == [
            "schema_version", "thread", "status", "text", "iterations", "usage",
            "cost_micro_usd", "left_micro_usd", "seconds", "error", "waiting", "goal",
            "running", "claims",
        ]  # fmt: skip
        assert (result["thread"], result["status"]) == (thread["id"], "done")
        assert result["usage"] == {"input": 200, "cached": 0, "output": 40, "reasoning": 0}
        shown = json.loads(run("sessions", "show", "--output", "json").stdout)
        assert [m["role"] for m in shown["messages"]].count("human") == 2
        assert "Two rows" in run("sessions", "show", thread["id"][:-2]).stdout

        assert run("sessions", "resume").returncode == 0
        assert run("sessions", "delete", thread["id"]).returncode == 2
        assert run("sessions", "delete", thread["id"], "--yes").returncode == 0
        assert json.loads(run("sessions", "list", "--output", "json").stdout)["threads"] == []
        assert list((tmp_path / "state" / "threads").glob("*")) == []


def test_events_as_lines(tmp_path: Path) -> None:
    with program(tmp_path, WORK) as run:
        done = run.task("--output", "stream-json", "count")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert [e["event"] for e in events][:2] == ["ready", "processing"]
        assert [e["event"] for e in events][-2:] == ["turn_complete", "shutdown"]
        assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
        assert {(e["schema_version"], e["turn"]) for e in events} == {(1, 1)}


def test_approval_limit_and_interrupt_have_their_exit_codes(tmp_path: Path) -> None:
    def choose(asked: object) -> Reply:
        return Reply(calls=[Call("bash", {"command": "echo on; sleep 30"})])

    with program(tmp_path, choose) as run:
        done = run.task("--mode", "ask", "--output", "json", "go")
        assert (done.returncode, json.loads(done.stdout)["status"]) == (3, "approval")
        assert "echo on; sleep 30" in done.stderr
        assert run("sessions", "resume").returncode == 3

        done = run.task("--max-time", "1s", "--output", "json", "go")
        result = json.loads(done.stdout)
        assert (done.returncode, result["status"]) == (4, "limit")
        assert "1 seconds" in result["error"]["message"]

        stderr = tmp_path / "stderr"
        process = start(
            run.command("-m", "openai/stand-in", "--output", "json", "go"),
            cwd=run.work,
            env=run.environment,
            stdout=subprocess.PIPE,
            stderr=stderr.open("wb"),
        )
        while b"  on\n" not in stderr.read_bytes():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
        assert (process.returncode, json.loads(stdout)["status"]) == (130, "interrupted")
        assert not run.server.violations


def test_what_the_model_side_can_answer(tmp_path: Path) -> None:
    replies: list[Reply] = []
    with program(tmp_path, lambda asked: replies[0]) as run:
        for reply, code, kind, words in [
            (Reply(status=401), 5, "not_authenticated", "OPENAI_API_KEY"),
            (Reply(status=404), 2, "unknown_model", "does not know this model"),
            (Reply(status=400), 1, "request_refused", "refused the request"),
            (Reply(status=402), 1, "payment_required", "payment"),
            (Reply(text="and so", finish="length"), 1, "answer_cut", "token limit"),
        ]:
            replies[:] = [reply]
            done = run.task("--output", "json", "go")
            result = json.loads(done.stdout)
            assert (done.returncode, result["status"], result["error"]["kind"]) == (
                code, "error", kind,
            )  # fmt: skip
            (line,) = complaints(done)
            assert words in line
        # Every one of these threads continues once the trouble is over.
        replies[:] = [Reply("fine now")]
        assert json.loads(run.task("-c", "--output", "json", "go on").stdout)["text"] == "fine now"
        assert not run.server.violations


def test_a_message_that_is_queued_elsewhere_is_no_failure(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    teller = Teller("json", Session.open(settings))
    queued = MessageQueued("thread x is driven by process 1. Your message is queued", number=2)
    assert teller._last(error_of(queued)) == 0
    teller.print_result()
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["error"]["kind"]) == ("queued", "message_queued")
