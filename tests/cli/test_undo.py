"""`sessions undo`, `redo`, `fork`, and the same in the chat."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.program import complaints, program
from tests.cli.program_process import start
from tests.cli.test_chat import chatting
from tests.stand_ins.model_script import Asked, Call, Reply


def choose(asked: Asked) -> Reply:
    if asked.step:
        return Reply("done")
    if "make" in asked.user:
        return Reply(calls=[Call("write", {"path": "made", "content": "1"})])
    return Reply("hello")


def test_undo_redo_and_fork_as_typed(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        run.task("say hello")
        run.task("-c", "make it")
        made = run.work / "made"
        assert made.exists()

        seen = run("sessions", "undo", "--dry-run")
        assert (seen.returncode, made.exists()) == (0, True)
        assert seen.stdout.splitlines()[:3] == [
            "Undo turn 2?", "  deletes files: 1", "    made",
        ]  # fmt: skip
        assert run("sessions", "undo").stdout.startswith("turn 2 undone\n")
        assert not made.exists()
        told = json.loads(run("sessions", "redo", "--output", "json").stdout)
        assert (told["moved"], told["restored"], told["turn"]) == ([2], ["made"], 2)
        assert made.exists()
        assert "nothing to redo" in run("sessions", "redo").stderr

        made.write_text("the person's")
        kept = run("sessions", "undo", "--turns", "2")
        assert "made: it was changed since" in kept.stdout
        assert made.read_text() == "the person's"
        nothing = run("sessions", "undo")
        assert (nothing.returncode, len(complaints(nothing))) == (2, 1)
        run("sessions", "redo")

        fork = run("sessions", "fork").stdout.strip()
        assert run.task("-r", fork, "and you?").stdout == "hello\n"
        listed = json.loads(run("sessions", "list", "--output", "json").stdout)["threads"]
        assert [row["title"] for row in listed] == ["fork of say hello", "say hello"]
        assert run("sessions", "delete", fork, "--yes").returncode == 0


def test_in_the_chat(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, chatting(run) as chat:
        chat.expect_exact("> ")
        chat.sendline("/undo")
        chat.expect("no session yet")
        for text in ("say hello", "make it"):
            chat.sendline(text)
            chat.expect("iterations?")
        assert (run.work / "made").exists()
        chat.sendline("/undo")
        chat.expect("Undo turn 2\\?")
        chat.expect("Undo\\? \\[Y/n\\]")
        chat.sendline("no")
        chat.sendline("/undo")
        chat.expect("Undo\\? \\[Y/n\\]")
        chat.sendline("")
        chat.expect("turn 2 undone")
        assert not (run.work / "made").exists()
        chat.sendline("/redo")
        chat.expect("turn 2 redone")
        assert (run.work / "made").exists()
        chat.sendline("/rewind")
        chat.expect("1  say hello")
        chat.expect("2  make it")
        chat.expect("undo from turn")
        chat.sendline("1")
        chat.expect("Undo\\? \\[Y/n\\]")
        chat.sendline("")
        chat.expect("turns 2, 1 undone")
        chat.sendline("/undo")
        chat.expect("nothing to undo in")
        chat.sendline("/redo")
        chat.expect("turn 1 redone")
        chat.sendline("/fork")
        chat.expect("continue later with")
        chat.expect("session ")
        chat.sendline("hi")
        chat.expect("hello")
        chat.sendline("/quit")


def test_undo_after_a_kill(tmp_path: Path) -> None:
    """The command continues without the program. What it did comes back; what the user does after
    its end stays."""
    gate = tmp_path / "gate"
    wait = f"until [ -e {gate} ]; do sleep 0.02; done"
    command = f"echo half > made; echo 2 > old; {wait}; echo whole > made"
    script = [Reply(calls=[Call("bash", {"command": command})]), Reply("done")]
    with program(tmp_path, script) as run:
        (run.work / "old").write_text("1\n")
        child = start(
            run.command("-m", "openai/stand-in", "go"),
            cwd=run.work,
            env=run.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: (run.work / "made").exists())
        child.kill()
        child.wait()
        gate.touch()
        (ended,) = [p for p in (tmp_path / "state" / "threads").glob("*/runs/*") if p.is_dir()]
        wait_for((ended / "exit").exists)
        (run.work / "mine").write_text("the user's")
        undone = run("sessions", "undo")
        assert (undone.returncode, "mine: " in undone.stdout) == (0, True), undone.stdout
        assert {p.name: p.read_text() for p in run.work.iterdir()} == {
            "old": "1\n", "mine": "the user's",
        }  # fmt: skip


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
