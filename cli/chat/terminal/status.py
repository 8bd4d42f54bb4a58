"""The status line, the window's title, and how the chat says that it waits for the user."""

import asyncio
import time
from typing import Any

from cli.chat.first_run import in_use
from cli.chat.state import Chat
from cli.chat.terminal.screen import Screen
from cli.shared.render import money
from cli.terminal.text import clean, fitting

#: Seconds of a turn after which its end is worth a notice.
LONG = 10.0


class Status:
    """What is known of the session, asked for between turns only."""

    def __init__(self, chat: Chat, screen: Screen) -> None:
        self._chat = chat
        self._screen = screen
        self._used: float | None = None
        self._counting: asyncio.Task[None] | None = None
        self._cost: Any = None
        self._running = 0
        self._began = time.monotonic()
        self._before: list[str] | None = None
        self._title("")

    def line(self, width: int) -> str:
        """Model, mode, share of the context, cost, commands that run: as many as fit."""
        session = self._chat.session
        if session is None:
            if self._before is None:  # it may read the token's file
                self._before = in_use(self._chat)
            return fitting(" · ".join([*self._before, "? help", "@file", "!command"]), width)
        model = session.thread.model
        parts = [model, session.thread.mode]
        if self._used is not None:
            parts.append(f"{self._used:.0f} % context")
        if self._cost is not None:
            unknown = self._cost.unknown
            amount = None if unknown and not self._cost.amount else self._cost.amount
            parts.append(money(amount) + ("+" if unknown and amount else ""))
        if session.thread.status == "waiting":
            parts.append("waits")
        if self._running:
            parts.append(f"{self._running} running")
        if len(" · ".join(parts)) >= width:
            parts[0] = model.rpartition("/")[2]
        return fitting(" · ".join(parts), width - 1)

    async def look(self) -> None:
        """Ask the session again, and say what has ended."""
        self._stop_counting()
        session = self._chat.session
        if session is None:
            self._used, self._cost, self._running, self._before = None, None, 0, None
            self._title("")
            return
        self._title(session.thread.title)
        try:
            self._cost = (await session.cost())["thread"]
            self._running = len(await session.commands())
        except Exception:  # a figure that is unavailable is left out; the chat continues
            self._cost = None
        if session.thread.title:
            # The first count loads the tokenizer, a second or more: what is typed does not wait.
            self._counting = asyncio.ensure_future(self._count(session))
        self._screen.refresh()

    async def _count(self, session: Any) -> None:
        try:
            use = await session.context_use()
            self._used = 100 * use.total / use.window
        except Exception:  # as above
            self._used = None
        self._screen.refresh()

    def _stop_counting(self) -> None:
        if self._counting is not None:
            self._counting.cancel()

    def began(self) -> None:
        self._began = time.monotonic()

    def ended(self) -> None:
        """A long turn is over."""
        if time.monotonic() - self._began >= LONG:
            self.waits("is done")

    def waits(self, words: str) -> None:
        """The user is needed: bell, and a notice where the terminal knows one."""
        how = self._chat.settings.alert
        if how == "off":
            return
        title = self._chat.session.thread.title if self._chat.session else ""
        said = f"{title[:40]}: {words}" if title else words
        self._screen.alert(said if how == "all" else "")

    def _title(self, words: str) -> None:
        said = clean(words)[:60].strip() or self._chat.folder.name
        self._screen.set_title(f"ml-agent: {said}")

    def restore(self) -> None:
        self._stop_counting()
        self._screen.set_title("")
