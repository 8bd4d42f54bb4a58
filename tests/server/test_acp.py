"""`ml-agent acp` as an editor uses it: a process, and the package's own client on its pipes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from acp import PROTOCOL_VERSION, RequestError, spawn_agent_process
from acp.helpers import embedded_text_resource, image_block, resource_block, text_block
from acp.helpers import resource_link_block as link
from acp.schema import EnvVariable, McpServerStdio, SseMcpServer

from configs.settings import Settings
from core.store import open_store
from graph.session import Session
from tests.cli.program import Program, program
from tests.server.editor import SECONDS, Editor, prompt
from tests.server.site import until_there
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.tools.bench import sleeper, sleeps, until


@asynccontextmanager
async def started(ml_agent: Program, editor: Editor) -> AsyncIterator[tuple[Any, Any]]:
    """(the connection, initialized; the process)."""
    command = ml_agent.command("-m", "openai/stand-in", "acp")
    async with spawn_agent_process(
        editor, *command, env=ml_agent.environment, cwd=ml_agent.work,
        transport_kwargs={"stderr": None},
    ) as (connection, process):  # fmt: skip
        async with asyncio.timeout(SECONDS):
            answer = await connection.initialize(PROTOCOL_VERSION)
        assert answer.protocol_version == PROTOCOL_VERSION
        assert answer.agent_capabilities.load_session
        assert [method.id for method in answer.auth_methods] == ["hugging-face"]
        yield connection, process


#: A command that begins and does not end.
SLEEPER = sleeper()
WAITS = f"touch begun; sleep {SLEEPER}"


def answers(asked: Asked) -> Reply:
    """A model that does what the last message says."""
    if asked.turns[-1].role == "tool":
        return Reply(text=f"result: {asked.turns[-1].text}")
    said = asked.user
    before = {"make": "", "slow": "until rm go 2>&-; do sleep 0.05; done; ", "wait": f"{WAITS}; "}
    for word, first in before.items():
        if word in said:
            return Reply(calls=[Call("bash", {"command": f"{first}touch made.txt"})])
    if "plan" in said:
        item = {"id": "1", "text": "look", "status": "completed"}
        write = Call("write", {"path": "new.py", "content": "x = 1\n"})
        return Reply(calls=[Call("plan", {"items": [item]}), write])
    return Reply(text=f"you said: {said}")


async def test_an_editor_works_with_two_sessions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    editor = Editor()
    other = tmp_path / "other"
    other.mkdir()
    with program(tmp_path, answers) as ml_agent, caplog.at_level(logging.ERROR):
        async with started(ml_agent, editor) as (connection, process):
            one = await connection.new_session(cwd=str(ml_agent.work))
            two = await connection.new_session(cwd=str(other))
            a, b = one.session_id, two.session_id
            await _refusals(connection, a)
            await _decisions(connection, editor, a, b)
            assert (ml_agent.work / "made.txt").exists()
            assert not (other / "made.txt").exists()
            await _content(connection, editor, a, ml_agent)
            await _plan_and_diff(connection, editor, a, str(ml_agent.work / "new.py"))
            await _joining_and_cancel(connection, editor, b, ml_agent, other)
            await _choices(connection, editor, a)
            listed = await connection.list_sessions(cwd=str(other))
            assert [(s.session_id, s.title) for s in listed.sessions] == [(b, "make")]
            until(lambda: not sleeps(SLEEPER))
            (other / "begun").unlink()
            lost = asyncio.create_task(prompt(connection, b, "wait"))
            await until_there(other / "begun")
            process.stdin.close()
            async with asyncio.timeout(SECONDS):
                assert await process.wait() == 0
            until(lambda: not sleeps(SLEEPER))
            assert await lost == "cancelled"
    # The client logs each line on stdout that is not of the protocol.
    assert not [record for record in caplog.records if "JSON-RPC" in record.message]


async def _refusals(connection: Any, session: str) -> None:
    async def refused(work: Any, code: int, words: str) -> None:
        with pytest.raises(RequestError, match=words) as raised:
            await work
        assert raised.value.code == code

    here = str(Path.cwd())
    await refused(connection.new_session(cwd="/no/such/folder"), -32602, "/no/such/folder")
    await refused(connection.new_session(cwd="relative"), -32602, "absolute path")
    sse = SseMcpServer(type="sse", name="old", url="http://127.0.0.1:1/", headers=[])
    await refused(connection.new_session(cwd=here, mcp_servers=[sse]), -32602, "'old'")
    secret = EnvVariable(name="KEY", value="${OPENAI_API_KEY}")
    stdio = McpServerStdio(name="thief", command="/bin/true", args=[], env=[secret])
    await refused(connection.new_session(cwd=here, mcp_servers=[stdio]), -32602, "MCP server")
    unknown = connection.prompt(session_id="nothing", prompt=[text_block("hi")])
    await refused(unknown, -32002, "'nothing' is not open")
    await refused(
        connection.load_session(cwd=here, session_id="no"), -32002, "no session has the id 'no'"
    )
    mode = connection.set_session_mode(session_id=session, mode_id="root")
    await refused(mode, -32602, "ask, auto, read-only, yolo")
    empty = connection.prompt(session_id=session, prompt=[text_block(" ")])
    await refused(empty, -32602, "empty")
    picture = connection.prompt(session_id=session, prompt=[image_block("AAAA", "image/tiff")])
    await refused(picture, -32602, "image/tiff")


async def _decisions(connection: Any, editor: Editor, a: str, b: str) -> None:
    """Two turns at once: one call is allowed, the other rejected."""
    editor.choice = {a: "allow", b: "reject"}
    stops = await asyncio.gather(prompt(connection, a, "make"), prompt(connection, b, "make"))
    assert stops == ["end_turn", "end_turn"]
    asked = {session: (call, options) for session, call, options in editor.questions}
    call, options = asked[a]
    assert call.title == "bash touch made.txt"
    assert call.kind == "execute"
    assert [option.option_id for option in options][0 :: len(options) - 1] == ["allow", "reject"]
    assert editor.states(a)[-1] == "completed"
    assert editor.states(b)[-1] == "failed"
    assert "result: " in editor.text(a)
    assert editor.told(a, "available_commands_update")


async def _content(connection: Any, editor: Editor, session: str, ml_agent: Program) -> None:
    file = link("train.py", (ml_agent.work / "train.py").as_uri())
    note = resource_block(embedded_text_resource("untitled:notes", "learning rate 3e-4"))
    assert await prompt(connection, session, "look at", file, note) == "end_turn"
    said = editor.text(session)
    assert "you said: look at train.py" in said
    assert "untitled:notes" in said
    assert "learning rate 3e-4" in said


async def _plan_and_diff(connection: Any, editor: Editor, session: str, path: str) -> None:
    assert await prompt(connection, session, "plan it") == "end_turn"
    (plan,) = editor.told(session, "plan")
    assert [(entry.content, entry.status) for entry in plan.entries] == [("look", "completed")]
    write = next(u for u in editor.told(session, "tool_call") if u.kind == "edit")
    assert [(part.path, part.new_text) for part in write.content] == [(path, "x = 1\n")]
    assert [place.path for place in write.locations] == [path]


async def _joining_and_cancel(
    connection: Any, editor: Editor, session: str, ml_agent: Program, folder: Path
) -> None:
    """A message during a turn joins it; a cancel ends it."""
    await connection.set_session_mode(session_id=session, mode_id="auto")
    first = asyncio.create_task(prompt(connection, session, "slow"))
    await editor.until(lambda: "in_progress" in editor.states(session))
    second = asyncio.create_task(prompt(connection, session, "and hello"))
    async with await open_store(Settings(state_dir=str(ml_agent.folder / "state"))) as store:
        async with asyncio.timeout(SECONDS):
            while "and hello" not in [row.text for row in await store.inbox.after(session, 0)]:
                await asyncio.sleep(0.05)
    (folder / "go").touch()
    assert [await first, await second] == ["end_turn", "end_turn"]
    assert "you said: and hello" in editor.text(session)
    before = len(editor.states(session))
    waits = asyncio.create_task(prompt(connection, session, "wait"))
    await editor.until(lambda: "in_progress" in editor.states(session)[before:])
    await until_there(folder / "begun")
    await connection.cancel(session_id=session)
    assert await waits == "cancelled"


async def _choices(connection: Any, editor: Editor, session: str) -> None:
    answer = await connection.set_config_option("mode", session, "read-only")
    now = {option.id: option.current_value for option in answer.config_options}
    assert (now["mode"], now["model"]) == ("read-only", "openai/stand-in")
    assert editor.told(session, "current_mode_update")[-1].current_mode_id == "read-only"
    assert await prompt(connection, session, "/undo") == "end_turn"
    assert "Undo: turn 3." in editor.text(session)
    await editor.until(lambda: editor.told(session, "usage_update"))


async def test_a_question_outlives_kill_9_and_a_turn_sigterm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Editor(), Editor()
    with program(tmp_path, answers) as ml_agent:
        folder = str(ml_agent.work)
        async with started(ml_agent, first) as (connection, process):
            session = (await connection.new_session(cwd=folder)).session_id
            waits = asyncio.create_task(prompt(connection, session, "make"))
            await first.until(lambda: first.questions)
            process.kill()
            with pytest.raises((ConnectionError, RequestError)):
                await waits
        async with started(ml_agent, second) as (connection, process):
            second.choice = {session: "always"}
            await connection.load_session(cwd=folder, session_id=session)
            assert second.text(session, "user_message_chunk") == "make"
            await second.until(lambda: "result: " in second.text(session))
            assert (ml_agent.work / "made.txt").exists()
            (call,) = second.told(session, "tool_call")
            assert call.raw_input == {"command": "touch made.txt"}
            assert second.questions[0][1].tool_call_id == call.tool_call_id
            await connection.set_session_mode(session_id=session, mode_id="yolo")
            turn = asyncio.create_task(prompt(connection, session, "wait"))
            await until_there(ml_agent.work / "begun")
            process.terminate()
            assert await turn == "cancelled"
            async with asyncio.timeout(SECONDS):
                assert await process.wait() == 0
    until(lambda: not sleeps(SLEEPER))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-stand-in")
    async with Session.open(Settings(state_dir=str(tmp_path / "state")), thread=session) as stored:
        assert (await stored.export())[-1].text == "[interrupted by the user, killed]"
        assert not await stored.unfinished()


def test_a_file_is_no_editor(tmp_path: Path) -> None:
    with program(tmp_path, []) as ml_agent:
        done = ml_agent("acp", in_terminal=False)
    assert done.returncode == 2
    assert "docs/guide/editors.md" in done.stderr
    assert done.stdout == ""


def test_a_batch_of_messages_is_an_error(tmp_path: Path) -> None:
    with program(tmp_path, []) as ml_agent:
        done = ml_agent("acp", in_terminal=False, input="no JSON\n[]\n")
    assert done.returncode == 2
    assert "a line is not a JSON-RPC message" in done.stderr
    assert done.stdout == ""
