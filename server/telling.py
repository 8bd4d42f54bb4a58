"""From a session's events to the frames of its room (server/protocol.md)."""

import time
from typing import Any

from core import events as ev
from core.errors import MessageQueued
from core.store.files.thread_files import LEFT_OUT
from graph.session import Session
from server.answers import Answers
from server.frames import FrameLog
from server.hints import hint_for
from server.view import View

#: Seconds between two looks at cost and plan while a turn runs.
PACE = 2.0


class Teller:
    """Tells one room. Attributes: queue: messages that wait for the model's next step, by number.
    last: the name of the turn's last event, once it has ended."""

    def __init__(self, session: Session, view: View, log: FrameLog) -> None:
        self.queue: dict[int, str] = {}
        self.last = ""
        self._session = session
        self._view = view
        self._log = log
        self._answers = Answers(log.add)
        self._status: dict[str, Any] = {}
        self._status_at = 0.0
        self._trials: dict[str, Any] | None = None
        self._trials_at = 0.0

    async def begin_turn(self) -> None:
        """From now on the log holds this turn, behind a snapshot of what was before it."""
        await self.rebase()
        self._answers, self.last = Answers(self._log.add), ""

    async def rebase(self) -> None:
        """Between turns: a snapshot stands for all that was told."""
        await self._log.rebase(await self._snapshot(is_running=False))

    async def reset(self, is_running: bool = False) -> None:
        """Show everything from the start: it is not what the listeners have."""
        await self._log.reset(await self._snapshot(is_running))

    async def _snapshot(self, is_running: bool) -> dict[str, Any]:
        shown = await self._view.snapshot(is_running)
        self.queue = {row["number"]: row["text"] for row in shown["queue"]}
        self._status = shown["status"]
        self._trials = shown["experiment"]
        return shown

    async def queued(self, number: int, text: str) -> None:
        self.queue[number] = text
        await self._log.add("queued", {"number": number, "text": text})

    async def taken(self, number: int, *, withdrawn: bool) -> None:
        if self.queue.pop(number, None) is not None:
            await self._log.add("taken", {"numbers": [number], "withdrawn": withdrawn})

    async def event(self, event: ev.Event) -> None:
        """One event of the turn."""
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
            case ev.Processing():
                await self.taken(event.number, withdrawn=False)
            case ev.ApprovalRequired():
                data["requests"] = self._view.with_rules(event.requests)
            case ev.Error() if isinstance(self._session.failure, MessageQueued):
                await self.reset()  # another process was faster: the message waits for it
                return
            case ev.Error():
                data["hint"] = hint_for(event.kind, event.hint)
                await self._answers.flush()
            case ev.ToolOutput():
                # A command's output is shortened by its tool, which keeps all of it.
                data["truncated"] = event.truncated or LEFT_OUT in event.text
                await self._answers.flush()
            case _:
                await self._answers.flush()
        self.last = event.name
        await self._log.add(event.name, data)
        if event.name in ("tool_output", "assistant_message"):
            await self.status(is_running=True, at_most_every=PACE)
        if isinstance(event, ev.ToolOutput | ev.ToolLog) and event.tool == "experiment":
            await self._tell_trials(at_most_every=0.0 if event.name == "tool_output" else PACE)

    async def _tell_trials(self, at_most_every: float) -> None:
        """Tell what has changed of the experiment, if anything did."""
        now = time.monotonic()
        if now - self._trials_at < at_most_every:
            return
        self._trials_at = now
        chart = await self._view.experiment()
        if chart is not None and chart != self._trials:
            self._trials = chart
            await self._log.add("experiment", chart)

    async def status(self, *, is_running: bool, at_most_every: float = 0.0) -> None:
        """Tell what has changed of the status, if anything did."""
        now = time.monotonic()
        if now - self._status_at < at_most_every:
            return
        self._status_at = now
        status = await self._view.status(is_running)
        if status != self._status:
            self._status = status
            await self._log.add("status", status)
