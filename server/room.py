"""A room: one thread as one user has it open, in any number of tabs.

It drives the thread's turns by a task, so that no request's end stops one, and tells
what happens as numbered frames. What another process does to the thread is seen by looking.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from core import events as ev
from core.errors import AgentError, MessageQueued, NoSuchThread, UsageError
from core.store import Store
from core.store.files.thread_files import LEFT_OUT
from graph.session import Session
from server.answers import Answers
from server.frames import FrameLog
from server.view import View

log = logging.getLogger(__name__)

#: Seconds between two looks at what other processes do; between two looks at cost and plan.
LOOK, PACE = 1.0, 2.0
LAST = ("turn_complete", "error", "interrupted", "approval_required")


class Room:
    """Use it through its user's `rooms`. Attributes: listeners: streams that are open now."""

    def __init__(self, session: Session, store: Store) -> None:
        self.session = session
        self.log = FrameLog()
        self.listeners = 0
        self.last_used = time.monotonic()
        self._view = View(session, store)
        self._answers = Answers(self.log.add)
        self._queue: dict[int, str] = {}
        self._starting = asyncio.Lock()
        self._turn: asyncio.Task[None] | None = None
        self._is_running = False
        self._watch: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._status: dict[str, Any] = {}
        self._status_at = 0.0

    @property
    def is_running(self) -> bool:
        return self._is_running

    # --- listening --------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the first snapshot."""
        await self.session.refresh()
        await self.log.reset(await self._snapshot())
        self._later(self._measure())

    async def listen(self, last: str) -> AsyncGenerator[str, None]:
        """The stream of one tab, from behind its last frame on."""
        self.listeners += 1
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        try:
            async for text in self.log.follow(last):
                yield text
        finally:
            self.listeners -= 1
            self.last_used = time.monotonic()

    def notice(self, text: str, level: str = "warning", hint: str = "") -> None:
        """Tell every tab something next to the turn."""
        self._later(self.log.add("notice", {"level": level, "text": text, "hint": hint}))

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _look(self) -> None:
        """While a tab is open: see what other processes do to the thread."""
        driver = self.session.driver()
        while self.listeners:
            await asyncio.sleep(LOOK)
            if self.is_running or self._starting.locked():
                continue
            try:
                changed, now = await self.session.refresh(), self.session.driver()
                if changed or now != driver:
                    await self.log.reset(await self._snapshot())
                driver = now
            except NoSuchThread:
                self.notice("This session was deleted.", "error")
                return
            except AgentError as error:
                log.warning("cannot look at %s: %s", self.session.thread.id, error.message)

    # --- what the page asks for ---------------------------------------------------------------

    async def send(self, text: str) -> int | None:
        """Begin a turn, or let the message join the one under way: then its number. The message
        is on disk when this returns."""
        if not text.strip():
            raise UsageError("the message is empty", "write something")
        async with self._starting:
            if self.is_running or self.session.driver() == "elsewhere":
                return await self._enqueue(text)
            await self._drive(self.session.send(text))
        return None

    async def _enqueue(self, text: str) -> int:
        number = await self.session.enqueue(text)
        self._queue[number] = text
        await self.log.add("queued", {"number": number, "text": text})
        return number

    async def resume(self) -> None:
        """Continue a turn that was cut off, or what waits."""
        await self._begin(self.session.resume)

    async def compact(self) -> None:
        await self._begin(self.session.compact)

    async def _begin(self, turn: Any) -> None:
        async with self._starting:
            self.check_idle()
            await self._drive(turn())

    def check_idle(self) -> None:
        """Raises UsageError while a turn runs."""
        if self.is_running or self.session.driver() == "elsewhere":
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
        kind = given["type"]
        if kind not in request["decisions"]:
            raise UsageError(f"{kind!r} does not fit this call", ", ".join(request["decisions"]))
        decision: dict[str, Any] = {"type": kind}
        if kind == "edit":
            edited = {"name": request["tool"], "args": given["arguments"]}
            decision["edited_action"] = edited
        elif kind in ("reject", "respond"):
            decision["message"] = given["message"]
        elif given["always"] and (rule := self._view.rule(request)):
            await self.session.grant(rule)
        if not await self.session.decide(request["id"], decision):
            raise UsageError(f"{request['id']} is already decided", "reload the page")
        states = {"edit": "edited", "reject": "rejected"}
        change = {"id": request["id"], "tool": request["tool"], "url": ""}
        await self.log.add("tool_state_change", {**change, "state": states.get(kind, "approved")})

    async def move(self, turns: int, dry_run: bool) -> dict[str, Any]:
        """Undo `turns` turns; 0: redo one."""
        async with self._starting:
            self.check_idle()
            session = self.session
            work = session.undo(turns, dry_run=dry_run) if turns else session.redo(dry_run=dry_run)
            moved, event = await work
            if not dry_run:
                await self.log.reset(await self._snapshot())
                await self.log.add(event.name, event.to_dict())
        return moved.to_dict()

    async def withdraw(self, number: int) -> bool:
        """Withdraw a queued message; whether the model has not read it."""
        await self.session.withdraw(number)
        fresh = number > await self.session.taken()
        if self._queue.pop(number, None) is not None:
            await self.log.add("taken", {"numbers": [number], "withdrawn": fresh})
        return fresh

    async def changed(self) -> None:
        """A choice was made for the thread: tell it."""
        await self.session.refresh()
        await self._tell_status()

    # --- a turn -------------------------------------------------------------------------------

    async def _drive(self, events: AsyncGenerator[ev.Event, None]) -> None:
        """Begin a turn; returns with its first event, when its message is on disk."""
        await self.log.rebase(await self._snapshot())
        self._answers = Answers(self.log.add)
        begun, self._is_running = asyncio.Event(), True
        self._turn = asyncio.create_task(self._pump(events, begun))
        await begun.wait()

    async def _pump(self, events: AsyncGenerator[ev.Event, None], begun: asyncio.Event) -> None:
        try:
            async for event in events:
                await self._tell(event)
                if event.name == "processing":
                    begun.set()
                    await self._tell_status()
        except Exception as error:
            log.exception("a turn of %s failed", self.session.thread.id)
            self.notice(f"Cannot continue: {type(error).__name__}.", "error", "reload the page")
        finally:
            begun.set()
            self._is_running = False
            self.last_used = time.monotonic()
        with suppress(AgentError):
            await self.session.refresh()
            await self._tell_status()
            self._later(self._measure())

    async def _tell(self, event: ev.Event) -> None:
        data = event.to_dict()
        match event:
            case ev.AssistantChunk(kind="answer"):
                self._answers.add(event.text)
                return
            case ev.AssistantStreamEnd(withdrawn=True):
                await self._answers.withdraw()
            case ev.AssistantStreamEnd(finish_reason="interrupted"):
                await self._answers.end()
            case ev.AssistantMessage():
                await self._answers.end(event.text)
            case ev.Processing() if event.number in self._queue:
                del self._queue[event.number]
                await self.log.add("taken", {"numbers": [event.number], "withdrawn": False})
            case ev.ApprovalRequired():
                data["requests"] = self._view.with_rules(event.requests)
            case ev.Error() if isinstance(self.session.failure, MessageQueued):
                await self._queued_elsewhere(self.session.failure)
                return
            case ev.ToolOutput():
                # A command's output is shortened by its tool, which keeps all of it.
                data["truncated"] = event.truncated or LEFT_OUT in event.text
                await self._answers.flush()
            case _:
                await self._answers.flush()
        await self.log.add(event.name, data)
        if event.name in ("tool_output", "assistant_message"):
            await self._tell_status(at_most_every=PACE)

    async def _queued_elsewhere(self, failure: MessageQueued) -> None:
        """Another process was faster: the message waits for it."""
        rows = await self.session.queue()
        text = next((row.text for row in rows if row.seq == failure.number), "")
        self._queue[failure.number] = text
        await self.log.reset(await self._snapshot())

    async def _tell_status(self, at_most_every: float = 0.0) -> None:
        now = time.monotonic()
        if now - self._status_at < at_most_every:
            return
        self._status_at = now
        status = await self._view.status(self.is_running)
        if status != self._status:
            self._status = status
            await self.log.add("status", status)

    async def _snapshot(self) -> dict[str, Any]:
        shown = await self._view.snapshot(self.is_running)
        self._queue = {row["number"]: row["text"] for row in shown["queue"]}
        self._status = shown["status"]
        return shown

    async def _measure(self) -> None:
        """The size of the context; counting tokens takes a moment, so no one waits for it."""
        with suppress(AgentError):
            await self._view.measure()
            if not self.is_running:
                await self._tell_status()

    async def close(self) -> None:
        """Stop what runs, so that the thread is valid, and let go of everything."""
        self.session.interrupt()
        if self._watch is not None:
            self._watch.cancel()
        open_ = {task for task in (self._turn, self._watch) if task} | self._background
        while open_:
            await asyncio.wait(open_)
            open_ = set(self._background)
        await self.log.end()
        await self.session.close()
