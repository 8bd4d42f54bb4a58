"""While the agent works: messages that wait, taken back or joined; Esc and Ctrl-C."""

import json
from pathlib import Path

import pytest

from tests.cli.program import program
from tests.cli.screens import terminal
from tests.stand_ins.model_script import Asked, Call, Reply


def choose(asked: Asked) -> Reply:
    if "long" in asked.user:
        return Reply("word " * 400, pieces=400, chunk_delay=0.05)
    if asked.step == 0 and "slow" in asked.user:
        return Reply(calls=[Call("bash", {"command": "until [ -e go ]; do sleep 0.05; done"})])
    return Reply(f"last heard: {asked.user.splitlines()[-1]}")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_queued_message_joins_at_the_next_step(columns: int, tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run, "--yolo", columns=columns) as chat:
        chat.prompt()
        chat.enter("be slow")
        chat.expect("● bash until")
        chat.enter("not this")
        chat.expect("queued: not this")
        chat.enter("but this")
        chat.expect("queued: but this")
        chat.type("\x1b[A")  # Up: the newest comes back
        chat.prompt("but this")
        chat.type(", please")
        chat.enter()
        chat.expect("queued: but this, please")
        chat.enter("/status")  # may run meanwhile
        chat.expect("mode yolo", 2)
        chat.enter("/tools zz")
        chat.enter("/export later.md")
        chat.expect("/export runs when the turn ends")
        (run.work / "go").touch()
        chat.expect("2 iterations")
        chat.gone("queued:")
        assert "> but this, please" in chat.text
        messages = run.server.bodies[-1]["messages"]
        said = [m["content"] for m in messages if m["role"] == "user"]
        assert json.dumps(said[-2:]) == '["not this", "but this, please"]'
        chat.until((run.work / "later.md").exists, "the export")
        assert not run.server.violations


def test_a_message_that_comes_late_opens_a_turn(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.user_messages == 1:
            return Reply("word " * 40, pieces=40, chunk_delay=0.03)
        return Reply("and a second answer")

    with program(tmp_path, answer) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("go")
        chat.expect("word word")
        chat.enter("one more thing")
        chat.expect("and a second answer")
        chat.expect("1 iteration")
        chat.gone("queued:")
        assert chat.text.count("> one more thing") == 1


@pytest.mark.parametrize("key", ["\x03", "\x1b"])
def test_a_stop(key: str, tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("a long story")
        chat.expect("word word")
        chat.enter("never mind")
        chat.expect("queued: never mind")
        chat.type(key)
        chat.expect("interrupted")
        # What was to steer it comes back, to be sent or not.
        chat.prompt("never mind")
        chat.type("!")
        chat.enter()
        chat.expect("last heard: never mind!")
        said = [m["content"] for m in run.server.bodies[-1]["messages"] if m["role"] == "user"]
        assert said[-1] == "never mind!"
        assert len(said) == 2
        chat.expect("1 iteration")
        chat.type("\x04")
        chat.ends()
        assert "continue later with" in chat.text
        assert not run.server.violations


def test_ctrl_d_stops_and_leaves(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("a long story")
        chat.expect("word word")
        chat.type("\x04")
        chat.ends()
        assert "continue later with" in chat.text
        assert chat.child.wait() == 0
        assert run.task("-c", "and now").stdout == "last heard: and now\n"


def test_a_kill_loses_no_queued_message(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        with terminal(run, "--yolo") as chat:
            chat.prompt()
            chat.enter("be slow")
            chat.expect("● bash until")
            chat.enter("remember me")
            chat.expect("queued: remember me")
            chat.child.kill(9)
            chat.child.wait()
        (run.work / "go").touch()
        with terminal(run) as chat:
            chat.expect('be slow" was cut off; resume it')
            chat.enter()
            chat.expect("last heard: remember me")
