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
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
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
        stopped.cancel()
        if not task.done():
            task.cancel()
