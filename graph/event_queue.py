"""The events of a run on their way from its nodes to its reader.

LangGraph's own stream would carry them, too, but each for a task, two wake-ups of the event loop
and a walk through its runner.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

from langgraph.types import Interrupt

from core.events import Event

#: The state after each superstep of a run.
Steps = AsyncIterator[dict[str, Any] | Any]


class EventQueue:
    """What the nodes of a run tell, in the order in which they tell it.

    Attributes: values, interrupts: the state where the run is, and the interrupts that wait.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.interrupts: Sequence[Interrupt] = ()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._events: deque[Event] = deque()
        #: The reader waits for more; the run waits for the reader.
        self._more: asyncio.Future[None] | None = None
        self._taken: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        """Tell an event; from any thread."""
        self._events.append(event)
        if threading.get_ident() == self._thread:
            self._wake()
        else:
            self._loop.call_soon_threadsafe(self._wake)

    async def of(self, steps: Steps) -> AsyncGenerator[Event, None]:
        """Go through `steps`; what is told until they end, or fail. If the reader leaves, they
        are cancelled."""
        run = asyncio.ensure_future(self._through(steps))
        run.add_done_callback(self._wake)
        try:
            while True:
                while self._events:
                    yield self._events.popleft()
                if run.done():
                    break
                self._more = self._loop.create_future()
                if self._taken is not None and not self._taken.done():
                    self._taken.set_result(None)
                await self._more
        finally:
            if not run.done():
                run.cancel()
                await asyncio.wait({run})
            if not run.cancelled():
                run.exception()  # else asyncio complains that no one read its failure
        run.result()

    async def _through(self, steps: Steps) -> None:
        """Between two supersteps the run waits until its reader asks for more: who reads of a call
        can still stop the turn, or leave, before the call begins."""
        async with aclosing(cast(AsyncGenerator[dict[str, Any], None], steps)) as states:
            async for state in states:
                self.values = state
                self.interrupts = state.get("__interrupt__", self.interrupts)
                if self._more is None or self._more.done():
                    self._taken = self._loop.create_future()
                    await self._taken

    def _wake(self, *_: object) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
