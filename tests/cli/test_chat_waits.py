"""Waits and goals in the chat, driven in this process: what is typed is given line by line."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.chat.loop import run_chat
from cli.chat.plain import Plain
from cli.chat.state import Chat
from cli.shared.options import Options
from tests.stand_ins.model_script import Asked, Call, Choose, Reply
from tests.stand_ins.model_server import ModelServer


class Scripted(Plain):
    """The plain chat, whose user types a script, and acts while a turn waits."""

    def __init__(
        self, typed: list[str], meanwhile: Callable[[Chat], None] | None, *, in_wait: bool
    ) -> None:
        super().__init__()
        self._in_wait = in_wait
        self._script = typed
        self._meanwhile = meanwhile

    async def read(self) -> str:
        if not self._script:
            raise EOFError
        return self._script.pop(0)

    def has_input(self) -> bool:
        return False

    @contextlib.contextmanager
    def working(self, chat: Chat) -> Iterator[None]:
        with super().working(chat):
            is_due = self._when(chat) and self._meanwhile is not None
            if is_due:
                asyncio.get_running_loop().call_later(1.0, self._act, chat)
            yield

    def _act(self, chat: Chat) -> None:
        """Once: what the user does while the program works."""
        act, self._meanwhile = self._meanwhile, None
        if act is not None:
            act(chat)

    def _when(self, chat: Chat) -> bool:
        """In a wait; without one, at once."""
        return not self._in_wait or chat.session.thread.status == "waiting"


@contextlib.contextmanager
def stand_in(script: Choose, tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(script) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-stand-in")
        patch.setenv("OPENAI_BASE_URL", server.openai_base)
        patch.setenv("ML_AGENT_STATE_DIR", str(tmp_path / "state"))
        yield server


async def chat_of(
    folder: Path,
    typed: list[str],
    meanwhile: Callable[[Chat], None] | None = None,
    *,
    in_wait: bool = True,
) -> None:
    options = Options(model="openai/stand-in", mode="auto", cwd=str(folder))
    async with asyncio.timeout(90):
        assert await run_chat(options, Scripted(typed, meanwhile, in_wait=in_wait)) == 0


def waits_once(asked: Asked) -> Reply:
    if asked.step:
        return Reply("it came")
    condition = {"command": "test -e go", "every": "5s"}
    return Reply(calls=[Call("wait", {"until": [condition]})])


async def test_the_chat_stays_until_the_wait_is_over(
    tmp_path: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stand_in(waits_once, tmp_path) as server:
        await chat_of(workdir, ["wait for it"], lambda chat: (workdir / "go").touch())
        told = capsys.readouterr().out
        assert "waits for `test -e go` to succeed" in told
        assert "a message ends the wait" in told
        assert "it came" in told
        assert len(server.bodies) == 2


async def test_ctrl_c_leaves_the_session_waiting(
    tmp_path: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stand_in(waits_once, tmp_path) as server:
        stop = lambda chat: chat.session.interrupt()  # noqa: E731
        await chat_of(workdir, ["wait for it", "/status"], stop)
        told = capsys.readouterr().out
        assert "it still waits" in told
        assert told.count("waits for `test -e go` to succeed (since") == 2  # in /status, too
        assert len(server.bodies) == 1


def worker(asked: Asked) -> Reply:
    if asked.step or "aside" in asked.user:
        return Reply(f"part {asked.user_messages} is done")
    return Reply(calls=[Call("bash", {"command": f"touch part{asked.user_messages}"})])


async def test_a_goal_is_pursued_to_its_end(
    tmp_path: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stand_in(worker, tmp_path) as server:
        lines: list[str] = [
            "/goal", "/goal two parts", "/goal two parts --until 'test -e part2'", "/status",
            "/goal resume", "/goal clear", "/goal pause",
        ]  # fmt: skip
        await chat_of(workdir, lines)
        said = capsys.readouterr()
        assert "no goal; /goal TEXT --until CMD" in said.out
        assert "its check is missing" in said.err
        assert "goal active: two parts · 0 turns" in said.out
        assert said.out.count("goal achieved: two parts · 2 turns") >= 2  # at its end, in /status
        assert "it is achieved" in said.err
        assert "has no goal" in said.err
        assert len(server.bodies) == 4


async def test_ctrl_c_pauses_it_and_resume_continues(
    tmp_path: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(asked: Asked) -> Reply:
        if asked.user_messages == 1 and not asked.step:
            return Reply("word " * 400, pieces=400, chunk_delay=0.05)
        return worker(asked)

    with stand_in(slow, tmp_path):
        lines: list[str] = ["/goal parts --until test -e part2", "/goal resume"]
        await chat_of(workdir, lines, lambda chat: chat.session.interrupt(), in_wait=False)
        told = capsys.readouterr().out
        assert "goal paused: parts" in told
        assert "you stopped it" in told
        assert "goal achieved: parts" in told
