"""Waits when something odd happens: one clear outcome each (docs/guide/autonomy.md)."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from configs.settings import Settings
from core.errors import NewerDatabase
from core.store import open_store
from graph.watcher import Watcher
from tests.graph.conftest import JOB
from tests.graph.driving import Driver, driven
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Reply
from tools.wait.lookout import LONGEST, Pace

ID = f"{1:024x}"
GO = {"until": [{"command": "test -e go", "every": "5s"}]}


@pytest.fixture(autouse=True)
def _set(hub: HubServer) -> None:
    hub.jobs.looks = 10**6


def waits_for_go(asked: Asked) -> Reply:
    return Reply("done") if asked.step else Reply(calls=[Call("wait", GO)])


def watcher_of(settings: Settings, said: list[str] | None = None) -> Watcher:
    return Watcher(settings, lambda folder: settings, (said or []).append, every=0.05)


async def until_done(driver: Driver) -> None:
    async with asyncio.timeout(60):
        while (await driver.session._row()).status != "done":
            await asyncio.sleep(0.05)


async def test_a_job_that_is_deleted_wakes_it(
    settings: Settings, workdir: Path, hub: HubServer
) -> None:
    settings = settings.model_copy(update={"hub_url": hub.url})
    wait = Reply(calls=[Call("wait", {"until": [{"job": ID}]})])
    script = [Reply(calls=[Call("hf_jobs", JOB)]), wait, Reply("it is gone")]
    async with driven(script, settings, workdir, mode="auto", max_cost=1.0) as driver:
        assert (await driver.send("train")).name == "waiting"
        del hub.jobs.jobs[ID]
        async with asyncio.timeout(60):
            assert await driver.session.until_woken()
        assert (await driver.resume()).text == "it is gone"
        assert f"Job {ID} was deleted." in driver.outputs()[1]


async def test_two_watchers_wake_it_once(settings: Settings, workdir: Path) -> None:
    async with driven(waits_for_go, settings, workdir, mode="auto") as driver:
        await driver.send("wait")
        (workdir / "go").touch()
        first, second = watcher_of(settings), watcher_of(settings)
        both = await asyncio.gather(first.once(), second.once())
        assert [woken.status for found in both for woken in found].count("done") >= 1
        assert len(driver.server.bodies) == 2
        await driver.session.refresh()
        assert [m.type for m in await driver.session.history()].count("tool") == 1


async def test_a_watcher_of_an_older_version_says_so_and_touches_nothing(
    settings: Settings, workdir: Path
) -> None:
    async with driven(waits_for_go, settings, workdir, mode="auto") as driver:
        await driver.send("wait")
        (workdir / "go").touch()
        rows = driver.session._store.database.rows
        await rows("UPDATE schema_version SET version = version + 1")
        said: list[str] = []
        with pytest.raises(NewerDatabase, match="this ml-agent knows up to"):
            await watcher_of(settings).once()
        work = asyncio.ensure_future(_say_into(said, settings).forever())
        async with asyncio.timeout(60):
            while not said:
                await asyncio.sleep(0.05)
        work.cancel()
        assert "this ml-agent knows up to" in said[0]
        assert (await driver.session._row()).status == "waiting"
        assert len(driver.server.bodies) == 1
        await rows("UPDATE schema_version SET version = version - 1")


def _say_into(said: list[str], settings: Settings) -> Watcher:
    return Watcher(settings, lambda folder: settings, said.append, every=0.05)


async def test_a_database_that_goes_away_is_waited_for(settings: Settings, workdir: Path) -> None:
    said: list[str] = []
    async with driven(waits_for_go, settings, workdir, mode="auto") as driver:
        await driver.send("wait")
    state, away = settings.state_path(), settings.state_path().with_name("away")
    state.rename(away)
    state.write_text("no folder")
    with_stand_in = driven(waits_for_go, settings, workdir, mode="auto")
    work = asyncio.ensure_future(_say_into(said, settings).forever())
    async with asyncio.timeout(60):
        while not said:
            await asyncio.sleep(0.05)
    assert said[0].startswith("cannot use the database: ")
    state.unlink()
    shutil.move(away, state)
    async with with_stand_in as driver:
        (workdir / "go").touch()
        async with asyncio.timeout(60), await open_store(settings) as store:
            (thread,) = await store.threads.list()
            while (found := await store.threads.get(thread.id)) and found.status != "done":
                await asyncio.sleep(0.05)
        assert len(driver.server.bodies) == 1
    assert len([text for text in said if "cannot use" in text]) == 1
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


@pytest.mark.parametrize("jump", [-86_400.0, -30.0, 86_400.0])
def test_a_clock_that_jumps_stops_no_look(jump: float) -> None:
    """Looks go on at once after a jump; after it they are as far apart as before."""
    now, pace = 1_000_000.0, Pace()
    assert pace.passed(now, 5.0)
    assert not pace.passed(now + 1, 5.0)
    assert pace.passed(now + 100, 5.0)
    later = now + 100 + jump
    assert pace.passed(later, 5.0)
    assert not pace.passed(later + 0.5, 5.0)
    assert pace.passed(later + LONGEST + 1, 5.0)


async def test_a_time_counts_by_the_clock(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = [Reply(calls=[Call("wait", {"until": [{"after": "8h"}]})]), Reply("good morning")]
    async with driven(script, settings, workdir, mode="auto") as driver:
        await driver.send("wait for the morning")
        services, clock = driver.session._services, driver.session._services.clock
        assert await driver.session.look() is None
        services.clock = lambda: clock() - 3600  # the clock was set back
        assert await driver.session.look() is None
        services.clock = lambda: clock() + 9 * 3600  # the laptop was shut over night
        happened = await driver.session.look()
        assert happened is not None
        assert happened["text"] == "The time has come."
        async with asyncio.timeout(60):
            assert await driver.session.until_woken()
        services.clock = clock
        assert (await driver.resume()).text == "good morning"


async def test_a_deleted_session_is_nothing_to_a_watcher(settings: Settings, workdir: Path) -> None:
    async with driven(waits_for_go, settings, workdir, mode="auto") as driver:
        await driver.send("wait")
        store, thread = driver.session._store, driver.session.thread.id
        (workdir / "go").touch()
        async with store.lease(thread):
            await store.delete_held([thread])
        assert await watcher_of(settings).once() == []
        assert len(driver.server.bodies) == 1


async def test_a_watcher_pursues_a_goal_that_no_process_pursues(
    settings: Settings, workdir: Path
) -> None:
    def work(asked: Asked) -> Reply:
        if asked.step:
            return Reply("done")
        if asked.user_messages == 1:
            return Reply(calls=[Call("wait", GO)])
        return Reply(calls=[Call("bash", {"command": "touch part"})])

    async with driven(work, settings, workdir, mode="auto") as driver:
        session = driver.session
        from core.store.goals import Terms

        async with session.pursuing():
            await session.set_goal("a part", "test -e part", Terms(""))
            assert await watcher_of(settings).once() == []  # it is pursued here
        (woken,) = await watcher_of(settings).once()
        assert "goal waiting: a part" in woken.status
        assert await watcher_of(settings).once() == []
        (workdir / "go").touch()
        (woken,) = await watcher_of(settings).once()
        assert "goal achieved: a part · 2 turns" in woken.status
        assert await watcher_of(settings).once() == []
