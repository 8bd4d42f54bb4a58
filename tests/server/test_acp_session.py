"""Turns of an editor's session: what it sends along, what it is told, and how a turn ends."""

import asyncio
import base64
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from acp import RequestError
from acp.helpers import image_block
from acp.schema import EnvVariable, McpServerStdio

from configs.mcp import McpLimits
from configs.settings import Settings
from server.acp.conversation import Conversation
from tests.cli.program import ROOT
from tests.server.editor import SECONDS, Editor, prompt, served
from tests.server.site import until_there
from tests.stand_ins.mcp_server import PIXEL
from tests.stand_ins.model_script import Asked, Call, Choose, Reply


def calling(*calls: Call) -> Choose:
    """A model that makes `calls`, and then says their results."""

    def answer(asked: Asked) -> Reply:
        results = []
        for turn in reversed(asked.turns):
            if turn.role != "tool":
                break
            results.append(turn.text)
        return Reply(text=" and ".join(reversed(results))) if results else Reply(calls=calls)

    return answer


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def outputs(editor: Editor, session: str) -> list[str]:
    """What calls showed."""
    updates = editor.told(session, "tool_call_update")
    return [part.content.text for update in updates for part in update.content or ()]


async def test_a_picture_is_seen_by_the_model(settings: Settings, workdir: Path) -> None:
    def look(asked: Asked) -> Reply:
        if asked.turns[-1].role == "tool":
            return Reply(text="a red pixel")
        found = re.search(r"Attached picture: (\S+)", asked.user)
        assert found
        return Reply(calls=[Call("read", {"path": found[1]})])

    block, editor = image_block(base64.b64encode(PIXEL).decode(), "image/png"), Editor()
    sees = settings.model_copy(update={"model_name": "openai/gpt-5.2"})
    async with served(look, sees, editor) as (connection, server):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        assert await prompt(connection, session, "what is it?", block) == "end_turn"
        (part,) = server.bodies[-1]["messages"][-1]["content"]
        assert part["image_url"]["url"].endswith(block.data)
        assert not editor.questions
    async with served(look, settings, editor) as (connection, server):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        with pytest.raises(RequestError, match="does not take pictures"):
            await prompt(connection, session, "what is it?", block)
        assert not server.bodies


async def test_the_editors_mcp_server_sees_what_the_editor_gives(
    settings: Settings, workdir: Path
) -> None:
    given = {"PYTHONPATH": str(ROOT), "MINE": "1"}
    server = McpServerStdio(
        name="notes",
        command=sys.executable,
        args=["-m", "tests.stand_ins.mcp_server", "good"],
        env=[EnvVariable(name=name, value=value) for name, value in given.items()],
    )
    editor, calls = Editor(), calling(Call("notes__environment"), Call("notes__ask"))
    limits = {"mcp": McpLimits.model_validate({"wait": SECONDS})}
    async with served(calls, settings.model_copy(update=limits), editor) as (connection, _):
        new = await connection.new_session(cwd=str(workdir), mcp_servers=[server])
        editor.choice[new.session_id] = "allow"
        assert await prompt(connection, new.session_id, "go") == "end_turn"
        said = editor.text(new.session_id)
        names, _, rest = said.partition(f" in {workdir}")
        assert "MINE" in names.split()
        assert "OPENAI_API_KEY" not in names
        assert rest == " and decline None"  # the protocol has no question of a server


async def test_the_next_message_answers_a_question(settings: Settings, workdir: Path) -> None:
    ask = Call("ask_user", {"question": "Which one?", "options": ["a", "b"]})
    first, second = Editor(), Editor()
    async with served(calling(ask), settings, first) as (connection, _):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        assert await prompt(connection, session, "go") == "end_turn"
        assert first.text(session) == "Which one?\n- a\n- b\n\n"
    async with served(calling(ask), settings, second) as (connection, _):
        await connection.load_session(cwd=str(workdir), session_id=session)
        await second.until(lambda: second.text(session) == "Which one?\n- a\n- b\n\n")
        assert second.told(session, "tool_call")[0].kind == "other"
        assert await prompt(connection, session, "b") == "end_turn"
        assert second.text(session).endswith("- b\n\nb")
        assert second.states(session) == ["completed"]
        assert not first.questions + second.questions


async def test_a_silent_command_shows_all_that_it_printed(
    settings: Settings, workdir: Path
) -> None:
    """Two calls print at once, and then print nothing more until the editor has shown it."""
    loop = "until test -e go; do sleep 0.05; done"
    calls = calling(bash(f"echo 1; echo 2; {loop}"), bash(f"echo 3; echo 4; {loop}"))
    editor = Editor()
    async with served(calls, settings, editor) as (connection, _):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        await connection.set_session_mode(session_id=session, mode_id="yolo")
        turn = asyncio.create_task(prompt(connection, session, "go"))
        shown = {"```\n1\n2\n```", "```\n3\n4\n```"}
        await editor.until(lambda: shown <= set(outputs(editor, session)))
        (workdir / "go").touch()
        assert await turn == "end_turn"
        last = set(outputs(editor, session)[-2:])
        assert last == {f"```\n{text}\n[exit code 0]\n```" for text in ("1\n2", "3\n4")}


async def test_a_decision_for_always_and_a_cancel(settings: Settings, workdir: Path) -> None:
    editor = Editor()
    async with served(calling(bash("touch made")), settings, editor) as (connection, _):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        turn = asyncio.create_task(prompt(connection, session, "go"))
        await editor.until(lambda: editor.questions)
        await connection.cancel(session_id=session)
        assert await turn == "cancelled"
        # The call still waits, and is asked about when the session is opened again.
        editor.choice[session] = "always"
        await connection.load_session(cwd=str(workdir), session_id=session)
        await editor.until(lambda: "[exit code 0]" in editor.text(session))
        assert (workdir / "made").exists()
        asked = len(editor.questions)
        assert [o.kind for o in editor.questions[0][2]] == [
            "allow_once", "allow_always", "reject_once",
        ]  # fmt: skip
        other = (await connection.new_session(cwd=str(workdir))).session_id
        assert await prompt(connection, other, "go") == "end_turn"
        assert len(editor.questions) == asked == 2


async def test_a_wait_is_stopped_resumed_and_ended_by_a_message(
    settings: Settings, workdir: Path
) -> None:
    def wait(asked: Asked) -> Reply:
        if asked.user == "now":
            return Reply(text="well")
        return Reply(calls=[Call("wait", {"until": [{"command": "test -e go"}]})])

    say = Conversation.say

    async def stopped_as_it_says(talk: Conversation, text: str) -> None:
        await say(talk, text)
        talk.cancel()

    editor = Editor()
    waits = "Waiting for `test -e go` to succeed. A message ends the wait.\n\n"
    async with served(wait, settings, editor) as (connection, _):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        await connection.set_session_mode(session_id=session, mode_id="yolo")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Conversation, "say", stopped_as_it_says)
            assert await prompt(connection, session, "go") == "cancelled"
        await connection.load_session(cwd=str(workdir), session_id=session)
        assert editor.text(session) == f"{waits}This turn waits. `/resume` continues it.\n\n"
        turn = asyncio.create_task(prompt(connection, session, "/resume"))
        await editor.until(lambda: editor.text(session).endswith(waits))
        assert await prompt(connection, session, "now") == await turn == "end_turn"
        assert "sent a message" in outputs(editor, session)[-1]


async def test_an_editor_that_vanishes_loses_nothing(settings: Settings, workdir: Path) -> None:
    first, second = Editor(), Editor()
    begin = calling(bash("touch begun; sleep 60; touch ended"))
    async with served(begin, settings, first) as (connection, _):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        await connection.set_session_mode(session_id=session, mode_id="yolo")
        turn = asyncio.create_task(prompt(connection, session, "go"))
        await until_there(workdir / "begun")
        waiting = (await connection.new_session(cwd=str(workdir))).session_id
        other = asyncio.create_task(prompt(connection, waiting, "go"))
        await first.until(lambda: first.questions)
    for lost in (turn, other):
        with pytest.raises(ConnectionError):
            await lost
    seen: list[Any] = []

    def answer(asked: Asked) -> Reply:
        seen.extend(asked.turns)
        return Reply(text="well")

    async with served(answer, settings, second) as (connection, _):
        await connection.load_session(cwd=str(workdir), session_id=session)
        assert second.text(session, "user_message_chunk") == "go"
        assert outputs(second, session) == ["```\n[interrupted by the user, killed]\n```"]
        assert await prompt(connection, session, "/resume") == "cancelled"
        assert second.text(session) == "Nothing to resume. Send a message.\n\n"
        assert await prompt(connection, session, "and now?") == "end_turn"
        assert [turn.role for turn in seen][-3:] == ["assistant", "tool", "user"]
        second.choice[waiting] = "reject"
        await connection.load_session(cwd=str(workdir), session_id=waiting)
        await second.until(lambda: "well" in second.text(waiting))
        assert second.states(waiting)[-1] == "failed"
    assert not (workdir / "ended").exists()
