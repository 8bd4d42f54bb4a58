"""A goal survives kills: nothing is checked twice, no turn is lost. Real processes."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.cli.program import Program, program
from tests.cli.program_process import start
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.test_waits import listed, once, until

#: Says that it was run, and then takes a moment.
CHECK = "echo x >> checks; sleep 1; test -e part5"


def worker(asked: Asked) -> Reply:
    """Adds a part in each turn, slowly."""
    if asked.step:
        return Reply(f"part {asked.user_messages} is done", delay=0.5)
    call = Call("bash", {"command": f"echo x >> part{asked.user_messages}"})
    return Reply(calls=[call], delay=0.5)


def killed(run: Program, when: Any, *words: str) -> None:
    """Start the program, and end it with SIGKILL once something is so."""
    begun = start(run.command(*words), cwd=run.work, env=run.environment,
                             start_new_session=True, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        until(when)
        assert begun.poll() is None
    finally:
        os.kill(begun.pid, signal.SIGKILL)
        begun.wait()


def test_five_turns_and_two_kills(tmp_path: Path) -> None:
    with program(tmp_path, worker) as run:
        goal = ("-m", "openai/stand-in", "goal", "make five parts", "--until", CHECK)

        def checks() -> int:
            file = run.work / "checks"
            return len(file.read_text().split()) if file.exists() else 0

        # In the middle of the third turn, and in the middle of the fifth check.
        killed(run, lambda: len(run.server.bodies) == 5, *goal, "--max-cost", "1")
        (thread,) = listed(run)
        assert (thread["status"], thread["goal"]["state"]) == ("cut off", "active")
        killed(run, lambda: checks() == 5, "sessions", "resume", thread["id"])
        (woken,) = once(run)
        assert woken["thread"] == thread["id"]
        (thread,) = listed(run)
        assert thread["goal"]["state"] == "achieved"
        assert thread["goal"]["turns"] == 5
        assert checks() == 6  # before the first turn, and once after each
        assert [(run.work / f"part{n}").read_text() for n in range(1, 6)] == ["x\n"] * 5
        assert not (run.work / "part6").exists()
        said = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "user"]
        assert len(said) == 5
        assert once(run) == []


def test_the_command_from_its_start_to_its_end(tmp_path: Path) -> None:
    def idle(asked: Asked) -> Reply:
        return Reply("I will do it soon")

    with program(tmp_path, idle) as run:
        done = run.task("goal", "make it work", "--until", "echo broken; false", "--json")
        assert done.returncode == 4, done.stderr
        told = json.loads(done.stdout)
        assert (told["goal"]["state"], told["goal"]["turns"]) == ("stalled", 2)
        assert "goal stalled: make it work · 2 turns" in done.stderr
        shown = run("goal", "show")
        assert "2 turns in a row" in shown.stdout
        assert "broken" in shown.stdout
        assert run("goal", "pause").returncode == 2
        assert run.task("goal", "resume", "--max-turns", "3").returncode == 4
        assert json.loads(run("goal", "show", "--json").stdout)["state"] == "limit"
        assert run("goal", "clear").returncode == 0
        assert "has a goal" in run("goal", "show").stderr
