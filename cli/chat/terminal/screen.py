"""The terminal's two parts: lines that scroll away above, and the prompt with what is live below.

What is above is never drawn again. Erasing the prompt, the new lines and the prompt leave in
one write, so that nothing flickers.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from prompt_toolkit.application import Application
from prompt_toolkit.application.run_in_terminal import in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import History
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from cli.chat.terminal.layout import STYLE, Parts, layout
from cli.shared.answers import Asked
from cli.terminal.cleaning import only_styled
from cli.terminal.text import Paint, clean
from cli.terminal.writer import unguarded

#: Seconds between two drawings of what is live.
FRAME = 1 / 30
#: Seconds without a key after which what is typed next is intended for the question.
PAUSE = 0.6


@dataclass
class Question:
    """A question that stands where the prompt was: what it asks for in place of a message.

    Attributes:
        text: as it is shown. draft: what the user was writing when it came up, given back after it.
        came: when it was drawn first, by the loop's clock; 0: not yet.
        begun: the key that has begun the answer.
        writing: the user has not paused since it came up: what they type belongs to the draft.
    """

    asked: Asked
    text: str
    answer: asyncio.Future[str | None]
    draft: str = ""
    came: float = 0.0
    writing: bool = False
    begun: str = ""


class HeldOutput(Vt100_Output):
    """Keeps what it is given while `held`."""

    held = False

    def flush(self) -> None:
        if not self.held:
            super().flush()


class Screen:
    """One terminal. Set `keys`, `live` and `status` before `run`."""

    def __init__(self, history: History, completer: Completer) -> None:
        self.paint = Paint(sys.stdout.encoding or "utf-8")
        self.live: Callable[[], list[str]] = list
        self.status: Callable[[int], str] = lambda width: ""
        self.question: Question | None = None
        #: Before each frame: what streams puts its finished lines.
        self.before_frame: Callable[[], None] = lambda: None
        #: When the newest key came, by the loop's clock.
        self.pressed = 0.0
        self._asking = asyncio.Lock()
        self._waiting: list[str] = []
        self._frame: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main = threading.get_ident()
        self.output = cast(HeldOutput, HeldOutput.from_pty(unguarded(sys.stdout)))
        self.output.enable_cpr = False  # its answers would mix with what the user types
        self.buffer = Buffer(
            history=history, completer=completer, complete_while_typing=True, multiline=True
        )
        parts = Parts(
            self.buffer,
            self._live,
            lambda: bool(self.live()),
            self._status,
            self._prefix,
            self._is_secret,
            lambda: self.rows,
        )
        self.app: Application[None] = Application(
            layout=layout(parts),
            output=self.output,
            style=STYLE,
            color_depth=None if self.paint.on else ColorDepth.DEPTH_1_BIT,
            min_redraw_interval=FRAME,
            erase_when_done=True,
        )
        self.app.key_processor.before_key_press += lambda _: self.pressing()
        self.app.after_render += lambda _: self._drawn()
        self.app.timeoutlen = 0.3  # how long Escape waits to be the start of Alt-Enter
        self.app.ttimeoutlen = 0.05

    # --- what it shows ------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        return self.output.get_size().columns

    @property
    def rows(self) -> int:
        return self.output.get_size().rows

    def _live(self) -> Any:
        return ANSI(only_styled("\n".join(self.live())))

    def _status(self) -> Any:
        return ANSI(only_styled(self.paint.marks(self.status(self.columns))))

    def _is_secret(self) -> bool:
        return self.question is not None and self.question.asked.secret

    def _prefix(self, line: int, wrap: int) -> Any:
        if wrap:
            return ""
        if line:
            return [("class:prompt", ". ")]
        return [("class:prompt", self.question.text if self.question else "> ")]

    def write(self, text: str) -> None:
        """Lines for above the prompt, each with its end; from any thread."""
        if self._loop is not None and threading.get_ident() != self._main:
            self._loop.call_soon_threadsafe(self.write, text)
            return
        self._waiting.append(text)
        self.refresh()

    def refresh(self) -> None:
        """Draw soon what is live."""
        if self._loop is None:
            self.flush()
        elif self._frame is None:
            self._frame = self._loop.call_later(FRAME, self._draw)

    def _draw(self) -> None:
        self._frame = None
        self.before_frame()
        if self._waiting:
            self.flush()
        else:
            self.app.invalidate()

    def flush(self) -> None:
        """Put the waiting lines above the prompt, now."""
        if self.app._running_in_terminal:
            return  # someone else has the terminal; `_given_back` writes them
        # The one place where lines reach the terminal: of sequences only colour passes.
        text = only_styled("".join(self._waiting)).replace("\n", "\r\n")
        self._waiting.clear()
        if not self.app.is_running:
            self.output.write_raw(text)
            self.output.flush()
            return
        self.output.held = True
        try:
            self.app.renderer.erase(leave_alternate_screen=False)
            self.output.write_raw(text)
            self.app._redraw()
        finally:
            self.output.held = False
            self.output.flush()

    @asynccontextmanager
    async def given_away(self) -> AsyncIterator[None]:
        """The terminal for another program: an editor, the demo."""
        self.flush()
        async with in_terminal():
            yield
        self.flush()

    def set_title(self, words: str) -> None:
        """The window's title; "": none."""
        self._tell(f"\x1b]2;{_one_line(words)}\x07")

    def alert(self, words: str = "") -> None:
        """A bell, and a notice of the desktop with `words` if the terminal knows one."""
        sequence = "\a"
        if words:
            said = _one_line(words).replace(";", ",")
            sequence += f"\x1b]9;ml-agent: {said}\x1b\\\x1b]777;notify;ml-agent;{said}\x1b\\"
        self._tell(sequence)

    def _tell(self, sequence: str) -> None:
        """A sequence that draws nothing."""
        self.output.write_raw(sequence)
        self.output.flush()

    # --- what it asks -------------------------------------------------------------------------

    async def ask(self, asked: Asked) -> str | None:
        """What the user answers; None where they leave the question (Ctrl-C, Ctrl-D, Esc) or say
        something else. Keys that were pressed before it stands are not answer, unless it is the one
        before asked `again`."""
        async with self._asking:  # one at a time
            loop = asyncio.get_running_loop()
            if not asked.again:
                self._take_typed()
            draft = self.buffer.text
            self.question = question = Question(
                asked,
                self.paint.marks(clean(asked.text)),
                loop.create_future(),
                draft,
                came=loop.time() if asked.again else 0.0,
                writing=bool(draft) and not asked.again,
            )
            self.put(asked.default)
            self.flush()  # what it is about and the question come in one write
            try:
                return await question.answer
            finally:
                if self.question is question:  # no one answered: it was taken away
                    self._close(question)

    def _take_typed(self) -> None:
        """What was typed before a question stands belongs to the prompt."""
        if self.app.is_running and not self.app._running_in_terminal:
            pressed = self.app.input.read_keys()
            if pressed:
                self.app.key_processor.feed_multiple(pressed)
                self.app.key_processor.process_keys()

    def _drawn(self) -> None:
        if self.question is not None and not self.question.came:
            self.question.came = asyncio.get_running_loop().time()

    def pressing(self) -> None:
        """A key comes: who has not paused since a question came up is still writing."""
        now = asyncio.get_running_loop().time()
        asked = self.question
        if asked is not None:
            recent = now - max(self.pressed, asked.came) < PAUSE
            asked.writing = not asked.came or (asked.writing and recent)
        self.pressed = now

    def answer(self, text: str | None) -> None:
        """The answer to the question that stands. What is typed from now on is the draft again;
        where the question is left, what was typed at it joins the draft."""
        question = self.question
        if question is not None:
            typed, asked = self.buffer.text, question.asked
            if text is None and asked.keeps and not asked.secret and typed != asked.default:
                question.draft = "\n".join(part for part in (question.draft, typed) if part)
            self._close(question)
            if not question.answer.done():
                question.answer.set_result(text)

    def _close(self, question: Question) -> None:
        self.question = None
        self.put(question.draft)

    def put(self, text: str) -> None:
        """Text into the prompt, for the user to change."""
        self.buffer.cancel_completion()
        self.buffer.set_document(Document(text, len(text)), bypass_readonly=True)
        self.app.invalidate()

    async def run(self, started: Callable[[], None]) -> None:
        """Until `app.exit()`. `started`: called once the prompt stands."""
        self._loop = asyncio.get_running_loop()

        def first(app: Any) -> None:
            self.app.after_render -= first
            started()

        self.app.after_render += first
        try:
            await self.app.run_async(handle_sigint=False)
        finally:
            self._loop = None
            self.flush()


def _one_line(words: str) -> str:
    return " ".join(clean(words).split())
