"""The chat in a terminal that can do nothing but lines: input() and print."""

import asyncio
import contextlib
import importlib
import os
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cli.chat.remote_decisions import Watch
from cli.chat.state import Chat, Choice, Frontend
from cli.chat.threads import load_in_background, proposed_rule
from cli.shared.answers import Asked, one_of
from cli.shared.approval_prompt import PLAIN, decisions_of
from cli.shared.bootstrap import complain
from cli.shared.mcp_prompt import answers_of
from cli.shared.plain_dialog import converse
from cli.shared.render import EventPrinter
from cli.terminal.writer import ask, ask_hidden, to_stdout

if TYPE_CHECKING:
    from tools.extension import Question

T = TypeVar("T")

INTERRUPTED = 130


class PlainLines(EventPrinter):
    """Lines on stdout; complaints on stderr."""

    def complain(self, message: str, hint: str = "") -> None:
        complain(message, hint)


class Plain(Frontend):
    """`cli.chat.state.Frontend`, a line at a time."""

    def __init__(self) -> None:
        self.lines = PlainLines(sys.stdout, to_stdout)
        #: What was typed before a question, or did not answer it.
        self._typed: deque[str] = deque()
        #: Ctrl-C came before what runs had begun: it stops as soon as it begins.
        self._stop_next = False
        #: Stops what runs.
        self._stop: Callable[[], None] | None = None
        self._is_asking = False

    async def open(self, chat: Chat) -> None:
        load_in_background(chat)
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")  # history and editing for input()
        self.catch_ctrl_c()

    async def close(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _at_terminal(self, ask: Callable[[], T]) -> T:
        """Ask in this thread, with Ctrl-C as Python has it. In another thread a user could not
        get out of a question; during one, nothing runs that the event loop would serve."""
        try:
            self._is_asking = True
            return ask()
        finally:
            self._is_asking = False

    def catch_ctrl_c(self) -> None:
        """One handler for questions and turns. With the event loop's, which would have to be
        replaced around each question, one that came at that moment could be lost."""
        loop = asyncio.get_running_loop()

        def interrupted(*_: object) -> None:
            if self._is_asking:
                raise KeyboardInterrupt
            loop.call_soon_threadsafe(self._stopped)

        signal.signal(signal.SIGINT, interrupted)

    def _stopped(self) -> None:
        """Ctrl-C. While nothing runs yet, what waits goes back into the prompt."""
        if self._stop is not None:
            self._stop()
        elif self._typed:
            self.put_back("\\\n".join(self._typed))
            self._typed.clear()
        elif self._stop_next:
            os._exit(INTERRUPTED)
        else:
            self._stop_next = True

    def put_back(self, text: str) -> None:
        with contextlib.suppress(ImportError):
            import readline

            def insert() -> None:
                readline.insert_text(text)
                readline.set_startup_hook()

            readline.set_startup_hook(insert)

    async def read(self) -> str:
        warned = self._stop_next = False
        if self._typed:
            text = self._typed.popleft()
            self.lines.line(f"> {text}")
            return text
        while True:
            try:
                return self._at_terminal(_read)
            except KeyboardInterrupt:
                if warned:
                    raise EOFError from None
                warned = True
                self.lines.line("press Ctrl-C again, or Ctrl-D, to leave", "2")

    async def ask(self, asked: Asked) -> str | None:
        read = ask_hidden if asked.secret else ask
        if not asked.again:
            self._typed.extend(typed_lines())
        try:
            answer = self._at_terminal(lambda: read(asked.text)).strip()
        except (EOFError, KeyboardInterrupt):
            to_stdout("\n")
            return None
        if asked.accepts is None or asked.accepts(answer):
            return answer
        self._keep(answer)
        return None

    def _keep(self, text: str) -> None:
        self.lines.line("kept as your next message", "2")
        self._typed.append(text)

    def has_input(self) -> bool:
        self._typed.extend(typed_lines())
        return bool(self._typed)

    async def pick(self, title: str, choices: Sequence[Choice]) -> str | None:
        for choice in reversed(choices):
            self.lines.line(f"{choice.key:>3}  {choice.label}")
        keys = [choice.key for choice in choices]
        answer = await self.ask(Asked(f"{title} (Enter: none): ", one_of(keys)))
        return answer or None

    async def decide(
        self, chat: Chat, requests: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        calls = [request["id"] for request in requests]
        with Watch(chat.settings, chat.session.thread.id, calls):
            self._typed.extend(typed_lines())
            dialog = decisions_of(requests, self.lines, lambda r: proposed_rule(chat, r), PLAIN)
            decided: list[dict[str, Any]] | None = self._at_terminal(
                lambda: converse(dialog, self.lines, self._keep)
            )
            return decided

    async def answer(self, question: "Question") -> dict[str, Any] | None:
        self._typed.extend(typed_lines())
        dialog = answers_of(question, self.lines)
        given: dict[str, Any] | None = self._at_terminal(
            lambda: converse(dialog, self.lines, self._keep)
        )
        return given

    def working(self, chat: Chat) -> contextlib.AbstractContextManager[None]:
        return self.stoppable(chat.session.interrupt)

    @contextlib.contextmanager
    def stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        before, self._stop = self._stop, stop
        if self._stop_next:
            asyncio.get_running_loop().call_soon(stop)
        self._stop_next = False
        try:
            yield
        finally:
            self._stop = before

    async def hand_over(self, command: Sequence[str]) -> None:
        subprocess.run(command, check=False)  # noqa: ASYNC221 (nothing else runs meanwhile)


def typed_lines() -> list[str]:
    """Lines that were typed before a question stood: they do not answer it."""
    found = b""
    while sys.stdin.isatty() and select.select([0], [], [], 0)[0]:
        piece = os.read(0, 1 << 16)
        if not piece:
            break
        found += piece
    return [line for line in found.decode("utf-8", "replace").split("\n") if line.strip()]


def _read() -> str:
    lines = [ask("> ")]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(ask(". "))
    return "\n".join(lines)
