"""Prompts of MCP servers as slash commands, and resources that a message mentions."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.document import Document

from cli.chat.loop import run_chat
from cli.chat.mcp_prompts import arguments_of
from cli.chat.state import Chat
from cli.chat.terminal.completion import ChatCompleter
from cli.shared.answers import Asked as Question
from cli.shared.options import Options
from configs.settings import Settings
from core.errors import UsageError
from tests.cli.program import complaints, program
from tests.cli.screens import terminal
from tests.cli.test_chat_waits import Scripted, stand_in
from tests.cli.test_mcp import brought, configured, contained
from tests.cli.test_mcp import stand_in as mcp_server
from tests.stand_ins.model_script import Asked, Reply
from tests.stand_ins.model_server import ModelServer
from tools.extension import ServerPrompt

ANSWER = "as you say"


class Typing(Scripted):
    """A user who types a script, and answers questions with `answers`."""

    def __init__(self, typed: list[str], answers: list[str]) -> None:
        super().__init__(typed, None, in_wait=False)
        self._answers = answers
        self.asked: list[str] = []
        self.back: list[str] = []

    async def ask(self, asked: Question) -> str | None:
        self.asked.append(asked.text)
        return self._answers.pop(0) if self._answers else None

    def put_back(self, text: str) -> None:
        self.back.append(text)


def answering(asked: Asked) -> Reply:
    return Reply(ANSWER)


def with_library(**more: Any) -> None:
    path = Path(os.environ["HOME"]) / ".config" / "ml-agent" / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    servers = {"lib": mcp_server("library"), **more}
    path.write_text(json.dumps({"mcpServers": servers, "mcp": {"wait": 60}}))


async def chatted(folder: Path, typed: list[str], answers: list[str]) -> Typing:
    user = Typing(typed, answers)
    assert await run_chat(Options(model="openai/stand-in", cwd=str(folder)), user) == 0
    return user


def heard(server: ModelServer) -> list[str]:
    """The newest message of each request."""
    return [str(body["messages"][-1]["content"]) for body in server.bodies]


async def test_a_prompt_is_a_command(
    tmp_path: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_library()
    typed = [
        "/help mcp__lib__review",  # no list of this server is known yet
        "/mcp__lib__review 'my file.py' deep",
        "/lib:review path=b.py",
        "/help",
        "/lib:review",  # asks for the path
        "/lib:review",  # asks, and gets none
        "/lib:nothing",
        "/lib:fails",
        "/lib:dialog too many",
        "/mcp lib",
        "/mcp other",
    ]
    with stand_in(answering, tmp_path) as server:
        user = await chatted(workdir, typed, ["c d.py", "", "because\x1b[31m"])
        first, second, third = heard(server)
    shown = capsys.readouterr()
    assert "Review my file.py, deep." in first
    assert "/mcp__lib__review path='my file.py' depth=deep" in first
    assert "Review b.py, short." in second
    assert "Review c d.py, short." in third
    assert user.asked == ["path: ", "path: ", "why: "]
    assert re.search(r"/mcp__lib__review PATH \[DEPTH\] +Review a file", shown.out)
    assert "/mcp__lib__odd_name__" in shown.out
    assert "\x1b[31m" not in shown.out + shown.err
    assert "not sent: path is missing" in shown.out
    assert "unknown command /lib:nothing" in shown.out
    assert "\n/mcp__lib__dialog\n" in shown.out
    assert "\n@lib:note://plain\n" in shown.out
    assert "no prompts or resources are known of other" in shown.out
    assert "the server answered: " in shown.err
    assert "it went wrong: because" in shown.err
    assert "the prompt dialog takes no arguments" in shown.err


async def test_a_resource_that_cannot_be_read_is_said_and_nothing_is_sent(
    tmp_path: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_library(dead={"url": "http://127.0.0.1:9/mcp"})
    wrong = ["@lib:note://nope", "@dead:note://plain", "@typo:note://plain"]
    with stand_in(answering, tmp_path) as server:
        user = await chatted(workdir, [*wrong, "sum up @lib:note://plain"], [])
        (got,) = heard(server)
    assert "<mcp_resource>\nthe plain note" in got
    assert user.back == wrong
    told = capsys.readouterr().err
    for text in wrong:
        assert f"Cannot read {text}: " in told or "no MCP server is named 'typo'" in told
    assert "cannot be reached" in told


async def test_a_diff_under_review_mentions_nothing(tmp_path: Path, workdir: Path) -> None:
    with_library()
    file = workdir / "a.txt"
    for command in ("init -q", "add a.txt", "-c user.name=a -c user.email=a@b commit -qm a"):
        file.write_text("one\n")
        subprocess.run(["git", *command.split()], cwd=workdir, check=True)
    file.write_text("see @typo:note://x and @lib:note://plain\n")
    with stand_in(answering, tmp_path) as server:
        await chatted(workdir, ["/review"], [])
        (got,) = heard(server)
    assert "+see @typo:note://x" in got
    assert "the plain note" not in got


async def test_both_are_completed_without_a_start(tmp_path: Path, workdir: Path) -> None:
    starts = tmp_path / "starts"
    with_library(lib=mcp_server("library", "--starts", str(starts)))
    with stand_in(answering, tmp_path):
        await chatted(workdir, ["hello"], [])
        began = starts.read_text()
        chat = Chat(Options(cwd=str(workdir)), Typing([], []))
        path = Path(os.environ["HOME"]) / ".config" / "ml-agent" / "config.json"
        chat.settings = Settings.model_validate(
            {**json.loads(path.read_text()), "state_dir": str(tmp_path / "state")}
        )
        completer = ChatCompleter(chat, lambda: False)

        async def offered(text: str) -> list[str]:
            found = completer.get_completions_async(Document(text), None)
            return [one.text async for one in found]

        assert "mcp__lib__review" in await offered("/mcp__l")
        assert await offered("read @lib:note://pl") == ["lib:note://plain"]
        assert "lib:image://pixel" in await offered("read @pixel")
    assert starts.read_text() == began


def test_the_full_chat_offers_a_prompt_and_asks(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("one"), Reply("two"), Reply("three")]) as run:
        configured(run, {"lib": mcp_server("library")})
        assert run.task("hello").returncode == 0
        with terminal(run) as chat:
            chat.prompt()
            chat.type("/mcp__lib__rev")
            chat.expect("Review a file")
            chat.type("\t\r")  # takes the completion
            chat.prompt("/mcp__lib__review")
            chat.enter()
            chat.expect("^path:")
            chat.enter("train.py")
            chat.expect("1 iteration")
            chat.prompt()
            chat.enter("/mcp")
            chat.expect("5 prompts, 7 resources")
        assert "Review train.py, short." in str(run.server.bodies[-1]["messages"][-1])


def test_headless_reads_a_resource_or_ends_before_it_costs(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("done")] * 3) as run:
        configured(run, {"lib": mcp_server("library")})
        brought(run, {"theirs": contained("library")})
        done = run.task("sum up @lib:note://plain", input="see @lib:note://long")
        assert done.returncode == 0
        got = str(run.server.bodies[-1]["messages"][-1])
        assert "the plain note" in got
        assert "line 7 of the long note" not in got  # what is piped in mentions nothing
        for wrong, said in (
            ("@lib:note://nope", "Cannot read @lib:note://nope: the server answered: "),
            # A folder's server counts only once it is trusted.
            ("@theirs:note://plain", "no MCP server is named 'theirs' (configured: lib)"),
        ):
            done = run.task(wrong)
            assert done.returncode == 2
            assert said in complaints(done)[-1]
        assert len(run.server.bodies) == 1


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("a.py", {"path": "a.py"}),
        ("a.py deep and wide", {"path": "a.py", "depth": "deep and wide"}),
        ("depth=deep 'my a.py'", {"path": "my a.py", "depth": "deep"}),
        ("it's deep", {"path": "it's", "depth": "deep"}),
        ("a=b", {"path": "a=b"}),
        ("", {}),
    ],
)
def test_arguments_by_name_or_in_their_order(words: str, given: dict[str, str]) -> None:
    prompt = ServerPrompt("lib", "review", "", ({"name": "path"}, {"name": "depth"}))
    assert arguments_of(prompt, words) == given


def test_a_single_argument_takes_all_words() -> None:
    prompt = ServerPrompt("lib", "ask", "", ({"name": "question", "required": True},))
    assert arguments_of(prompt, "what's a 'b' = c?") == {"question": "what's a 'b' = c?"}
    assert arguments_of(prompt, "question='two words'") == {"question": "two words"}
    with pytest.raises(UsageError):
        arguments_of(prompt, "question=one two")
