"""Short work on files, done where it costs least.

Handing a function to another thread and waking up for its result costs more processor time than
looking at a file or at a row does. LangGraph's server, though, allows no file work on its loop.
"""

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar
from weakref import WeakSet

T = TypeVar("T")

_guarded: "WeakSet[asyncio.AbstractEventLoop]" = WeakSet()
#: Whether there ever was one: asked twenty times in a step.
_has_guarded = False


def forbid_quick_work() -> None:
    """From now on, nothing blocks the running event loop."""
    global _has_guarded
    _guarded.add(asyncio.get_running_loop())
    _has_guarded = True


def allows_quick_work() -> bool:
    """Whether the running event loop may be held up for a millisecond."""
    return not _has_guarded or asyncio.get_running_loop() not in _guarded


async def quickly(work: Callable[..., T], *args: object) -> T:
    """The result of `work`, which takes about a millisecond: at once, or from a thread if this loop
    allows no quick work."""
    if allows_quick_work():
        return work(*args)
    return await asyncio.to_thread(work, *args)


class NeedsThread(Exception):
    """Work on the event loop came to something that may take long; it begins again in a thread."""


_is_on_loop: ContextVar[bool] = ContextVar("is_on_loop", default=False)


def is_on_loop() -> bool:
    """Whether this is work that `Measured` runs on the event loop."""
    return _is_on_loop.get()


def leave_loop() -> None:
    """What follows may take long, or waits for others: raises NeedsThread on the event loop. Called
    before anything is changed: the work begins again."""
    if is_on_loop():
        raise NeedsThread


class Measured:
    """Runs blocking work whose time depends on the machine: on the event loop as long as the last
    one took little, else in a thread.

    Args:
        most: seconds that the loop may be held up.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._took = most

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """The result of `work`."""
        if self._took < self._most and allows_quick_work():
            on_loop = _is_on_loop.set(True)
            try:
                return self._timed(work, *args)
            except NeedsThread:
                pass
            finally:
                _is_on_loop.reset(on_loop)
        return await asyncio.to_thread(self._timed, work, *args)

    def _timed(self, work: Callable[..., T], *args: object) -> T:
        began = time.monotonic()
        try:
            return work(*args)
        finally:
            self._took = time.monotonic() - began
