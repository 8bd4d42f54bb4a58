"""The plain chat in a pseudo-terminal: the prompt, an answer, approvals, Ctrl-C, leaving."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests.cli.program import Program, program
from tests.stand_ins.model_script import Asked, Call, Reply


def choose(asked: Asked) -> Reply:
    if asked.step == 0 and "run" in asked.user:
        return Reply(calls=[Call("bash", {"command": "echo ran >> effects; sleep 0.1"})])
    if asked.step == 0 and "long" in asked.user:
        return Reply("word " * 400, pieces=400, chunk_delay=0.05)
    return Reply("as you say")


@contextmanager
def chatting(run: Program, *arguments: str, editor: str = "true") -> Iterator[pexpect.spawn]:
    environment = {**run.environment, "TERM": "dumb", "NO_COLOR": "1", "EDITOR": editor}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "cli.main", "-m", "openai/stand-in", *arguments],
        cwd=str(run.work),
        env=environment,  # type: ignore[arg-type]
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 120),
    )
    try:
        yield child
    finally:
        child.close(force=True)


def test_a_conversation(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        editor = tmp_path / "editor"
        editor.write_text('#!/bin/sh\nsed -i s/ran/edited/ "$1"\n')
        editor.chmod(0o755)
        with chatting(run, editor=str(editor)) as chat:
            chat.expect_exact("> ")
            chat.sendline("/help")
            chat.expect("/compact")
            chat.sendline("hello")
            chat.expect("as you say")
            chat.expect("1 iterations")

            chat.sendline("run it")
            chat.expect("execute: commands are asked about")
            chat.expect("run it\\?.*: ")
            chat.sendline("y")
            chat.expect("exit code 0")
            chat.expect("as you say")

            chat.sendline("run it once more")
            chat.expect("run it\\?.*: ")
            chat.sendline("n use python")
            chat.expect("rejected this call: use python")

            chat.sendline("run it differently")
            chat.expect("run it\\?.*: ")
            chat.sendline("e")
            chat.expect("exit code 0")

            chat.sendline("long story")
            chat.expect("word word")
            chat.sendintr()
            chat.expect("interrupted")
            chat.expect_exact("> ")
            chat.sendline("/nonsense")
            chat.expect("there is no /nonsense")
            chat.expect_exact("> ")
            chat.sendintr()
            chat.expect("press Ctrl-C again")
            chat.sendline("/status")
            chat.expect("mode ask")
            chat.expect_exact("> ")
            chat.sendeof()
            chat.expect("go on later with: ml-agent -r")
            chat.expect(pexpect.EOF)
        assert (run.work / "effects").read_text().split() == ["ran", "edited"]
        assert not run.server.violations


def test_a_turn_that_was_cut_off_is_offered(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        with chatting(run, "--mode", "auto") as chat:
            chat.expect_exact("> ")
            chat.sendline("long story")
            chat.expect("word word")
            chat.kill(9)
            chat.wait()
        run.server.choose = lambda asked: Reply("the end")
        with chatting(run, "-c") as chat:
            chat.expect("cut off; go on")
            chat.sendintr()  # out of the question, and out of the prompt
            chat.expect(pexpect.EOF)
        with chatting(run, "-c") as chat:
            chat.expect("cut off; go on\\? \\[Y/n\\]")
            chat.sendline("")
            chat.expect("the end")
            chat.sendline("/quit")
            chat.expect(pexpect.EOF)
        assert not run.server.violations


def test_at_a_limit_the_chat_asks_whether_to_go_on(tmp_path: Path) -> None:
    def steps(asked: Asked) -> Reply:
        calls = [Call("bash", {"command": f"echo {asked.step}"})]
        return Reply(calls=calls) if asked.step < 3 else Reply("all done")

    with (
        program(tmp_path, steps) as run,
        chatting(run, "--yolo", "--max-iterations", "2") as chat,
    ):
        chat.expect_exact("> ")
        chat.sendline("go")
        chat.expect("the turn used its 2 iterations")
        chat.expect("go on for as long again")
        chat.sendline("y")
        chat.expect("all done")
        chat.expect("4 iterations")
        chat.sendline("go")
        chat.expect("go on for as long again")
        chat.sendline("")
        chat.sendline("/cost")
        chat.expect("this thread")
