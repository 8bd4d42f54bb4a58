"""Waits: no request while one lasts, one answer whoever wakes it, whatever else happens."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.errors import NoSuchThread
from tests.graph.conftest import JOB
from tests.graph.driving import Driver, driven
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Call, Reply
from tools.wait.lookout import TooSlow, matching


def waiting(*until: dict[str, Any], **more: Any) -> Reply:
    return Reply(calls=[Call("wait", {"until": list(until), **more})])


@pytest.fixture(autouse=True)
def _set(hub: HubServer) -> None:
    hub.jobs.looks = 10**6


async def woken(driver: Driver) -> Any:
    """The last event of the turn that goes on once the wait is over."""
    async with asyncio.timeout(60):
        assert await driver.session.until_woken()
    return await driver.resume()


async def test_a_job_wakes_it_with_its_last_lines_and_its_cost(
    settings: Settings, workdir: Path, hub: HubServer
) -> None:
    settings = settings.model_copy(update={"hub_url": hub.url})
    script = [Reply(calls=[Call("hf_jobs", JOB)]), waiting({"job": f"{1:024x}"}), Reply("done")]
    async with driven(script, settings, workdir, mode="auto", max_cost=1.0) as driver:
        last = await driver.send("train")
        assert (last.name, last.reasons) == ("waiting", [f"the end of job {1:024x}"])
        assert driver.session.thread.status == "waiting"
        assert len(driver.server.bodies) == 2
        assert await driver.session.look() is None
        hub.jobs.log.append("unused")
        hub.jobs.jobs[f"{1:024x}"].log.append("accuracy=0.93")
        hub.jobs.end(seconds=600)
        assert (await woken(driver)).text == "done"
        assert len(driver.server.bodies) == 3
        (_, answer) = driver.outputs()
        assert "COMPLETED" in answer
        assert "accuracy=0.93" in answer
        assert "[waited" in answer
        # The price that was set aside became what it cost: 600 s at 6667 a minute.
        assert (await driver.session.cost())["thread"].amount == 66_670
        assert "has ended" not in str(driver.messages[-1]["content"])


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"job": "gone"}, "Job not found"),
        ({"process": "abc"}, "no command has the id 'abc'"),
        ({"at": "2020-01-01T08:00"}, "is in the past"),
        ({"at": "tomorrow"}, "is not a time"),
        ({"job": "j", "matches": "("}, "not a regular expression"),
        ({"after": "soon"}, "not a duration"),
        ({"job": "j", "process": "p"}, "one of job"),
        ({}, "one of job"),
        ({"after": "1h", "matches": "x"}, "goes with job or process"),
        ({"command": "no-such-program-here"}, "cannot be run"),
    ],
)
async def test_what_can_never_come_true_is_said_at_once(
    settings: Settings, workdir: Path, hub: HubServer, condition: dict[str, Any], said: str
) -> None:
    settings = settings.model_copy(update={"hub_url": hub.url})
    script = [waiting(condition), Reply("I see")]
    async with driven(script, settings, workdir, mode="auto") as driver:
        assert (await driver.send("wait")).name == "turn_complete"
        assert said in driver.outputs()[0]
        assert not driver.named("tool_output")[0].ok


async def test_a_time_wakes_it_and_so_does_the_timeout(settings: Settings, workdir: Path) -> None:
    script = [waiting({"after": "1s"}), waiting({"after": "1h"}, timeout="1s"), Reply("done")]
    async with driven(script, settings, workdir, mode="auto") as driver:
        assert (await driver.send("wait")).name == "waiting"
        assert (await woken(driver)).name == "waiting"
        assert (await woken(driver)).text == "done"
        first, second = driver.outputs()
        assert first.startswith("The time has come.")
        assert second.startswith("Nothing happened within 1 s.")


async def test_a_message_ends_the_wait_and_follows_it(settings: Settings, workdir: Path) -> None:
    def choose(asked: Any) -> Reply:
        return waiting({"after": "1h"}) if asked.user_messages == 1 else Reply("I see")

    async with driven(choose, settings, workdir, mode="auto") as driver:
        await driver.send("wait")
        assert (await driver.send("stop that")).text == "I see"
        assert "The user sent a message" in driver.outputs()[0]
        assert driver.messages[-1]["content"] == "stop that"


async def test_a_message_and_the_event_at_the_same_moment(
    settings: Settings, workdir: Path
) -> None:
    """Whichever is stored first answers the call; the message is read once in any case."""

    def choose(asked: Any) -> Reply:
        return waiting({"after": "1h"}) if asked.user_messages == 1 else Reply("I see")

    async with driven(choose, settings, workdir, mode="auto") as driver:
        await driver.send("wait")
        session = driver.session
        row = await session.wait_row()
        assert row is not None
        await session.enqueue("hello")
        happened = {"kind": "job", "text": "Job j has ended.", "at": row.made}
        assert await session._store.wake(row, happened)
        assert not await session._store.wake(row, {**happened, "text": "again"})
        assert (await driver.resume()).text == "I see"
        assert driver.outputs() == ["Job j has ended.\n[waited 0 s]"]
        said = [m["content"] for m in driver.messages if m["role"] == "user"]
        assert said[1:] == ["hello"]
        assert len(driver.server.bodies) == 2


async def test_a_command_is_judged_once_and_run_until_it_succeeds(
    settings: Settings, workdir: Path
) -> None:
    script = [waiting({"command": "echo tick >> ticks; test -e go", "every": "5s"}), Reply("done")]
    async with driven(script, settings, workdir, mode="ask", interactive=True) as driver:
        asked = await driver.send("wait")
        assert asked.name == "approval_required"
        (request,) = asked.requests
        assert (request["tool"], request["effect"]) == ("wait", "execute")
        assert (await driver.resume([{"type": "approve"}])).name == "waiting"
        assert await driver.session.look() is None
        (workdir / "go").touch()
        assert (await woken(driver)).text == "done"
        assert (workdir / "ticks").read_text().count("tick") >= 3


async def test_a_rejected_wait_does_not_wait(settings: Settings, workdir: Path) -> None:
    script = [waiting({"command": "touch x"}), Reply("as you say")]
    async with driven(script, settings, workdir, mode="ask", interactive=True) as driver:
        await driver.send("wait")
        ended = await driver.resume([{"type": "reject", "message": "no"}])
        assert (ended.name, ended.text) == ("turn_complete", "as you say")


async def test_it_goes_alone_in_the_last_wave(settings: Settings, workdir: Path) -> None:
    calls = [
        Call("wait", {"until": [{"after": "1s"}]}, id="a"),
        Call("bash", {"command": "echo first"}, id="b"),
        Call("wait", {"until": [{"after": "1s"}]}, id="c"),
    ]
    async with driven([Reply(calls=calls), Reply("done")], settings, workdir, mode="auto") as d:
        assert (await d.send("both")).name == "waiting"
        assert "first" in d.outputs()[0]
        assert (await woken(d)).text == "done"
        assert [text.partition(".")[0] for text in d.outputs()[1:]] == [
            "The time has come", "Not run: an answer waits once",
        ]  # fmt: skip


async def test_a_line_of_a_command_that_fits(settings: Settings, workdir: Path) -> None:
    command = "echo epoch 1; until [ -e go ]; do sleep 0.1; done; echo epoch 2; sleep 60"

    def choose(asked: Any) -> Reply:
        if asked.step == 0:
            return Reply(calls=[Call("bash", {"command": command, "background": True})])
        if asked.step == 1:
            name = asked.turns[-1].text.partition("id ")[2].partition(".")[0]
            return waiting({"process": name, "matches": r"epoch [2-9]"})
        return Reply("done")

    async with driven(choose, settings, workdir, mode="auto") as driver:
        assert (await driver.send("train")).name == "waiting"
        (workdir / "go").touch()
        assert (await woken(driver)).text == "done"
        assert driver.outputs()[1].startswith("A line of its output fits: epoch 2\n")
        for run in await driver.session._services.backend.commands(driver.session.thread.id):
            run.kill("killed")


def test_a_pattern_that_backtracks_for_ever_ends_the_look() -> None:
    with pytest.raises(TooSlow):
        matching(r"(a|aa)+$", ["a" * 3_000 + "b"])
    assert matching("loss", ["epoch", "loss=1"]) == "loss=1"


async def test_a_deleted_session_ends_the_wait(settings: Settings, workdir: Path) -> None:
    async with driven([waiting({"after": "1h"})], settings, workdir, mode="auto") as driver:
        await driver.send("wait")
        store, thread = driver.session._store, driver.session.thread.id
        async with store.lease(thread):
            await store.delete_held([thread])
        assert await store.waits.of(thread) is None
        with pytest.raises(NoSuchThread, match="was deleted while it waited"):
            await driver.session.until_woken()


async def test_a_command_that_sleeps_after_its_work_is_no_poll(
    settings: Settings, workdir: Path
) -> None:
    def choose(asked: Any) -> Reply:
        if asked.step == 4:
            return Reply("done")
        command = f"echo {asked.step} >> effects; sleep 0; echo done"
        return Reply(calls=[Call("bash", {"command": command})])

    async with driven(choose, settings, workdir, mode="auto") as driver:
        assert (await driver.send("work")).text == "done"
        assert not [m for m in driver.messages if "times in a row" in str(m["content"])]


async def test_a_stop_just_before_the_wait_is_not_lost(settings: Settings, workdir: Path) -> None:
    async with driven([waiting({"after": "1h"})], settings, workdir, mode="auto") as driver:
        await driver.send("wait")
        driver.session.interrupt()
        async with asyncio.timeout(60):
            assert not await driver.session.until_woken()
        assert driver.session.thread.status == "waiting"


async def test_a_background_command_that_ends_is_told_once(
    settings: Settings, workdir: Path
) -> None:
    command = "until [ -e go ]; do sleep 0.1; done; echo accuracy=0.91"

    def choose(asked: Any) -> Reply:
        if asked.user_messages == 1:
            begin = Call("bash", {"command": command, "background": True})
            return Reply("started") if asked.step else Reply(calls=[begin])
        return Reply("I see")

    async with driven(choose, settings, workdir, mode="auto") as driver:
        await driver.send("train")
        await driver.send("still?")
        assert "has ended" not in str(driver.messages)
        (workdir / "go").touch()
        (run,) = await driver.session._services.backend.commands(driver.session.thread.id)
        while run.state() == "alive":
            await asyncio.sleep(0.05)
        await driver.send("and now?")
        await driver.send("again?")
        told = [m for m in driver.messages if "has ended" in str(m["content"])]
        assert len(told) == 1
        assert "accuracy=0.91\n[exit code 0]" in str(told[0]["content"])


async def test_an_end_that_was_read_or_waited_for_is_not_told_again(
    settings: Settings, workdir: Path
) -> None:
    def choose(asked: Any) -> Reply:
        if asked.user_messages != 1:
            return Reply("I see")
        if asked.step == 0:
            lines = ("sleep 3; echo one", "until [ -e go ]; do sleep 0.1; done; echo two")
            begin = [Call("bash", {"command": c, "background": True}, id=c[-3:]) for c in lines]
            return Reply(calls=begin)
        names = [t.text.partition("id ")[2].partition(".")[0] for t in asked.since_user[1:3]]
        if asked.step == 1:
            return Reply(calls=[Call("process", {"operation": "wait", "id": names[0]})])
        if asked.step == 2:
            return waiting({"process": names[1]})
        return Reply("done")

    async with driven(choose, settings, workdir, mode="auto") as driver:
        last = await driver.send("train")
        assert last.name == "waiting"
        (workdir / "go").touch()
        assert (await woken(driver)).text == "done"
        await driver.send("anything new?")
        assert not [m for m in driver.messages if "Background command" in str(m["content"])]


async def test_three_polls_in_a_row_are_told_of_wait(settings: Settings, workdir: Path) -> None:
    commands = ["sleep 0; echo 1", "sleep 0; echo 2", "sleep 0; echo 3", "echo 4"]

    def choose(asked: Any) -> Reply:
        told = sum(t.role == "assistant" for t in asked.turns)
        if told == len(commands):
            return Reply("done")
        return Reply(calls=[Call("bash", {"command": commands[told]})])

    async with driven(choose, settings, workdir, mode="auto") as driver:
        assert (await driver.send("look")).text == "done"
        notes = [m for m in driver.messages if "3 times in a row" in str(m["content"])]
        assert len(notes) == 1
        assert "`wait`" in notes[0]["content"]
