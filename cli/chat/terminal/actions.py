"""What keys do in the full chat: send, stop, leave, take back."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from prompt_toolkit.document import Document

from cli.chat.state import GO_ON
from cli.chat.terminal.output import Shown
from cli.chat.terminal.pickers import Picker
from cli.chat.terminal.queue import Queue
from cli.chat.terminal.screen import Screen

INTERRUPTED = 130


class Actions:
    """The user's side of one terminal. picker: the list that stands, if one does."""

    def __init__(self, screen: Screen, shown: Shown, queue: Queue) -> None:
        self.screen = screen
        self.shown = shown
        self.queue = queue
        self.picker: Picker | None = None
        #: What was typed, for the chat; None: the user leaves.
        self.inputs: asyncio.Queue[str | None] = asyncio.Queue()
        #: How to stop what runs, the newest last.
        self._stops: list[Callable[[], None]] = []
        self._stopping = False
        self._warned = False
        #: Whether the chat has taken a line and has not asked for the next one.
        self._between = False
        #: Ctrl-C came before what runs had begun: it stops as soon as it begins.
        self._stop_next = False
        self._asides: set[asyncio.Task[None]] = set()

    @property
    def is_running(self) -> bool:
        return bool(self._stops)

    @contextlib.contextmanager
    def stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        """While the block runs, Ctrl-C calls `stop`."""
        self._stops.append(stop)
        self._stopping = self._stop_next
        if self._stop_next:
            # Soon, not now: a turn that begins forgets an older stop.
            asyncio.get_running_loop().call_soon(stop)
        self._stop_next = False
        try:
            yield
        finally:
            self._stops.remove(stop)
            self._stopping = False

    async def read(self) -> str | None:
        """The next input; None: the user leaves."""
        self._between = self._stop_next = False
        text = await self.inputs.get()
        self._between = True
        return text

    def takes_one_key(self) -> bool:
        question = self.screen.question
        if question is None or question.begun or self.screen.buffer.text:
            return False
        return bool(question.asked.keys)

    def is_idle(self) -> bool:
        """Whether the prompt is empty, and nothing runs or asks."""
        return not (self._stops or self.screen.question or self.screen.buffer.text)

    def command(self, text: str) -> None:
        """A key that runs a command."""
        if self._stops:
            self._aside(self._meanwhile(text))
        elif self.screen.question is None:
            self.inputs.put_nowait(text)

    def can_edit_queue(self) -> bool:
        return bool(self.queue) and not self.screen.buffer.text and self.screen.question is None

    def entered(self, buffer: Any) -> None:
        """Enter was pressed."""
        text = buffer.text
        self._warned = False
        question = self.screen.question
        text = f"{question.begun}{text}" if question else text
        if question is None:
            buffer.reset()
            self.send(text)
        elif question.asked.accepts is None or question.asked.accepts(text):
            self.screen.answer(text)
        elif question.asked.stays:
            self.shown.line(f"  {question.asked.stays}", "33")
        else:
            buffer.set_document(Document(question.asked.default), bypass_readonly=True)
            self.screen.answer(None)
            self.send(text)

    def write_draft(self, text: str) -> None:
        """By someone who was writing when a question came up; a backspace takes one back."""
        question = self.screen.question
        assert question is not None
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        question.draft = question.draft[:-1] if text == "\b" else question.draft + text

    def send_draft(self) -> None:
        question = self.screen.question
        assert question is not None
        text, question.draft, question.writing = question.draft, "", False
        self.send(text)

    def send(self, text: str) -> None:
        """A message or a command was typed: to the chat, or into the queue of the turn."""
        if not text.strip():
            if self.shown.failed and not self._stops:
                self.inputs.put_nowait(GO_ON)  # Enter alone tries again
            return
        self.screen.buffer.history.append_string(text)
        if not self._stops:
            self.shown.said(text)
            self.inputs.put_nowait(text)
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
        elif not self.inputs.empty():
            self._give_back()
        elif self._between:
            if self._stop_next:
                self._leave_at_once()
            self._stop_next = True
        elif buffer.text:
            buffer.reset()
        elif self._warned:
            self.left()
        else:
            self._warned = True
            self.shown.line("press Ctrl-C again, or Ctrl-D, to leave", "2")

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
        self.inputs.put_nowait(None)

    def _give_back(self) -> None:
        """Lines that nothing has taken yet, into the prompt."""
        texts = []
        while not self.inputs.empty():
            text = self.inputs.get_nowait()
            if text is None:
                self.inputs.put_nowait(None)
                break
            if text != GO_ON:
                texts.append(text)
        if texts:
            self.screen.put("\n".join([*texts, self.screen.buffer.text]).strip("\n"))

    def edit_queued(self) -> None:
        self._aside(self.queue.take_back(self.screen))

    def move(self, by: int) -> None:
        """Another choice of the list."""
        assert self.picker is not None
        self.picker.move(by)

    def _leave_at_once(self) -> None:
        """The second Ctrl-C, while what runs does not stop: the thread is valid at any moment."""
        self.screen.flush()
        self.screen.app.renderer.erase()
        with contextlib.suppress(Exception):  # whatever fails here, the user needs out
            subprocess.run(["stty", "sane"], stdin=sys.stdin, check=False)
        os._exit(INTERRUPTED)

    async def _meanwhile(self, text: str) -> None:
        if text.strip() in ("/quit", "/exit", "quit", "exit"):
            self.left()
            return
        await self.queue.meanwhile(text)
        while self.queue.deferred:
            self.inputs.put_nowait(self.queue.deferred.pop(0))
        if self.queue and not self._stops:
            self.inputs.put_nowait(GO_ON)

    def _aside(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
