"""Session: the front door for a program. Send a message, get events.

    async with Session.open(settings, cwd="~/project") as session:
        async for event in session.send("count the rows of data.csv"):
            print(event.name)

A session drives one thread. A turn's iterator ends with exactly one of turn_complete, error,
interrupted, approval_required, waiting; failures come as `error` events, never as exceptions. Only
opening raises (AgentError).
"""

import logging
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Self, Unpack

from configs.settings import Settings
from core.errors import ThreadBusy, UsageError
from core.events import Event, Processing, Ready, Shutdown
from core.text import encodable
from graph.background.notifications import Notifier
from graph.background.session_hooks import SessionHooks
from graph.background.trace_sharing import Sharing
from graph.event_filter import Seen, without_secrets
from graph.goals import Goals
from graph.open_thread import Brought
from graph.options import RunOptions
from graph.outcome import error_of, last_event, status_of
from graph.resumed_input import AnyInput
from graph.stream import events_of
from graph.turn_figures import Watch, figures_of
from graph.turn_input import NOTHING, Begin, Wanted
from nodes.budget import key_of
from nodes.opening import ROOT

__all__ = ["RunOptions", "Session"]

log = logging.getLogger(__name__)


class Session(Goals):
    """One thread, driven by one program."""

    def __init__(
        self,
        settings: Settings,
        cwd: Path,
        thread: str | None,
        options: RunOptions,
        brought: Brought,
    ) -> None:
        super().__init__(settings, cwd, thread, options, brought)
        self._seen = Seen()
        self._seq = brought.get("seq", 0)
        self._turn_number = 0
        self._told_ready = False
        self._running = False
        self._closed = False
        self._opened = time.time()
        self._summary: dict[str, Any] = {}
        #: The exception behind the last `error` event, for --debug.
        self.failure: BaseException | None = None

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        cwd: str | Path | None = None,
        thread: str | None = None,
        options: RunOptions | None = None,
        **brought: Unpack[Brought],
    ) -> Self:
        """A session on `thread` (whatever `ThreadRows.resolve` takes), or on a new one in `cwd`.

        A program may bring a model client (`models`) and tools of its own, by name (`tools`).

        Entering it raises AgentError: no such thread, a database that cannot be used, no
        model, no credential.
        """
        folder = Path(cwd).expanduser().absolute() if cwd else Path.cwd()
        return cls(settings, folder, thread, options or RunOptions(), brought)

    async def __aenter__(self) -> Self:
        await self._open()
        self._input = AnyInput(self._store, self._stored, self._files, self.thread.id)
        self._sharing = Sharing(self.settings, self.export, self._options.notice)
        web = self.settings.web.public_url
        self._notifier = Notifier(self.settings.notify, self._options.notice, web)
        self._iterations = self._context.max_iterations
        self._hooks = SessionHooks(self._step, self._options.notice)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- what a program does with it --------------------------------------------------------

    def send(self, text: str) -> AsyncGenerator[Event, None]:
        """A turn with `text` as its message. Unfinished work of an earlier turn is closed
        first; approvals that wait count as rejected with these words."""
        if not text.strip():
            raise UsageError("the message is empty")
        text = encodable(text)
        self._context.max_iterations = self._iterations
        return self._turn(Wanted(lambda: self._input.of_message(text, self._step()), message=text))

    def resume(
        self, decisions: Sequence[dict[str, Any]] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Continue a turn that was cut off, or answer the approvals that wait.

        Args:
            decisions: one per request of `pending()`, in order, in LangChain's shape:
                {"type": "approve"}, {"type": "edit", "edited_action": {"name", "args"}},
                {"type": "reject", "message"}, {"type": "respond", "message"}.
        """
        return self._turn(Wanted(lambda: self._input.of_resume(decisions)))

    def compact(self) -> AsyncGenerator[Event, None]:
        """Summarise the history now, whatever its size."""
        return self._turn(Wanted(self._input.of_compaction, alone=True))

    def interrupt(self, reason: str = "interrupted") -> None:
        """Stop the turn under way, cooperatively; the thread stays valid. `reason` other than
        "interrupted" names a limit, and the turn ends as one that reached it."""
        self._stop.set(reason)

    async def close(self) -> Event:
        """End the session; the last event. May be called twice."""
        await self._sharing.settled()
        await self._notifier.settled()
        await self._hooks.ended()
        if self._mcp is not None:
            await self._mcp.close()
        if not self._closed:
            self._closed = True
            await self._leave_sandbox()
        await self._close_store()
        return self._stamped(Shutdown())

    # --- a turn -------------------------------------------------------------------------------

    async def _turn(self, wanted: Wanted) -> AsyncGenerator[Event, None]:
        """Everything from `processing` to the turn's last event."""
        if self._running:
            raise UsageError("a turn is running in this session")
        self._running, self.failure = True, None
        watch = Watch(time.time(), time.monotonic(), wanted.alone)
        end = self._begin(wanted, watch)
        try:
            while wanted.last is None or await self._is_queued(wanted.last):
                async with aclosing(self._drive(wanted, watch)) as events:
                    async for event in events:
                        yield event
        except Exception as error:  # the front door: whatever happened is one event
            log.debug("the turn failed", exc_info=True)
            busy = isinstance(error, ThreadBusy)
            if not busy or wanted.last is None:  # else its sender answers what was queued
                self.failure, wanted.last = error, error_of(error)
            if not busy:
                self._stored.forget()
                with suppress(Exception):  # the error is told, whatever else cannot be
                    await self._outcome(watch)
                    wanted.last = await self._patient(error) or error_of(error)
                await self._keep_row(status_of(wanted.last), self._turn_number, quietly=True)
        finally:
            end()
            await self._files.settled()
            self._running = False
        for event in self._first(wanted.opening):
            yield event
        assert wanted.last is not None
        if not wanted.alone and not isinstance(self.failure, ThreadBusy):
            self._notifier.tell(wanted.last, self.thread)
            self._hooks.tell(wanted.last)
        yield self._stamped(wanted.last)

    async def _drive(self, wanted: Wanted, watch: Watch) -> AsyncGenerator[Event, None]:
        """Under the lease: the turn, or, after it, one for what was queued at its very end."""
        begin = wanted.begin if wanted.last is None else self._input.of_left_over
        async with self._driving(wanted):
            self._stored.forget()
            await self._freeze()
            if wanted.last is None:
                wanted.opening = [await self._opening(wanted)]
            await self._offer_tools(join=bool(wanted.message))
            self._turn_number = await self._next_number()
            for event in self._first(wanted.opening):
                yield event
            await self._keep_row("running", self._turn_number)
            async with aclosing(self._run(begin)) as events:
                async for event in events:
                    watch.works = True
                    self._read = max(self._read, getattr(event, "number", 0))
                    self._notifier.tell(event, self.thread)
                    yield self._stamped(event)
            wanted.last = await self._outcome(watch)
            await self._keep_row(status_of(wanted.last), self._turn_number)
            await self._forget_wait(wanted.last)
            self._sharing.turn_ended(self.thread)

    async def _opening(self, wanted: Wanted) -> Processing:
        """The turn's first event; its message is on disk when it is made."""
        if wanted.alone:
            return Processing(text="")
        if not wanted.message:
            event = await self._input.resumed()
        else:
            wanted.number = wanted.number or await self._accept(wanted.message)
            event = Processing(text=wanted.message, number=wanted.number)
        self._read = max(self._read, event.number)
        if event.number:
            self._seen.is_new(event)  # the step that takes the message does not tell it again
        return event

    def _first(self, opening: list[Processing]) -> Iterator[Event]:
        """`ready`, once a session, and the turn's `processing`; each told once."""
        if not self._told_ready:
            self._told_ready = True
            tools, row = sorted(self._services.tools), self.thread
            yield self._stamped(Ready(tools=tools, model=row.model, mode=row.mode))
        while opening:
            yield self._stamped(opening.pop())

    async def _run(self, begin: Begin) -> AsyncGenerator[Event, None]:
        """Run the graph, and once more while messages wait that no step has taken."""
        graph_input = await begin()
        while graph_input is not NOTHING:
            app, config = await self._stored.app(), self._stored.config()
            self._stored.forget()
            events = events_of(
                app, graph_input, config, self._context, self._seen, self._stored.stands
            )
            async with aclosing(events) as told:
                async for event in told:
                    if self._mcp is not None and event.name != "tool_log":
                        self._mcp.connect()  # the first request is out
                    yield event
            graph_input = NOTHING if self._stop.is_set() else await self._input.of_left_over()
            self._turn_number += graph_input is not NOTHING

    async def _outcome(self, watch: Watch) -> Event:
        """The turn's last event, read from where the thread is now; what it cost, from the
        ledger."""
        state = await self._stored.standing()
        turn = state.values.get("turn", ROOT)
        spent = await self._store.ledger.spent("turn", key_of(self.thread.id, turn))
        seconds, since = watch.of(turn, self._opened)
        self._summary = figures_of(state, spent, await self.left(), seconds)
        return last_event(state, since, self._summary)

    def _stamped(self, event: Event) -> Event:
        event = without_secrets(event)
        self._seq += 1
        event.thread, event.turn, event.seq = self.thread.id, self._turn_number, self._seq
        return event
