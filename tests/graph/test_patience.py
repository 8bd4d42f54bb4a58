"""A quota or credit that is used up: with patience the run waits for it, at no cost."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from configs.settings import Settings
from core.durable import WaitRow
from graph.patience import AGAIN
from graph.watcher import Watcher
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Choose, Reply

LATER = Reply(status=429, retry_after="3600", message="rate limit")
SPENT = Reply(status=402, message="insufficient credits")


def refusing(refusal: Reply, times: int) -> tuple[list[int], Choose]:
    """Refuses so many requests, then answers."""
    asked_for: list[int] = []

    def choose(asked: Asked) -> Reply:
        asked_for.append(asked.index)
        return refusal if len(asked_for) <= times else Reply("here it is")

    return asked_for, choose


async def over(driver: Driver) -> WaitRow:
    """Let the time have come that the thread waits for; the row as it was."""
    waits = driver.session._store.waits
    row = await waits.of(driver.session.thread.id)
    assert row is not None
    await waits.end(row.thread)
    await waits.make(replace(row, conditions=[{"kind": "at", "at": time.time() - 1}]))
    return row


async def test_a_watcher_continues_after_the_reset(settings: Settings, workdir: Path) -> None:
    asked_for, choose = refusing(LATER, 1)
    async with driven(choose, settings, workdir, mode="auto", patience=7200.0) as driver:
        last = await driver.send("hello")
        assert last.name == "waiting"
        assert "rate limit" in last.note
        session = driver.session
        assert session.thread.status == "waiting"
        row = await session.wait_row()
        assert row is not None
        (condition,) = row.conditions
        assert 3500 < condition["at"] - time.time() <= 3600
        assert await session.look() is None
        watcher = Watcher(settings, lambda folder: settings, lambda text: None)
        assert await watcher.once() == []
        assert len(asked_for) == 1
        await over(driver)
        (woken,) = await watcher.once()
        assert (woken.thread, woken.status) == (session.thread.id, "done")
        await session.refresh()
        assert (await session.history())[-1].text == "here it is"
        assert await session._store.waits.of(session.thread.id) is None


async def test_the_same_process_continues_too(settings: Settings, workdir: Path) -> None:
    _, choose = refusing(SPENT, 2)
    async with driven(choose, settings, workdir, mode="auto", patience=7200.0) as driver:
        assert (await driver.send("hello")).name == "waiting"
        first = await over(driver)
        assert first.conditions[0]["at"] == pytest.approx(first.made + AGAIN)
        assert await driver.session.until_woken()
        assert (await driver.resume()).name == "waiting"
        second = await over(driver)
        # The patience counts from the first refusal on.
        assert second.run["refused"] == first.run["refused"]
        assert await driver.session.until_woken()
        assert (await driver.resume()).text == "here it is"


@pytest.mark.parametrize(
    ("patience", "said"), [(0.0, "rate limit"), (600.0, "10 min of patience are left")]
)
async def test_without_enough_patience_it_fails(
    settings: Settings, workdir: Path, patience: float, said: str
) -> None:
    _, choose = refusing(LATER, 1)
    async with driven(choose, settings, workdir, mode="auto", patience=patience) as driver:
        last = await driver.send("hello")
        assert last.name == "error"
        assert said in last.message
        assert driver.session.thread.status == "error"
        assert (await driver.resume()).text == "here it is"


async def test_another_refusal_does_not_wait(settings: Settings, workdir: Path) -> None:
    _, choose = refusing(Reply(status=400, message="no such option"), 1)
    async with driven(choose, settings, workdir, mode="auto", patience=600.0) as driver:
        assert (await driver.send("hello")).name == "error"


async def test_a_message_ends_it(settings: Settings, workdir: Path) -> None:
    _, choose = refusing(LATER, 1)
    async with driven(choose, settings, workdir, mode="auto", patience=7200.0) as driver:
        await driver.send("hello")
        assert (await driver.send("try now")).text == "here it is"
        assert await driver.session._store.waits.of(driver.session.thread.id) is None
