"""What the chat knows, and what it needs of a terminal: plain lines or the full one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cli.shared.answers import Asked
from cli.shared.options import Options
from cli.shared.render import Lines

if TYPE_CHECKING:
    from configs.settings import Settings
    from tools.extension import Question

T = TypeVar("T")

#: As an input: a message came too late for the turn that it was typed in, and opens one.
GO_ON = "\0"


@dataclass(frozen=True)
class Choice:
    """Something to pick. preview: more about it, asked for when it is looked at."""

    key: str
    label: str
    preview: Callable[[], Awaitable[str]] | None = None


class ChatLines(Lines, Protocol):
    """Where lines and events go."""

    def complain(self, message: str, hint: str = "") -> None: ...

    def show(self, event: Any) -> None: ...


class Frontend(Protocol):
    """A terminal, as the chat uses it."""

    lines: ChatLines

    async def open(self, chat: Chat) -> None:
        """Begin: the prompt stands when this returns, or soon after."""

    async def close(self) -> None:
        return

    async def read(self) -> str:
        """The next input. Raises EOFError when the user leaves."""

    async def ask(self, asked: Asked) -> str | None:
        """The answer; None if the user left the question. Anything else that is typed is the next
        input, and leaves the question, too."""

    def has_input(self) -> bool:
        """Whether something was typed that `read` has not given yet."""

    def put_back(self, text: str) -> None:
        """A message that could not be sent, into the prompt; a plain terminal still shows it."""
        return

    async def pick(self, title: str, choices: Sequence[Choice]) -> str | None:
        """The key of the chosen one; None for none."""

    async def decide(
        self, chat: Chat, requests: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        """Decisions in LangChain's shape; None where they are left open. Raises
        DecidedElsewhere."""

    async def answer(self, question: Question) -> dict[str, Any] | None:
        """What an MCP server asks in the middle of a call; None: declined."""

    def working(self, chat: Chat) -> AbstractContextManager[None]:
        """While a turn runs: how it is stopped, and what is typed meanwhile."""

    def stoppable(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """While a line that the user typed runs: what Ctrl-C does."""

    def left_over(self) -> bool:
        """Whether messages were queued that no step took."""
        return False

    async def settled(self, chat: Chat) -> None:
        """A turn has ended, or the session has changed: what is in the status line."""
        return

    async def clear(self) -> None:
        """An empty screen, where the terminal can."""
        return

    async def hand_over(self, command: Sequence[str]) -> None:
        """The terminal to another program, until it ends."""


class Chat:
    """One chat. session: a `graph.session.Session`; None between threads."""

    settings: Settings

    def __init__(self, options: Options, frontend: Frontend) -> None:
        self.options = options
        self.frontend = frontend
        self.lines = frontend.lines
        self.folder = options.folder
        self.session: Any = None
        self.leaving = False
        #: What the user ran with `!`: told to the model with the next message.
        self.ran: list[str] = []
        #: Whether the user was asked for a Hugging Face token for a tool: once is enough.
        self.token_asked = False
        #: Model, mode and effort that were chosen before there was a thread.
        self.chosen: dict[str, Any] = {}


async def while_stoppable(chat: Chat, work: Awaitable[T]) -> T | None:
    """What comes of `work`; None if the user stops it, also if that was before it began."""
    task, was_stopped = asyncio.ensure_future(work), asyncio.Event()

    def stop() -> None:
        was_stopped.set()
        task.cancel()

    with chat.frontend.stoppable(stop):
        await asyncio.wait({task})
    if was_stopped.is_set():
        with suppress(asyncio.CancelledError, Exception):
            task.result()
        chat.lines.line("stopped", "33")
        return None
    return task.result()
