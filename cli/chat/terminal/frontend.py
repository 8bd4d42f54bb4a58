"""The chat in a full terminal: a prompt that always stands, lines that scroll away above it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from prompt_toolkit.document import Document

from cli.chat.frontend import GO_ON, Choice
from cli.chat.queue import Queue
from cli.chat.terminal import panel
from cli.chat.terminal.completion import ChatCompleter
from cli.chat.terminal.keys import bindings
from cli.chat.terminal.output import Shown
from cli.chat.terminal.pickers import Picker
from cli.chat.terminal.screen import Screen
from cli.chat.terminal.status import Status
from cli.chat.terminal.streams import Above, history
from cli.shared.answers import Accepts
from cli.shared.mcp_prompt import conversation

if TYPE_CHECKING:
    from cli.chat.loop import Chat

INTERRUPTED = 130


class Terminal:
    """`cli.chat.frontend.Face` on prompt_toolkit."""

    def __init__(self) -> None:
        self.chat: Chat | None = None
        self.picker: Picker | None = None
        self.completer = ChatCompleter(self)
        self.screen: Screen
        self.lines: Any = None  # made by `open`, as the screen is
        self._inputs: asyncio.Queue[str | None] = asyncio.Queue()
        #: How to stop what runs, the newest last.
        self._stops: list[Callable[[], None]] = []
        self._stopping = False
        self._warned = False
        self._app: asyncio.Task[None] | None = None
        self._tick: asyncio.Task[None] | None = None
        self._asides: set[asyncio.Task[None]] = set()

    # --- Face ---------------------------------------------------------------------------------

    async def open(self, chat: Chat) -> None:
        self.chat = chat
        self.screen = Screen(history(chat.settings.state_path()), self.completer, bindings(self))
        self.shown = Shown(self.screen)
        self.lines = chat.lines = self.shown
        self.queue = Queue(chat, self.shown)
        self.status = Status(chat, self.screen)
        self.screen.live = self._live
        self.screen.status = self.status.line
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.stopped)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.left)
        self._streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = Above(self.screen, sys.stdout.encoding)
        standing = asyncio.Event()
        self._app = asyncio.create_task(self.screen.run(standing.set))
        await standing.wait()
        chat.load_behind()
        self._tick = asyncio.create_task(self._ticking())

    async def close(self) -> None:
        if self._app is None:
            return
        if self._tick is not None:
            self._tick.cancel()
        self.screen.flush()
        self.status.restore()
        if self.screen.app.is_running:
            self.screen.app.exit()
        await self._app
        sys.stdout, sys.stderr = self._streams

    async def read(self) -> str:
        text = await self._inputs.get()
        if text is None:
            raise EOFError
        return text

    async def ask(
        self,
        question: str,
        *,
        secret: bool = False,
        accepts: Accepts | None = None,
        again: bool = False,
    ) -> str | None:
        return await self.screen.ask(question, secret=secret, accepts=accepts, again=again)

    def has_input(self) -> bool:
        return not self._inputs.empty()

    def put_back(self, text: str) -> None:
        if not self.screen.buffer.text:
            self.screen.put(text)

    async def pick(self, title: str, choices: Sequence[Choice]) -> str | None:
        self.picker = picker = Picker(
            choices, lambda: self.screen.buffer.text, self.screen.refresh, self.screen.paint
        )
        try:
            answer = await self.screen.ask(
                f"{title}: ", accepts=picker.has, stays="nothing like that", keeps=False
            )
            return picker.chosen(answer) if answer is not None else None
        finally:
            self.picker = None
            await picker.close()

    async def decide(
        self, chat: Chat, requests: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        self.status.waits("waits for your word")
        await self.status.look()
        try:
            return await panel.decide(self, chat, requests)
        finally:
            self.status.goes_on()

    async def answer(self, question: Any) -> dict[str, Any] | None:
        self.status.waits("an MCP server asks")
        asking = conversation(question, self.lines)
        try:
            asked = next(asking)
            while (said := await self.screen.ask(asked.text, accepts=asked.accepts)) is not None:
                asked = asking.send(said)
        except StopIteration as end:
            given: dict[str, Any] | None = end.value
            return given
        self.lines.line("declined", "33")
        return None

    @contextlib.contextmanager
    def working(self, chat: Chat) -> Iterator[None]:
        self.shown.began()
        self.status.began()
        try:
            with self.stoppable(chat.session.interrupt):
                yield
        finally:
            self.shown.ended()
            self.status.ended()

    @contextlib.contextmanager
    def stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        self._stops.append(stop)
        self._stopping = False
        try:
            yield
        finally:
            self._stops.remove(stop)
            self._stopping = False

    def left_over(self) -> bool:
        return bool(self.queue)

    async def settled(self, chat: Chat) -> None:
        self.completer.forget()
        await self.queue.settled()
        await self.status.look()

    async def clear(self) -> None:
        self.screen.app.renderer.clear()

    async def hand_over(self, command: Sequence[str]) -> None:
        out, err = self._streams
        async with self.screen.given_away():
            await asyncio.to_thread(
                subprocess.run, command, check=False, stdin=sys.stdin, stdout=out, stderr=err
            )

    # --- keys ---------------------------------------------------------------------------------

    def takes_one_key(self) -> bool:
        question = self.screen.question
        return question is not None and bool(question.keys) and not self.screen.buffer.text

    def can_edit_queue(self) -> bool:
        return bool(self.queue) and not self.screen.buffer.text and self.screen.question is None

    def entered(self, buffer: Any) -> None:
        """Enter was pressed."""
        text = buffer.text
        self._warned = False
        question = self.screen.question
        if question is None:
            buffer.reset()
            self.send(text)
        elif question.accepts is None or question.accepts(text):
            self.screen.answer(text)
        elif question.stays:
            self.lines.line(f"  {question.stays}", "33")
        else:
            buffer.set_document(Document(question.given), bypass_readonly=True)
            self.screen.answer(None)
            self.send(text)

    def write_draft(self, text: str) -> None:
        """By somebody who was writing when a question came up; a backspace takes one back."""
        question = self.screen.question
        assert question is not None
        question.draft = question.draft[:-1] if text == "\b" else question.draft + text

    def send_draft(self) -> None:
        question = self.screen.question
        assert question is not None
        text, question.draft, question.writing = question.draft, "", False
        self.send(text)

    def send(self, text: str) -> None:
        """A message or a command was typed: to the chat, or into the queue of the turn."""
        if not text.strip():
            return
        self.screen.buffer.history.append_string(text)
        if not self._stops:
            self.shown.said(text)
            self._inputs.put_nowait(text)
        else:
            self._aside(self._meanwhile(text))

    def stopped(self) -> None:
        """Ctrl-C: out of a question, or stop what runs (twice: leave), or empty the line, or
        leave."""
        buffer = self.screen.buffer
        if self.screen.question is not None:
            self.screen.answer(None)
        elif self._stops:
            if self._stopping:
                self._leave_at_once()
            self._stopping = True
            self._stops[-1]()
            self._aside(self.queue.give_back(self.screen))
        elif buffer.text:
            buffer.reset()
        elif self._warned:
            self.left()
        else:
            self._warned = True
            self.lines.line("press Ctrl-C again, or Ctrl-D, to leave", "2")

    def escaped(self) -> None:
        """Esc stops, and never leaves."""
        if self.screen.question is not None or (self._stops and not self._stopping):
            self.stopped()

    def left(self) -> None:
        """Ctrl-D: leave; what runs is stopped first."""
        if self.screen.question is not None:
            self.screen.answer(None)
            return
        if self._stops and not self._stopping:
            self._stopping = True
            for stop in self._stops:
                stop()
        self._inputs.put_nowait(None)

    def edit_queued(self) -> None:
        self._aside(self.queue.take_back(self.screen))

    def unfold(self) -> None:
        self.shown.unfold()

    def _leave_at_once(self) -> None:
        """The second Ctrl-C, while what runs does not stop: the thread is valid at any moment."""
        self.screen.flush()
        self.screen.app.renderer.erase()
        with contextlib.suppress(Exception):  # whatever fails here, the person wants out
            subprocess.run(["stty", "sane"], stdin=sys.stdin, check=False)
        os._exit(INTERRUPTED)

    async def _meanwhile(self, text: str) -> None:
        if text.split()[0] in ("/quit", "/exit"):
            self.left()
            return
        await self.queue.meanwhile(text)
        while self.queue.deferred:
            self._inputs.put_nowait(self.queue.deferred.pop(0))
        if self.queue and not self._stops:
            self._inputs.put_nowait(GO_ON)

    # --- beside -------------------------------------------------------------------------------

    def _aside(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def _live(self) -> list[str]:
        if self.picker is not None:
            return self.picker.lines(self.screen.columns)
        return [*self.shown.live(), *self.queue.lines(self.screen.columns)]

    async def _ticking(self) -> None:
        """What counts seconds is drawn again each second."""
        while True:
            await asyncio.sleep(1)
            if self._stops:
                if self.queue and self.chat is not None and self.chat.session is not None:
                    await self.queue.look()
                self.screen.refresh()
