"""race(): work against the stop signal; what is cancelled, and who hears of it."""

import asyncio

import pytest

from core.run import StopSignal
from nodes.interrupt import Stopped, race


async def forever() -> str:
    await asyncio.Event().wait()
    return "never"


def set_soon(stop: StopSignal) -> None:
    asyncio.get_running_loop().call_later(0.01, stop.set)


async def test_the_result() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    assert await race(work(), StopSignal()) == "done"


async def test_an_error_is_passed_on() -> None:
    async def work() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await race(work(), StopSignal())


async def test_a_stop_cancels_the_work_and_waits_for_its_cleaning_up() -> None:
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("up")

    stop = StopSignal()
    set_soon(stop)
    with pytest.raises(Stopped):
        await race(work(), stop)
    assert cleaned == ["up"]


async def test_a_stop_that_is_already_set() -> None:
    stop = StopSignal()
    stop.set()
    with pytest.raises(Stopped):
        await race(forever(), stop)


async def test_work_that_answers_its_cancellation_is_taken_at_its_word() -> None:
    async def work() -> str:
        try:
            return await forever()
        except asyncio.CancelledError:
            return "so far"

    stop = StopSignal()
    set_soon(stop)
    assert await race(work(), stop) == "so far"


async def test_work_that_breaks_while_it_is_cancelled_is_stopped() -> None:
    async def work() -> None:
        try:
            await forever()
        finally:
            raise OSError("connection lost")

    stop = StopSignal()
    set_soon(stop)
    with pytest.raises(Stopped):
        await race(work(), stop)


async def test_work_that_is_done_when_the_stop_comes_counts() -> None:
    stop = StopSignal()

    async def work() -> str:
        stop.set()
        return "done"

    assert await race(work(), stop) == "done"


async def test_work_that_cancels_itself_is_an_error_and_no_cancel_of_ours() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled itself"):
        await race(work(), StopSignal())


async def test_cancelled_from_outside_the_work_ends_too() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await forever()
        finally:
            ended.set()

    racing = asyncio.create_task(race(work(), StopSignal()))
    await began.wait()
    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing
    await asyncio.wait_for(ended.wait(), 10)


async def test_nothing_is_left_over() -> None:
    before = asyncio.all_tasks()
    stop = StopSignal()
    set_soon(stop)
    with pytest.raises(Stopped):
        await race(forever(), stop)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
