"""Ctrl-C at each place where a turn can be: it ends at once, keeps what was shown, and the thread
continues. What would be waited for takes a minute; the watchdog is generous."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.events import Event
from graph.session import RunOptions, Session
from tests.cli.program import program
from tests.graph.driving import Driver, driven
from tests.graph.test_other_processes import begun
from tests.stand_ins.model_script import Asked, Call, Reply

FORMATS = ("openai/stand-in", "anthropic/claude-stand-in")


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def first_then_ok(first: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: first if asked.index == 0 else Reply("ok")


async def stopped(driver: Driver, at: Callable[[Event], bool], text: str = "go") -> list[Event]:
    """The events of a turn that is interrupted at the first event for which `at` holds, or as
    soon as the provider has the request where `at` is never true."""
    events: list[Event] = []

    async def interrupt_at_a_request() -> None:
        while not driver.server.requests:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        driver.session.interrupt()

    watching = asyncio.ensure_future(interrupt_at_a_request()) if at is at_request else None
    async with asyncio.timeout(20):
        async for event in driver.session.send(text):
            events.append(event)
            if at(event):
                driver.session.interrupt()
    if watching:
        await watching
    assert events[-1].name == "interrupted", events[-1]
    return events


def at_request(event: Event) -> bool:
    return False


def says(text: str) -> Callable[[Event], bool]:
    return lambda event: text in str(getattr(event, "text", ""))


async def goes_on(driver: Driver) -> list[str]:
    """The next message is answered; the roles of its request."""
    assert (await driver.send("go on")).text == "ok"
    assert driver.server.violations == []
    return [m["role"] for m in driver.messages]


@pytest.mark.parametrize("model", FORMATS)
async def test_before_the_first_token(settings: Settings, workdir: Path, model: str) -> None:
    given = settings.model_copy(update={"model_name": model})
    async with driven(first_then_ok(Reply("late", delay=60)), given, workdir) as driver:
        await stopped(driver, at_request)
        await goes_on(driver)


@pytest.mark.parametrize("model", FORMATS)
@pytest.mark.parametrize("stream", [True, False])
async def test_in_the_stream(settings: Settings, workdir: Path, model: str, stream: bool) -> None:
    words = "one two three four five six " * 40
    slow = Reply(words, pieces=60, chunk_delay=0.5, delay=0 if stream else 60)
    given = settings.model_copy(update={"model_name": model})
    async with driven(first_then_ok(slow), given, workdir, stream=stream) as driver:
        events = await stopped(driver, says("one") if stream else at_request)
        shown = "".join(e.text for e in events if e.name == "assistant_chunk")  # type: ignore[attr-defined]
        await goes_on(driver)
        kept = [m for m in driver.messages if m["role"] == "assistant"]
        assert ["one two" in str(m["content"]) for m in kept] == [True] * stream
        assert shown.startswith("one") is stream


@pytest.mark.parametrize("model", FORMATS)
async def test_while_it_thinks(settings: Settings, workdir: Path, model: str) -> None:
    slow = Reply("answer", thinking="let me see now " * 40, pieces=60, chunk_delay=0.5)
    given = settings.model_copy(update={"model_name": model})
    async with driven(first_then_ok(slow), given, workdir) as driver:
        await stopped(driver, lambda e: getattr(e, "kind", "") == "thinking")
        await goes_on(driver)


async def test_in_a_pause_between_attempts(settings: Settings, workdir: Path) -> None:
    busy = Reply(status=429, retry_after="60")
    async with driven(first_then_ok(busy), settings, workdir) as driver:
        await stopped(driver, says("attempt 2"))
        await goes_on(driver)


@pytest.mark.parametrize(
    "command", ["echo shown; sleep 60", "trap '' INT TERM; echo shown; sleep 60 & wait; sleep 60"]
)
async def test_in_a_command(settings: Settings, workdir: Path, command: str) -> None:
    calls = [bash(command), bash("echo other"), Call("read", {"path": "."})]
    async with driven(first_then_ok(Reply(calls=calls)), settings, workdir, mode="yolo") as driver:
        await stopped(driver, says("shown"))
        roles = await goes_on(driver)
        assert roles == ["system", "user", "assistant", "tool", "tool", "tool", "user"]
        assert "shown" in driver.messages[3]["content"]


async def test_in_a_wait_for_a_background_command(settings: Settings, workdir: Path) -> None:
    def choose(asked: Asked) -> Reply:
        if asked.user_messages > 1:
            return Reply("ok")
        if asked.step == 0:
            return Reply(calls=[Call("bash", {"command": "sleep 60", "background": True})])
        result = next(t.text for t in asked.turns if t.role == "tool")
        handle = next(word.strip(".:,") for word in result.split() if "call_" in word)
        return Reply(calls=[Call("process", {"operation": "wait", "id": handle})])

    async with driven(choose, settings, workdir, mode="yolo") as driver:

        def running(event: Any) -> bool:
            return event.name == "tool_state_change" and (event.tool, event.state) == (
                "process",
                "running",
            )

        await stopped(driver, running)
        await goes_on(driver)


async def test_in_a_compaction(settings: Settings, workdir: Path) -> None:
    slow = True

    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY", delay=60 if slow else 0)
        if asked.user_messages > 1:
            return Reply("ok")
        return Reply(calls=[bash(f"seq {asked.step}00000 {asked.step}01000")])

    given = settings.model_copy(update={"context_window": 16_000})
    async with driven(choose, given, workdir, mode="yolo") as driver:
        events = await stopped(driver, says("summarising"))
        assert not [e for e in events if e.name == "compacted"]
        slow = False
        await goes_on(driver)


async def test_while_the_client_is_loaded(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven([Reply("ok")], settings, workdir) as driver:
        models = driver.session._services.models

        async def slow(model: str) -> None:
            driver.session.interrupt()
            await asyncio.sleep(60)

        with monkeypatch.context() as patch:
            patch.setattr(models, "ready", slow)
            async with asyncio.timeout(20):
                assert (await driver.send("go")).name == "interrupted"
        assert (await driver.send("go on")).text == "ok"


async def test_a_second_stop_changes_nothing(settings: Settings, workdir: Path) -> None:
    async with driven(first_then_ok(Reply(calls=[bash("sleep 60")])), settings, workdir) as driver:
        events = await stopped(driver, lambda e: e.name == "tool_state_change")
        driver.session.interrupt()
        assert len([e for e in events if e.name == "interrupted"]) == 1
        await goes_on(driver)


def test_a_queued_message_survives_a_kill(tmp_path: Path) -> None:
    """It is typed while a command runs, the process is killed, and the next one sends it."""
    wait = Reply(calls=[bash("touch begun; until test -e go; do sleep 0.05; done")])
    with program(tmp_path, first_then_ok(wait)) as run:
        with begun(run, {}, run.work / "begun") as process:
            newest = run("sessions", "list", "--output", "json")
            thread = json.loads(newest.stdout)["threads"][0]["id"]
            asyncio.run(_enqueue(run.environment, thread, "and be quick"))
            process.kill()
            process.wait()
        (run.work / "go").touch()
        ended = run("sessions", "resume", thread, "--output", "json")
        assert ended.returncode == 0, ended.stderr
        messages: list[dict[str, Any]] = run.server.bodies[-1]["messages"]
        assert [m["role"] for m in messages][-2:] == ["tool", "user"]
        assert messages[-1]["content"] == "and be quick"


async def _enqueue(environment: dict[str, str], thread: str, text: str) -> None:
    from configs.layers import load

    given = load(environ=environment, cwd="/").settings.model_copy(
        update={"local_base_url": "http://127.0.0.1:9/v1"}
    )
    options = RunOptions(model="local/x")
    async with Session.open(given, thread=thread, options=options) as session:
        await session.enqueue(text)
