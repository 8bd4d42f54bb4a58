"""The watcher: wakes every waiting thread of a database, and drives its turn to the next stop.
A goal that no process pursues it pursues, from one stop to the next.

Any number of them may run, next to chats and headless runs: the lease says who drives. A turn runs
with the options that it waited with; what needs a user becomes an approval that waits, never a yes.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from configs.settings import Settings
from core.durable import WaitRow
from core.errors import AgentError, StoreError
from core.store import Store, ThreadRow, open_store
from core.store.goals import goal_line
from core.tool import Services
from graph.goals import pursuit_of
from graph.options import RunOptions
from graph.pursuit import pursue
from graph.session import Session
from nodes.services import build_services, in_sandbox
from tools import thread_jobs
from tools.wait.lookout import Lookout, Place

log = logging.getLogger(__name__)

#: Seconds between two looks at the database, and turns at once.
EVERY, AT_ONCE = 5.0, 4
#: Seconds until a session that could not continue is tried again: the first, the longest.
AGAIN, LONGEST = 30.0, 600.0


@dataclass(frozen=True)
class Woken:
    """A thread that was driven. by: what woke it. status: of its turn now."""

    thread: str
    by: str
    status: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Watcher:
    """Args:
    load: the settings of a thread's folder. say: told what happens, in one line each.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[Path], Settings],
        say: Callable[[str], None],
        every: float = EVERY,
    ) -> None:
        self._settings = settings
        self._load = load
        self._say = say
        self._every = every
        self._lookout = Lookout(thread_jobs())
        self._driving: dict[str, asyncio.Task[Woken | None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._again: dict[str, tuple[float, float]] = {}
        self._said: set[str] = set()
        self._services: Services | None = None

    async def once(self) -> list[Woken]:
        """Look at all that waits, drive what is woken to its next stop. Raises StoreError."""
        async with await open_store(self._settings) as store:
            await self._tick(store, now=True)
            done = await asyncio.gather(*self._driving.values())
        return [woken for woken in done if woken is not None]

    async def forever(self) -> None:
        """The same again and again. A database that goes away is waited for."""
        pause = self._every
        while True:
            try:
                async with await open_store(self._settings) as store:
                    self._services = None
                    while True:
                        await self._tick(store)
                        pause = self._every
                        await asyncio.sleep(self._every)
            except StoreError as error:
                await self._settle()
                self._tell_once(f"cannot use the database: {error.message}; trying again")
                await asyncio.sleep(pause)
                pause = min(pause * 2, 60.0)

    async def _settle(self) -> None:
        """Wait for the turns under way: each ends by itself when the database is gone."""
        await asyncio.gather(*self._driving.values(), return_exceptions=True)
        self._driving.clear()

    # --- looking ------------------------------------------------------------------------------

    async def _tick(self, store: Store, *, now: bool = False) -> None:
        """Begin to drive each thread whose wait is over."""
        rows = await store.waits.open()
        spoken = set(await store.waits.spoken_to())
        self._driving = {name: task for name, task in self._driving.items() if not task.done()}
        self._lookout.forget([row for row, _ in rows])
        for row, thread in rows:
            if self._is_taken(store, thread, now):
                continue
            if thread.status == "running":
                if not store.is_driven(thread.id):
                    work = self._drive(store, row.run, thread, None, "it was cut off")
                    self._begin(thread, work)
            elif row.event is not None or thread.id in spoken:
                by = "a message" if row.event is None else str(row.event["text"])
                self._begin(thread, self._drive(store, row.run, thread, None, by))
            elif happened := await self._look(store, row, thread, now):
                by = str(happened["text"])
                wake = partial(store.wake, row, happened)
                self._begin(thread, self._drive(store, row.run, thread, wake, by))

        for goal, thread in await store.goals.active():
            # What waits is woken above; what needs approval waits for its user.
            is_free = not (self._is_taken(store, thread, now) or store.is_driven(thread.id))
            if is_free and thread.status not in ("waiting", "approval"):
                work = self._drive(store, dict(goal.terms.run), thread, None, "its goal")
                self._begin(thread, work)

    def _is_taken(self, store: Store, thread: ThreadRow, now: bool) -> bool:
        """Whether someone pursues the thread's goal and wakes it, or it was tried just now."""
        tried = self._again.get(thread.id, (0.0, 0.0))[0]
        is_early = not now and time.time() < tried
        return thread.id in self._driving or is_early or store.is_driven(pursuit_of(thread.id))

    async def _look(
        self, store: Store, row: WaitRow, thread: ThreadRow, now: bool
    ) -> dict[str, Any] | None:
        if self._services is None:
            self._services = build_services(self._settings, store)
        services, cwd = self._services, thread.cwd
        if thread.sandbox:
            services = in_sandbox(services, thread.id, thread.sandbox, log.info)
            cwd = services.backend.folder(cwd)
        self._lookout.trouble = ""
        found = await self._lookout.look(row, Place(services, cwd), now=now)
        if self._lookout.trouble:
            self._tell_once(f"{thread.id}: {self._lookout.trouble}")
        return found

    # --- driving ------------------------------------------------------------------------------

    def _begin(self, thread: ThreadRow, work: Awaitable[Woken]) -> None:
        self._driving[thread.id] = asyncio.ensure_future(self._guarded(thread, work))

    async def _guarded(self, thread: ThreadRow, work: Awaitable[Woken]) -> Woken | None:
        """One thread's trouble is not the others'."""
        async with self._slots:
            try:
                woken = await work
            except AgentError as error:
                self._tell_once(f"{thread.id}: {error.message} ({error.hint})")
            except Exception as error:  # as above
                log.debug("cannot drive %s", thread.id, exc_info=True)
                self._tell_once(f"{thread.id}: {type(error).__name__}: {error}")
            else:
                self._again.pop(thread.id, None)
                self._say(f"{thread.id}: woken by: {woken.by}; now: {woken.status}")
                return woken
        pause = min(self._again.get(thread.id, (0.0, AGAIN / 2))[1] * 2, LONGEST)
        self._again[thread.id] = (time.time() + pause, pause)
        return None

    async def _drive(
        self,
        store: Store,
        run: dict[str, Any],
        thread: ThreadRow,
        wake: Callable[[], Awaitable[Any]] | None,
        by: str,
    ) -> Woken:
        """Drive a turn to its next stop; with a goal, all turns up to one. `wake`: stores what
        ended its wait."""
        folder = Path(thread.cwd)
        if not await asyncio.to_thread(os.path.isdir, folder):
            raise StoreError(
                f"its folder {folder} is not on this machine",
                "run ml-agent watch on the machine that has it",
            )
        settings = await asyncio.to_thread(self._load, folder)
        options = options_of(run, self._say)
        opened = Session.open(settings, cwd=folder, thread=thread.id, options=options, store=store)
        async with opened as session:
            last: Any = None
            if wake is not None:
                await wake()
            goal = await session.goal()
            is_active = goal is not None and goal.state == "active"
            async for event in pursue(session, stay=False) if is_active else session.resume():
                last = event
            if last is not None and last.name == "error":
                self._tell_once(f"{thread.id}: {last.message} ({last.hint})")
            view = await session.goal_view() if is_active else None
            status = session.thread.status if view is None else goal_line(view)
            return Woken(thread.id, by.partition("\n")[0], status)

    def _tell_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def options_of(run: dict[str, Any], notice: Callable[[str], None]) -> RunOptions:
    """The options of the run that waits, as `nodes/wait.py` stored them."""
    cap = run.get("max_cost_micro_usd")
    return RunOptions(
        fallback_model=run.get("fallback_model") or None,
        effort=run.get("effort") or None,
        max_iterations=run.get("max_iterations"),
        max_cost=None if cap is None else cap / 1e6,
        allow=run.get("allow", ()),
        deny=run.get("deny", ()),
        interactive=bool(run.get("interactive")),
        invocation=run.get("invocation", ""),
        patience=run.get("patience", 0.0),
        stream=False,
        notice=notice,
    )
