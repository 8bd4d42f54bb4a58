"""How the events of a run reach their reader, and what the graph does meanwhile."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.events import AssistantMessage
from graph.event_queue import EventQueue
from tests.graph.driving import driven
from tests.stand_ins.model_script import Call, Reply

TOUCH = [Reply("On.", calls=[Call("bash", {"command": "touch ran"})]), Reply("done")]


def message(text: str) -> AssistantMessage:
    return AssistantMessage(text=text)


async def test_no_call_runs_while_its_reader_still_thinks(
    settings: Settings, workdir: Path
) -> None:
    async with driven(TOUCH, settings, workdir, mode="yolo") as driver:
        async for event in driver.session.send("go"):
            if event.name == "tool_state_change":
                await asyncio.sleep(0.3)
                assert not (workdir / "ran").exists()
                break
        # As a program that leaves: what its reader did not wait for does not happen.
        await asyncio.sleep(0.3)
        assert not (workdir / "ran").exists()


async def test_what_threads_and_the_loop_tell_comes_in_its_order() -> None:
    told = EventQueue()

    async def steps() -> AsyncGenerator[dict[str, Any], None]:
        for n in range(20):
            await asyncio.to_thread(told.put, message(f"thread {n}"))
            told.put(message(f"loop {n}"))
        yield {"turn": {}}

    texts = [event.text async for event in told.of(steps())]  # type: ignore[attr-defined]
    assert texts == [text for n in range(20) for text in (f"thread {n}", f"loop {n}")]
    assert told.values == {"turn": {}}


async def test_a_reader_that_leaves_is_told_of_no_failure() -> None:
    told, complaints = EventQueue(), []
    asyncio.get_running_loop().set_exception_handler(lambda loop, what: complaints.append(what))

    async def steps() -> AsyncGenerator[dict[str, Any], None]:
        told.put(message("last words"))
        raise OSError("gone")
        yield {}

    events = told.of(steps())
    assert await anext(events) == message("last words")
    await events.aclose()
    del events
    await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


async def test_what_was_told_before_a_failure_is_read() -> None:
    told, read = EventQueue(), []

    async def steps() -> AsyncGenerator[dict[str, Any], None]:
        told.put(message("last words"))
        raise OSError("gone")
        yield {}

    async def reads() -> None:
        async for event in told.of(steps()):
            read.append(event)

    with pytest.raises(OSError, match="gone"):
        await reads()
    assert len(read) == 1
