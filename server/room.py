"""A room: one thread as one user has it open, in any number of tabs.

It drives the thread's turns by a task of the server, so that no request's end stops one, and tells
what happens as numbered frames. What another process does to the thread is seen by looking.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from core.errors import AgentError, NoSuchThread, UsageError
from core.events import Event
from core.store import Store
from graph.server_contents import with_resources
from graph.session import Session
from server.decisions import decision_of
from server.frames import FrameLog
from server.telling import Teller
from server.view import View

log = logging.getLogger(__name__)

#: Seconds between two looks at what other processes do.
LOOK = 1.0
#: Frames for which a new listener gets a new snapshot: a page draws it faster.
MANY = 100


class Room:
    """Use it through its user's `rooms`.

    Attributes: listeners: streams that are open now. is_running: a turn of ours runs.
    last_used: by the monotonic clock.
    """

    def __init__(self, session: Session, store: Store) -> None:
        self.session = session
        self.log = FrameLog()
        self.listeners = 0
        self.is_running = False
        self.last_used = time.monotonic()
        self._view = View(session, store)
        self._teller = Teller(session, self._view, self.log)
        self._starting = asyncio.Lock()
        self._is_closing = False
        self._turn: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[Any]] = set()

    # --- listening --------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the first snapshot."""
        await self.session.refresh()
        await self._teller.reset()
        self._later(self._measure())
        self._wait_on()

    async def listen(self, last: str) -> AsyncGenerator[str, None]:
        """The stream of one tab, from behind its last frame on."""
        self.listeners += 1
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        try:
            if self.log.lacks(last) > MANY:
                async with self._starting:
                    if not self.is_running:
                        await self._teller.rebase()
            async for text in self.log.follow(last):
                yield text
        finally:
            self.listeners -= 1
            self.last_used = time.monotonic()

    async def earlier(self, before: str) -> dict[str, Any]:
        """Items before the one with this key. Raises NoSuchThread."""
        return await self._view.earlier(before)

    def notice(self, text: str, level: str = "warning", hint: str = "") -> None:
        """Tell every tab something next to the turn."""
        self._later(self.log.add("notice", {"level": level, "text": text, "hint": hint}))

    def _later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _look(self) -> None:
        """While a tab is open: see what other processes do to the thread."""
        was_elsewhere = self._is_elsewhere()
        while self.listeners:
            await asyncio.sleep(LOOK)
            try:
                async with self._starting:  # no turn begins in the middle of a look
                    if self.is_running:
                        continue
                    changed, is_elsewhere = await self.session.refresh(), self._is_elsewhere()
                    if changed or is_elsewhere != was_elsewhere:
                        await self._teller.reset()
                    was_elsewhere = is_elsewhere
            except NoSuchThread:
                self.notice("This session was deleted.", "error")
                return
            except AgentError as error:
                log.warning("cannot look at %s: %s", self.session.thread.id, error.message)

    def _is_elsewhere(self) -> bool:
        return self.session.driver() == "elsewhere"

    async def _measure(self) -> None:
        """Tell the size of the context; counting takes a moment, so no one waits for it."""
        with suppress(AgentError):
            await self._view.measure()
            await self._teller.status(is_running=self.is_running)

    # --- what the page asks for ---------------------------------------------------------------

    async def send(self, text: str) -> int | None:
        """Begin a turn, or let the message join the one under way: then its number. The message
        is on disk when this returns. Raises AgentError: a resource that it mentions cannot be
        read."""
        text = await with_resources(self.session, text)
        async with self._starting:
            if not self.is_running and not self._is_elsewhere():
                await self._drive(self.session.send(text))
                return None
            number = await self.session.enqueue(text)
            await self._teller.queued(number, text)
            return number

    async def withdraw(self, number: int) -> bool:
        """Withdraw a queued message; whether the model has not read it."""
        await self.session.withdraw(number)
        fresh = number > await self.session.taken()
        await self._teller.taken(number, withdrawn=fresh)
        return fresh

    async def begin(self, turn: Callable[[], AsyncGenerator[Event, None]]) -> None:
        """Begin a turn that no message opens: `session.resume`, `session.compact`."""
        async with self._starting:
            self.check_idle()
            await self._drive(turn())

    def check_idle(self) -> None:
        """Raises UsageError while a turn runs."""
        if self.is_running or self._is_elsewhere():
            raise UsageError("a turn is running in this session", "stop it, or wait for its end")

    async def decide(self, decisions: list[dict[str, Any]]) -> int:
        """Store decisions; how many calls still wait. With the last one the turn continues."""
        async with self._starting:
            requests = {r["id"]: r for r in await self.session.pending()}
            for given in decisions:
                await self._decide(requests.get(given["id"]), given)
            left = len(requests) - len(await self.session.decided(list(requests)))
            if requests and not left and not self.is_running:
                await self._drive(self.session.resume())
        return left

    async def _decide(self, request: dict[str, Any] | None, given: dict[str, Any]) -> None:
        if request is None:
            raise UsageError(f"no such call waits: {given['id']}", "reload the page")
        kind, (decision, state) = given["type"], decision_of(request, given)
        if kind == "approve" and given["always"] and (rule := self._view.rule(request)):
            await self.session.grant(rule)
        if not await self.session.decide(request["id"], decision):
            raise UsageError(f"{request['id']} is already decided", "reload the page")
        change = {"id": request["id"], "tool": request["tool"], "url": "", "state": state}
        await self.log.add("tool_state_change", change)

    async def move(self, turns: int, dry_run: bool) -> dict[str, Any]:
        """Undo `turns` turns; 0: redo one."""
        async with self._starting:
            self.check_idle()
            session = self.session
            work = session.undo(turns, dry_run=dry_run) if turns else session.redo(dry_run=dry_run)
            moved, event = await work
            if not dry_run:
                await self._teller.reset()
                await self.log.add(event.name, event.to_dict())
        return moved.to_dict()

    async def changed(self) -> None:
        """A choice was made for the thread: tell it."""
        await self.session.refresh()
        await self._teller.status(is_running=self.is_running)

    # --- a turn -------------------------------------------------------------------------------

    async def _drive(self, events: AsyncGenerator[Event, None]) -> None:
        """Begin a turn; returns with its first event, when its message is on disk."""
        if self._waiting is not None and self._waiting is not asyncio.current_task():
            self._waiting.cancel()
        await self._teller.begin_turn()
        begun, self.is_running = asyncio.Event(), True
        self._turn = asyncio.create_task(self._pump(events, begun))
        await begun.wait()

    async def _pump(self, events: AsyncGenerator[Event, None], begun: asyncio.Event) -> None:
        try:
            async with aclosing(events) as told:
                async for event in told:
                    await self._teller.event(event)
                    if event.name == "processing":
                        begun.set()
                        await self._teller.status(is_running=True)
        except Exception as error:  # the task's boundary: the tabs are told, we have a traceback
            log.exception("a turn of %s failed", self.session.thread.id)
            self.notice(f"Cannot continue: {type(error).__name__}.", "error", "reload the page")
        finally:
            with suppress(AgentError):
                await self.session.refresh()  # `_look` has seen what this turn changed
            begun.set()
            self.is_running = False
            self.last_used = time.monotonic()
        with suppress(AgentError):
            await self.changed()
            self._later(self._measure())
            self._later(self._take_up())
            self._wait_on()

    def _wait_on(self) -> None:
        """While the thread waits, look whether that is over."""
        if self.session.thread.status == "waiting" and not self._is_closing:
            self._waiting = asyncio.create_task(self._continue_woken())
            self._background.add(self._waiting)
            self._waiting.add_done_callback(self._background.discard)

    async def _continue_woken(self) -> None:
        with suppress(AgentError):  # deleted, or no database: nothing to continue
            if not await self.session.until_woken():
                return
            async with self._starting:
                await self.session.refresh()
                if not self.is_running and self.session.thread.status == "waiting":
                    await self._drive(self.session.resume())

    async def _take_up(self) -> None:
        """A turn for what was queued after the session's last look, while its turn was ending."""
        async with self._starting:
            ended = not self.is_running and self._teller.last == "turn_complete"
            if not ended or self._is_closing or not self._teller.queue:
                return
            if await self.session.unfinished() and not self.session.driver():
                await self._drive(self.session.resume())

    def _open_tasks(self) -> list[asyncio.Task[Any]]:
        return [task for task in (self._turn, *self._background) if task and not task.done()]

    async def close(self) -> None:
        """Stop what runs, so that the thread is valid, and let go of everything."""
        self._is_closing = True
        self.session.interrupt()
        if self._watch is not None:
            self._watch.cancel()
        while open_ := self._open_tasks():
            await asyncio.wait(open_)
        await self.log.end()
        await self.session.close()
