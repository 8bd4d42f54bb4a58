"""Work that ends when the user stops it: the one way in which anything here is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from core.run import StopSignal

T = TypeVar("T")


class Stopped(Exception):
    """The stop signal was set before the work was done; the work has been cancelled."""


async def race(work: Coroutine[Any, Any, T], stop: StopSignal) -> T:
    """The result of `work`, or Stopped as soon as `stop` is set.

    Only the inner task is cancelled, and waited for: the graph's own task never is. Work that
    answers its cancellation with a result (a command's output so far) is taken at its word.
    """
    task = asyncio.ensure_future(work)
    # A future, not a second task: this runs for every request and every call.
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(*_: object) -> None:
        if not over.done():
            over.set_result(None)

    task.add_done_callback(end)
    try:
        with stop.telling(end):
            await over
        if task.done():
            if task.cancelled():
                # By itself, not by us: passed on, it would look like a cancel of the graph.
                raise RuntimeError("the work cancelled itself")
            return task.result()
        task.cancel()
        await asyncio.wait({task})
        if task.cancelled() or task.exception() is not None:
            raise Stopped
        return task.result()
    finally:
        if not task.done():
            task.cancel()
