"""One session as an editor has it open: its turns, its questions, its history."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from acp import RequestError
from acp.schema import PromptResponse, StopReason

from core import events as ev
from graph.session import Session
from server.acp.content import text_of
from server.acp.decisions import Decisions
from server.acp.editor import Editor, request_error
from server.acp.figures import tell_figures, usage_of
from server.acp.slash import run_command, turn_of_command
from server.acp.updates import Updates, of_plan

log = logging.getLogger(__name__)
#: Seconds between two looks at what running calls print: an editor draws no faster.
PACE = 0.2


class Conversation:
    """A task runs each turn, so the end of a request stops none."""

    def __init__(self, session: Session, editor: Editor) -> None:
        self.session = session
        self.id = session.thread.id
        self._editor = editor
        self._updates = Updates(session.effect_of, session.thread.cwd)
        self._starting = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._decisions = Decisions(session, editor, self._stopped)
        self._is_running = False
        self._turn: asyncio.Task[PromptResponse] | None = None
        self._background: set[asyncio.Task[Any]] = set()

    # --- what the editor asks for -------------------------------------------------------------

    async def prompt(self, blocks: Sequence[Any]) -> PromptResponse:
        """A turn. During one, the message joins it and ends with it; while a call waits for a
        decision, it is the decision. Raises AgentError, RequestError."""
        if not self._is_running:
            self._stopped.clear()
        text = await text_of(blocks, self.session)
        while True:
            async with self._starting:
                if not self._is_running:
                    if said := await run_command(text, self.session):
                        await self.say(said)
                        return PromptResponse(stop_reason="end_turn")
                    turn = self._begin(await self._events_for(text))
                    break
                assert self._turn is not None
                turn = self._turn
                if not self._decisions.is_asking:
                    await self.session.enqueue(text)
                    break
                self._stopped.set()
            await asyncio.wait({turn})
            self._stopped.clear()
        return await asyncio.shield(turn)

    def cancel(self) -> None:
        """Stop the turn. A call that waits for a decision keeps waiting, on disk."""
        self._stopped.set()
        self.session.interrupt()

    async def replay(self) -> None:
        """Tell the stored history; then ask again what waits for a decision."""
        for update in self._updates.of_history(await self.session.export()):
            await self._editor.update(self.id, update)
        if plan := await self.session.plan():
            await self._editor.update(self.id, of_plan(plan))
        if self._is_running:
            return
        if await self.session.pending():
            self._later(self._ask_again())
        elif await self.session.unfinished() and not self.session.driver():
            why = "waits" if await self.session.wait_row() else "was cut off"
            await self.say(f"This turn {why}. `/resume` continues it.")

    async def _ask_again(self) -> None:
        async with self._starting:
            if self._is_running:
                return
            self._stopped.clear()
            turn = self._begin(None)
        try:
            await asyncio.shield(turn)
        except RequestError as error:
            await self.say(str(error))

    async def close(self) -> None:
        """End the turn, so that the thread is valid, and let go of the session."""
        self.cancel()
        tasks = {self._turn, *self._background} - {None}
        if tasks:
            await asyncio.wait(tasks)  # type: ignore[type-var]
        await self.session.close()

    async def say(self, text: str) -> None:
        await self._editor.say(self.id, text)

    # --- a turn -------------------------------------------------------------------------------

    async def _events_for(self, text: str) -> AsyncIterator[ev.Event]:
        """The turn that a message begins: a command's, the answer to questions, or its own."""
        if begun := turn_of_command(text, self.session):
            return begun
        open_ = await self._decisions.undecided(await self.session.pending())
        if open_ and all("respond" in request["decisions"] for request in open_):
            for request in open_:
                answer = {"type": "respond", "message": text}
                await self.session.decide(request["id"], answer)
            return self.session.resume()
        return self.session.send(text)

    def _begin(self, events: AsyncIterator[ev.Event] | None) -> "asyncio.Task[PromptResponse]":
        self._is_running = True
        self._turn = asyncio.create_task(self._drive(events))
        self._turn.add_done_callback(_retrieved)
        return self._turn

    async def _drive(self, events: AsyncIterator[ev.Event] | None) -> PromptResponse:
        """The turn with its decisions. events: None: with the decisions that wait."""
        try:
            stop = None if events else await self._decisions.ask(await self.session.pending())
            while stop is None:
                last = await self._tell(events or self.session.resume())
                stop = await self._stop_reason(last)
                events = None
            return PromptResponse(stop_reason=stop, usage=usage_of(self.session))
        finally:
            self._is_running = False
            self._later(tell_figures(self.session, self._editor))

    async def _tell(self, events: AsyncIterator[ev.Event]) -> ev.Event:
        """Tell a turn's events; the last one."""
        event: ev.Event | None = None
        output = asyncio.create_task(self._tell_output())
        try:
            async with aclosing(events) as told:  # type: ignore[type-var]
                async for event in told:
                    if self._stopped.is_set():
                        self.session.interrupt()
                    for update in self._updates.of_event(event):
                        await self._editor.update(self.id, update)
        finally:
            output.cancel()
        assert event is not None
        return event

    async def _tell_output(self) -> None:
        """Tell what running calls print, also what they print before a long silence."""
        while True:
            await asyncio.sleep(PACE)
            for update in self._updates.of_output():
                await self._editor.update(self.id, update)

    async def _stop_reason(self, last: ev.Event) -> StopReason | None:
        """Why the turn is over; None: it continues. Raises RequestError."""
        match last:
            case ev.ApprovalRequired():
                return await self._decisions.ask(last.requests)
            case ev.Waiting():
                await self.say(f"Waiting for {' or '.join(last.reasons)}. A message ends the wait.")
                return None if await self.session.until_woken() else "cancelled"
            case ev.Interrupted():
                return "cancelled"
            case ev.Error(kind="message_queued"):
                await self.say(f"{last.message} ({last.hint})")
                return "end_turn"
            case ev.Error():
                raise request_error(last)
            case ev.TurnComplete(status="limit"):
                await self.say(f"Stopped: {last.reason}. Another message continues.")
                return "max_turn_requests"
        async with self._starting:
            # A message may have come after the turn's last look into its inbox.
            if not self._stopped.is_set() and await self.session.unfinished():
                return None
            self._is_running = False
        return "end_turn"

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _retrieved(turn: "asyncio.Task[PromptResponse]") -> None:
    """A turn that no request waits for any more may fail; its thread has the error."""
    if not turn.cancelled() and turn.exception() is not None:
        log.debug("a turn ended with %r", turn.exception())
