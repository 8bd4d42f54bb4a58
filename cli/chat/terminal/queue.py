"""What is typed while a turn runs: on disk at once, shown until a step takes it, taken back with
Up."""

from cli.chat.shell import run_line
from cli.chat.slash_commands import find, is_command, run_command
from cli.chat.state import Chat
from cli.chat.terminal.output import Shown
from cli.chat.terminal.screen import Screen
from cli.chat.turns import message_of
from cli.terminal.text import clean, fitting
from graph.tasks import own_message


class Queue:
    """The messages that wait, oldest first."""

    def __init__(self, chat: Chat, shown: Shown) -> None:
        self._chat = chat
        self._shown = shown
        self._waiting: list[tuple[int, str]] = []
        #: Commands for when the turn has ended.
        self.deferred: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def meanwhile(self, text: str) -> None:
        """An input while a turn runs: a command that may run now, or a message."""
        chat = self._chat
        if text.strip().startswith("!"):
            self._shown.said(text)
            await run_line(chat, text.strip()[1:].strip())
        elif is_command(text):
            command, word = await find(chat, text)
            if command is None:
                return
            if command.text:
                await self._put(own_message(command.text, word))
            elif command.anytime:
                self._shown.said(text)
                await run_command(chat, command, word)
            else:
                chat.lines.line(f"/{command.name} runs when the turn ends; Esc stops it", "33")
                self.deferred.append(text)
        else:
            await self._put(text)

    async def _put(self, text: str) -> None:
        message = await message_of(self._chat, text)
        if message is None:
            return
        number = await self._chat.session.enqueue(message)
        self._waiting.append((number, text))
        self._shown.refresh()

    async def take_back(self, screen: Screen) -> None:
        """The newest one into the prompt."""
        if self._waiting:
            number, text = self._waiting.pop()
            await self._chat.session.withdraw(number)
            screen.put(text)

    async def give_back(self, screen: Screen) -> None:
        """All of them into the prompt: what they were to steer was stopped."""
        waiting, self._waiting = self._waiting, []
        for number, _ in waiting:
            await self._chat.session.withdraw(number)
        if waiting:
            texts = [text for _, text in waiting]
            screen.put("\n".join([*texts, screen.buffer.text]).strip("\n"))

    async def look(self) -> None:
        """Those that a step has taken join the conversation on the screen."""
        if self._waiting:
            taken = await self._chat.session.taken()
            self.joined(taken)

    def joined(self, number: int) -> None:
        """A step has taken this message and those before it."""
        for _, text in [pair for pair in self._waiting if pair[0] <= number]:
            self._shown.said(text)
        self._waiting = [pair for pair in self._waiting if pair[0] > number]

    async def settled(self) -> None:
        """The turn is over, or the thread was left."""
        if self._chat.session is None:
            self._waiting = []
        else:
            await self.look()

    def lines(self, width: int) -> list[str]:
        """What waits, for above the prompt."""
        paint = self._shown.paint
        found = []
        for number, (_, text) in enumerate(self._waiting):
            last = number == len(self._waiting) - 1 and width >= 60
            hint = "  (Up edits it)" if last else ""
            first = clean(text).split("\n")[0]
            found.append(paint(fitting(f"queued: {first}", width - 1 - len(hint)) + hint, "2"))
        return found
