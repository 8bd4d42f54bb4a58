"""The chat in a full terminal: a prompt that always stands, lines that scroll away above it."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cli.chat.remote_decisions import EVERY, DecidedElsewhere
from cli.chat.state import Chat, Choice, Frontend
from cli.chat.terminal.actions import Actions
from cli.chat.terminal.background import Background
from cli.chat.terminal.completion import ChatCompleter
from cli.chat.terminal.keys import bindings
from cli.chat.terminal.output import Shown
from cli.chat.terminal.pickers import Picker
from cli.chat.terminal.queue import Queue
from cli.chat.terminal.screen import Screen
from cli.chat.terminal.status import Status
from cli.chat.terminal.streams import Above, history
from cli.chat.threads import load_in_background, proposed_rule
from cli.shared.answers import Asked, Dialog, Edit
from cli.shared.approval_prompt import FULL, decisions_of, edited_arguments
from cli.shared.mcp_prompt import answers_of

if TYPE_CHECKING:
    from tools.extension import Question


class Terminal(Frontend):
    """`cli.chat.state.Frontend` on prompt_toolkit. `open` makes its parts."""

    screen: Screen
    lines: Any = None

    def __init__(self) -> None:
        self._app: asyncio.Task[None] | None = None
        self._tick: asyncio.Task[None] | None = None

    async def open(self, chat: Chat) -> None:
        self._completer = ChatCompleter(chat, lambda: self.screen.question is not None)
        self.screen = Screen(history(chat.settings.state_path()), self._completer)
        self._shown = self.lines = chat.lines = Shown(self.screen)
        self._queue = Queue(chat, self._shown)
        self._shown.joined = self._queue.joined
        self._actions = Actions(self.screen, self._shown, self._queue)
        self._background = Background(chat, self._shown)
        self._status = Status(chat, self.screen)
        self.screen.app.key_bindings = bindings(self._actions)
        self.screen.live = self._live
        self.screen.status = self._status.line
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._actions.stopped)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._actions.left)
        self._streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = Above(self.screen, sys.stdout.encoding)
        standing = asyncio.Event()
        self._app = asyncio.create_task(self.screen.run(standing.set))
        await standing.wait()
        load_in_background(chat)
        self._tick = asyncio.create_task(self._ticking(chat))

    async def close(self) -> None:
        if self._app is None:
            return
        if self._tick is not None:
            self._tick.cancel()
        self.screen.flush()
        self._status.restore()
        if self.screen.app.is_running:
            self.screen.app.exit()
        await self._app
        sys.stdout, sys.stderr = self._streams

    async def read(self) -> str:
        text = await self._actions.read()
        if text is None:
            raise EOFError
        return text

    async def ask(self, asked: Asked) -> str | None:
        return await self.screen.ask(asked)

    def has_input(self) -> bool:
        return not self._actions.inputs.empty()

    def put_back(self, text: str) -> None:
        if not self.screen.buffer.text:
            self.screen.put(text)

    async def pick(self, title: str, choices: Sequence[Choice]) -> str | None:
        screen = self.screen
        self._actions.picker = picker = Picker(
            choices, lambda: screen.buffer.text, screen.refresh, screen.paint
        )
        asked = Asked(f"{title}: ", picker.has, stays="no match", keeps=False)
        try:
            answer = await screen.ask(asked)
            return picker.chosen(answer) if answer is not None else None
        finally:
            self._actions.picker = None
            await picker.close()

    async def decide(
        self, chat: Chat, requests: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        self._status.waits("waits for your approval")
        await self._status.look()
        dialog = decisions_of(requests, self.lines, lambda r: proposed_rule(chat, r), FULL)
        asking = asyncio.ensure_future(self._converse(dialog))
        watching = asyncio.ensure_future(_elsewhere(chat, [r["id"] for r in requests]))
        try:
            await asyncio.wait({asking, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                asking.cancel()
                await asyncio.wait({asking})
                raise DecidedElsewhere
            watching.cancel()
            decisions: list[dict[str, Any]] | None = asking.result()
            return decisions
        finally:
            self.screen.refresh()

    async def answer(self, question: "Question") -> dict[str, Any] | None:
        self._status.waits("an MCP server has a question")
        given: dict[str, Any] | None = await self._converse(answers_of(question, self.lines))
        return given

    async def _converse(self, dialog: Dialog) -> Any:
        """What comes of the dialog."""
        answer: Any = None
        try:
            while True:
                wanted = dialog.send(answer)
                if isinstance(wanted, Edit):
                    async with self.screen.given_away():
                        answer = edited_arguments(wanted.arguments, self.lines)
                else:
                    answer = await self.screen.ask(wanted)
        except StopIteration as end:
            return end.value

    @contextlib.contextmanager
    def working(self, chat: Chat) -> Iterator[None]:
        self._shown.began()
        self._status.began()
        try:
            with self.stoppable(chat.session.interrupt):
                yield
        finally:
            self._shown.ended()
            self._status.ended()

    def stoppable(self, stop: Callable[[], None]) -> contextlib.AbstractContextManager[None]:
        return self._actions.stoppable(stop)

    def left_over(self) -> bool:
        return bool(self._queue)

    async def settled(self, chat: Chat) -> None:
        self._completer.forget()
        await self._queue.settled()
        await self._status.look()

    async def clear(self) -> None:
        self.screen.app.renderer.clear()

    async def hand_over(self, command: Sequence[str]) -> None:
        out, err = self._streams
        async with self.screen.given_away():
            await asyncio.to_thread(
                subprocess.run, command, check=False, stdin=sys.stdin, stdout=out, stderr=err
            )

    def _live(self) -> list[str]:
        if self._actions.picker is not None:
            return self._actions.picker.lines(self.screen.columns)
        return [*self._shown.live(), *self._queue.lines(self.screen.columns)]

    async def _ticking(self, chat: Chat) -> None:
        """What counts seconds is drawn again each second."""
        while True:
            await asyncio.sleep(1)
            await self._background.look()
            if self._shown.background:
                self.screen.refresh()
            if self._actions.is_running:
                if self._queue and chat.session is not None:
                    await self._queue.look()
                self.screen.refresh()


async def _elsewhere(chat: Chat, calls: list[str]) -> None:
    """Until another terminal has decided all of `calls`."""
    while calls:
        await asyncio.sleep(EVERY)
        if len(await chat.session.decided(calls)) == len(calls):
            return
    await asyncio.Event().wait()
