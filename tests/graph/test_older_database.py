"""A database of the version before waits and goals: its session opens, continues, waits.

`tests/core/store/data/before_waits.sql` is a dump of a real one: a turn that ended, and one whose
command waits for approval.
"""

import asyncio
import sqlite3
from pathlib import Path

from configs.settings import Settings
from core.store import open_store
from core.store.goals import Terms
from core.store.sqlite.schema import MIGRATIONS
from graph.pursuit import pursue
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply

DUMP = Path(__file__).parents[1] / "core" / "store" / "data" / "before_waits.sql"
THREAD = "20261129-074403-bc1e"


def restored(settings: Settings) -> None:
    settings.state_path().mkdir()
    with sqlite3.connect(settings.state_path() / "ml-agent.db") as connection:
        connection.executescript(DUMP.read_text())


def answer(asked: Asked) -> Reply:
    if asked.user == "wait a second" and not asked.step:
        return Reply(calls=[Call("wait", {"until": [{"after": "1s"}]})])
    if asked.user.startswith("Goal: ") and not asked.step:
        return Reply(calls=[Call("bash", {"command": "touch part1"})])
    return Reply("as you say")


async def test_an_old_session_goes_on_waits_and_has_a_goal(
    settings: Settings, workdir: Path
) -> None:
    restored(settings)
    async with driven(answer, settings, workdir, thread=THREAD, mode="auto") as driver:
        session = driver.session
        assert session.thread.status == "approval"
        assert [m.type for m in await session.history()] == ["human", "ai", "tool", "ai", "human",
                                                             "ai"]  # fmt: skip
        (request,) = await session.pending()
        assert request["arguments"] == {"command": "touch approved"}
        assert (await driver.resume([{"type": "approve"}])).text == "as you say"
        assert (workdir / "approved").exists()
        assert (await driver.send("wait a second")).name == "waiting"
        async with asyncio.timeout(60):
            assert await session.until_woken()
        assert (await driver.resume()).text == "as you say"
        await session.set_goal("one part", "test -e part1", Terms(""))
        async with asyncio.timeout(60):
            assert [e async for e in pursue(session)]
        row = await session.goal()
        assert row is not None
        assert row.state == "achieved"


async def test_it_is_migrated_once_and_loses_nothing(settings: Settings) -> None:
    restored(settings)
    for _ in range(2):
        async with await open_store(settings) as store:
            found = await store.database.rows("SELECT version FROM schema_version")
            assert found == [(len(MIGRATIONS),)]
            assert (await store.threads.resolve(THREAD)).title == "write a note"
            assert await store.waits.open() == []
            assert await store.goals.active() == []
            assert [row.text for row in await store.inbox.after(THREAD, 0)] == [
                "write a note", "now make a file",
            ]  # fmt: skip
