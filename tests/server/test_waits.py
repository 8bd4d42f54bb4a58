"""A session that waits, in the web chat and in an editor: it is shown, and it goes on once."""

import asyncio
from pathlib import Path
from typing import Any

from configs.settings import Settings
from core.store.goals import Terms
from server.room import Room
from tests.server.editor import SECONDS, Editor, prompt
from tests.server.editor import served as edited
from tests.server.site import Browser, served
from tests.stand_ins.model_script import Asked, Call, Reply

COMMAND = {"until": [{"command": "test -e go", "every": "5s"}], "note": "then report"}


def waits_once(asked: Asked) -> Reply:
    if asked.user_messages > 1:
        return Reply("as you say")
    return Reply("it came") if asked.step else Reply(calls=[Call("wait", COMMAND)])


async def status_of(browser: Browser, thread: str) -> dict[str, Any]:
    (reset,) = [f for f in await browser.frames(thread) if f["event"] == "reset"][-1:]
    found: dict[str, Any] = reset["data"]["status"]
    for frame in await browser.frames(thread):
        if frame["event"] == "status":
            found = frame["data"]
    return found


async def until_waiting(room: Room) -> None:
    async with asyncio.timeout(SECONDS):
        while room.session.thread.status != "waiting" or room.is_running:
            await asyncio.sleep(0.02)


async def until_woken(browser: Browser, thread: str) -> None:
    async with asyncio.timeout(SECONDS):
        while browser.room(thread).session.thread.status == "waiting":
            await asyncio.sleep(0.05)
    await browser.settled(thread)


async def test_the_page_shows_a_wait_and_continues_it(settings: Settings, workdir: Path) -> None:
    async with served(waits_once, settings, workdir) as browser:
        thread = await browser.begin("wait for it", mode="auto")
        room = browser.room(thread)
        await until_waiting(room)
        status = await status_of(browser, thread)
        assert status["state"] == "waiting"
        assert status["waiting"]["reasons"] == ["`test -e go` to succeed"]
        assert status["waiting"]["note"] == "then report"
        (workdir / "go").touch()
        await until_woken(browser, thread)
        assert (await room.session.history())[-1].text == "it came"
        assert (await status_of(browser, thread))["waiting"] is None


async def test_a_message_on_the_page_ends_the_wait(settings: Settings, workdir: Path) -> None:
    async with served(waits_once, settings, workdir) as browser:
        thread = await browser.begin("wait for it", mode="auto")
        room = browser.room(thread)
        await until_waiting(room)
        assert (await browser.post(f"/threads/{thread}/send", text="stop")).status_code < 300
        await until_woken(browser, thread)
        assert (await room.session.history())[-1].text == "as you say"


async def test_the_page_shows_a_goal(settings: Settings, workdir: Path) -> None:
    async with served([Reply("done")], settings, workdir) as browser:
        thread = await browser.new("hello", mode="auto")
        room = browser.room(thread)
        assert (await status_of(browser, thread))["goal"] is None
        await room.session.set_goal("make it pass", "test -e go", Terms("", max_turns=3))
        await room.session.pause_goal("by hand")
        await room.changed()
        goal = (await status_of(browser, thread))["goal"]
        assert (goal["state"], goal["reason"], goal["until"]) == ("paused", "by hand", "test -e go")


async def test_an_editor_is_told_and_its_message_or_the_event_continues(
    settings: Settings, workdir: Path
) -> None:
    editor, auto = Editor(), settings.model_copy(update={"mode": "auto"})
    async with edited(waits_once, auto, editor) as (connection, server):
        session = (await connection.new_session(cwd=str(workdir))).session_id
        turn = asyncio.ensure_future(prompt(connection, session, "wait for it"))
        await editor.until(lambda: "in_progress" in editor.states(session))
        await asyncio.sleep(0)
        assert len(server.bodies) == 1
        (workdir / "go").touch()
        assert await turn == "end_turn"
        assert "it came" in editor.text(session)
        assert len(server.bodies) == 2
