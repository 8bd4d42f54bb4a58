"""A session whose turn waits: seeing that it is over, while this process lives.

Any process may see it first: a session, `ml-agent watch`, a message from elsewhere. Who takes the
lease and stores the event wakes the thread; the others see that it is not waiting any more.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

from core.durable import WaitRow
from core.errors import NoSuchThread, ThreadBusy
from core.events import Event, Waiting
from core.run import StopSignal
from core.store import ThreadRow
from graph.patience import patient_wait
from graph.status import Status
from nodes.wait import options_of
from tools import thread_jobs
from tools.wait.lookout import Lookout, Place

#: Seconds between two looks at the thread itself: a message, another process.
LOOK = 1.0


class Waits(Status):
    """What a session does while its turn waits."""

    _lookout: Lookout | None = None
    #: The newest message that a step has read, stored with its answer or not.
    _read = 0

    async def wait_row(self) -> WaitRow | None:
        """What the thread waits for; None if it does not."""
        row = await self._store.waits.of(self.thread.id) if self._known else None
        return row if row is not None and self.thread.status == "waiting" else None

    async def look(self) -> dict[str, Any] | None:
        """What has happened of that which the thread waits for; looks at everything now."""
        row = await self.wait_row()
        return None if row is None else await self._looked_at(row, now=True)

    async def until_woken(self) -> bool:
        """Whether the wait is over, so that `resume` continues; False if the user stops waiting.

        Raises NoSuchThread: it was deleted meanwhile; StoreError.
        """
        while not self._stop.is_set():  # it may have come just before, at the end of the turn
            row, thread = await self._store.waits.of(self.thread.id), await self._row()
            pause = LOOK
            if thread.status != "waiting":
                if not self._store.is_driven(thread.id):
                    return True  # another process woke it, and its turn has ended
            elif row is not None:
                if row.event is not None or await self._store.inbox.after(row.thread, row.seq):
                    return True
                happened = await self._looked_at(row)
                with suppress(ThreadBusy):  # who has it wakes it
                    if happened is not None:
                        await self._store.wake(row, happened)
                        return True
                assert self._lookout is not None
                pause = min(self._lookout.next_look(row, time.time()), LOOK)
            await _pause(self._stop, max(pause, 0.05))
        return False

    async def _row(self) -> ThreadRow:
        found = await self._store.threads.get(self.thread.id)
        if found is None:
            raise NoSuchThread(f"session {self.thread.id} was deleted while it waited")
        return found

    async def _looked_at(self, row: WaitRow, *, now: bool = False) -> dict[str, Any] | None:
        if self._lookout is None:
            self._lookout = Lookout(thread_jobs())
        place = Place(self._services, self._services.backend.folder(self.thread.cwd))
        return await self._lookout.look(row, place, now=now)

    async def _patient(self, error: Exception) -> Event | None:
        """The wait that a refusal for a quota or credit becomes; None: the run fails."""
        seq, run = max(await self.taken(), self._read), options_of(self._context)
        found = await patient_wait(self._store, self.thread.id, error, seq, run)
        return None if found is None else Waiting(**found)

    async def _forget_wait(self, last: Event) -> None:
        """A wait's row goes when the turn that it woke has ended."""
        row = await self._store.waits.of(self.thread.id)
        if row is not None:
            but = last.call if isinstance(last, Waiting) else ""
            await self._store.waits.end(self.thread.id, but=but)


async def _pause(stop: StopSignal, seconds: float) -> None:
    """Sleep so many seconds, or until the user stops."""
    over = asyncio.Event()
    with stop.telling(over.set), suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds)
