"""The plain chat in a pseudo-terminal: the prompt, an answer, approvals, Ctrl-C, leaving."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests.cli.program import ROOT, Program, program
from tests.cli.program_terminal import in_terminal, interrupt
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
    given = ["-m", "openai/stand-in", *arguments]
    child = in_terminal(given, run.work, environment, timeout=60, dimensions=(40, 120))
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
            chat.expect("1 iteration ")

            chat.sendline("run it")
            chat.expect("Needs approval: ")
            chat.expect("Run it\\?.*: ")
            chat.sendline("y")
            chat.expect("exit code 0")
            chat.expect("as you say")

            chat.sendline("run it once more")
            chat.expect("Run it\\?.*: ")
            chat.sendline("n use python")
            chat.expect("rejected .use python.")

            chat.sendline("run it differently")
            chat.expect("Run it\\?.*: ")
            chat.sendline("e")
            chat.expect("exit code 0")

            chat.sendline("long story")
            chat.expect("word word")
            chat.sendintr()
            chat.expect("interrupted")
            chat.expect_exact("> ")
            chat.sendline("/nonsense")
            chat.expect("unknown command /nonsense")
            chat.expect_exact("> ")
            interrupt(chat)
            chat.expect("press Ctrl-C again")
            chat.sendline("/status")
            chat.expect("mode ask")
            chat.expect_exact("> ")
            chat.sendeof()
            chat.expect("continue later with: ml-agent -r")
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
            chat.expect("cut off; continue it")
            interrupt(chat)  # out of the question
            chat.expect_exact("> ")
            chat.sendeof()  # out of the prompt
            chat.expect(pexpect.EOF)
        with chatting(run, "-c") as chat:
            chat.expect("cut off; continue it\\? \\[Y/n\\]")
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
        chat.expect("continue for as long again")
        chat.sendline("y")
        chat.expect("all done")
        chat.expect("4 iterations")
        chat.sendline("go")
        chat.expect("continue for as long again")
        chat.sendline("")
        chat.sendline("/cost")
        chat.expect("this session")


def test_a_thread_that_is_not_at_an_end_is_offered(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        with chatting(run) as chat:
            chat.expect_exact("> ")  # nothing is offered where there is nothing
            chat.sendline("long story")
            chat.expect("word word")
            chat.kill(9)
            chat.wait()
        run.server.choose = lambda asked: Reply("the end")
        with chatting(run, "-c") as chat:
            chat.expect("cut off; continue it")  # a thread was named: the question is the old one
            interrupt(chat)  # out of the question, as in the full terminal
            chat.expect_exact("> ")
            chat.sendeof()
            chat.expect(pexpect.EOF)
        offer = 'the last session "long story" was cut off; resume it\\? \\[Y/n\\] '
        with chatting(run) as chat:
            chat.expect(offer)
            chat.sendeof()
            chat.expect_exact("> ")
            chat.sendline("/status")
            chat.expect("no session yet")
        with chatting(run) as chat:
            chat.expect(offer)
            chat.sendline("")
            chat.expect("the end")
            chat.expect_exact("> ")
            chat.sendline("/quit")
            chat.expect(pexpect.EOF)
            assert "continue it?" not in str(chat.before)  # it was asked once
        with chatting(run) as chat:  # its turn has ended
            chat.expect("/help\r\n> ")

        run.server.choose = choose
        assert run.task("--mode", "ask", "run it").returncode == 3
        with chatting(run) as chat:
            chat.expect('the last session "run it" waits for approval; resume it')
            chat.sendline("hello, something else")  # no answer: a message
            chat.expect("kept as your next message")
            chat.expect("as you say")
            chat.sendline("run it")
            chat.expect("Run it\\?.*: ")
            chat.sendline("yes but why?")
            chat.expect("that is not an answer")
            chat.expect("Run it\\?.*: ")
            chat.sendline("n")
            chat.expect("> yes but why\\?")
            chat.expect("as you say")
            chat.expect_exact("> ")
            chat.sendline("/quit")
            chat.expect(pexpect.EOF)
        assert not (run.work / "effects").exists()
        assert run.task("--mode", "ask", "run it").returncode == 3
        with chatting(run) as chat:
            chat.expect("the last session .* waits for approval")
            chat.sendline("y")
            chat.expect("Run it\\?.*: ")
            chat.sendline("y")
            chat.expect("exit code 0")
            chat.expect("as you say")
            chat.expect_exact("> ")
            chat.sendline("long story")
            chat.expect("word word")
            chat.sendintr()
            chat.expect("interrupted")
            chat.expect_exact("> ")
            chat.sendline("/quit")
            chat.expect(pexpect.EOF)
        with chatting(run) as chat:
            chat.expect('the last session "run it" was interrupted; resume it')
            chat.sendline("")
            chat.expect("session .* mode ask")
            chat.expect_exact("> ")
            chat.sendline("hello")
            chat.expect("as you say")
        assert not run.server.violations


def test_the_offer_waits_for_no_library(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from cli import start_chat
from cli.chat import loop
from cli.chat.threads import left_open
from configs.settings import Settings
asyncio.run(left_open(Settings(state_dir=sys.argv[1]), Path("/w")))
print([n for n in sys.modules if n.split(".")[0] in ("langgraph", "langchain_core", "litellm")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
