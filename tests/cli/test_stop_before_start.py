"""Ctrl-C right after a line was entered, before the chat has begun with it."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cli.chat.mentions import with_mentions
from cli.chat.plain import Plain
from cli.chat.state import while_stoppable
from tests.cli.program import program
from tests.cli.screens import terminal
from tests.cli.test_chat import chatting
from tests.stand_ins.model_script import Asked, Reply


def echo(asked: Asked) -> Reply:
    return Reply(f"heard: {asked.user.splitlines()[-1]}")


def test_a_line_and_ctrl_c_at_once(tmp_path: Path) -> None:
    """It is back in the prompt, or it was stopped; it never runs on."""
    with program(tmp_path, echo) as run, terminal(run) as chat:
        chat.prompt()
        chat.type("!sleep 1000\r\x03")
        chat.until(
            lambda: "exit code -2" in chat.text or chat.text.count("> !sleep 1000") == 2,
            "back in the prompt, or stopped",
        )
        assert "press Ctrl-C again" not in chat.text
        chat.type("\x03")
        chat.prompt()
        chat.enter("hello\x03")
        chat.type("\x15")
        chat.enter("and now?")
        chat.expect("heard: and now\\?")
        assert "heard: hello" not in chat.text


def test_the_plain_chat_stops_what_begins(tmp_path: Path) -> None:
    """Or the terminal itself has thrown the line away, as it does with what was not read yet."""

    def slow_at_first(asked: Asked) -> Reply:
        # However late Ctrl-C comes on this machine, the turn still runs.
        return replace(echo(asked), delay=30.0 if asked.user.endswith("first") else 0.0)

    with program(tmp_path, slow_at_first) as run, chatting(run) as child:
        child.expect("> ")
        child.sendline("first")
        child.expect("first\r\n")
        child.sendintr()
        child.expect(["interrupted", "press Ctrl-C again"])
        child.expect("> ")
        child.sendline("second")
        child.expect("heard: second")
        assert "heard: first" not in child.before


async def test_what_was_stopped_before_it_began_comes_to_nothing() -> None:
    frontend = Plain()
    chat: Any = SimpleNamespace(frontend=frontend, lines=frontend.lines)
    frontend._stop_next = True  # as Ctrl-C leaves it

    async def read() -> str:
        return "what a server gave"

    assert await while_stoppable(chat, read()) is None
    assert await while_stoppable(chat, read()) == "what a server gave"


async def test_a_message_without_a_resource_leaves_the_stop_to_its_turn(workdir: Path) -> None:
    frontend = Plain()
    session = SimpleNamespace(contents=None)
    chat: Any = SimpleNamespace(frontend=frontend, folder=workdir, session=session)
    frontend._stop_next = True
    assert await with_mentions(chat, "first", "first") == "first"
    assert frontend._stop_next


async def test_a_ctrl_c_that_the_loop_tells_late_stops_what_has_begun() -> None:
    """Between the signal and its handler something may begin: that is what is stopped."""
    frontend, stopped = Plain(), list[str]()
    frontend.catch_ctrl_c()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        with frontend.stoppable(lambda: stopped.append("turn")):
            await asyncio.sleep(0.05)
    finally:
        await frontend.close()
    assert stopped == ["turn"]
    assert not frontend._stop_next
