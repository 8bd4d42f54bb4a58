"""The chat's output on a real terminal's screen, in this process: a pseudo-terminal that pyte
draws. For what is shown of events; the keys and the prompt are tested with the whole program."""

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pyte
from prompt_toolkit.completion import DummyCompleter
from prompt_toolkit.history import InMemoryHistory

from cli.chat.terminal.output import Shown
from cli.chat.terminal.screen import Screen
from core import events as ev


class Drawn:
    """What was written above the prompt, and what is live below it."""

    def __init__(self, columns: int, master: int) -> None:
        self.screen = Screen(InMemoryHistory(), DummyCompleter())
        self.shown = Shown(self.screen)
        self._master = master
        self._pyte = pyte.Screen(columns, 300)
        self._stream = pyte.Stream(self._pyte)

    def show(self, *events: ev.Event) -> None:
        for event in events:
            self.shown.show(event)

    @property
    def lines(self) -> list[str]:
        """The lines above the prompt, without blanks at the ends."""
        self.screen.flush()
        data = b""
        os.set_blocking(self._master, False)
        try:
            while piece := os.read(self._master, 1 << 16):
                data += piece
        except BlockingIOError:
            pass
        self._stream.feed(data.decode())
        return [line.rstrip() for line in self._pyte.display if line.strip()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def live(self) -> list[str]:
        """The lines that change, as the terminal would draw them."""
        screen = pyte.Screen(self._pyte.columns, 100)
        pyte.Stream(screen).feed("\r\n".join(self.shown.live()))
        return [line.rstrip() for line in screen.display if line.strip()]

    def style(self, word: str) -> pyte.screens.Char:
        """The first character of `word`, with its colour."""
        self.lines  # noqa: B018 (what was written is drawn)
        for number, line in enumerate(self._pyte.display):
            if word in line:
                return self._pyte.buffer[number][line.find(word)]
        raise AssertionError(f"{word!r} is not shown:\n{self.text}")


@contextmanager
def drawn(columns: int) -> Iterator[Drawn]:
    """A terminal of so many columns as stdout."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    stream, before = os.fdopen(slave, "w", encoding="utf-8"), sys.stdout
    sys.stdout = stream
    try:
        found = Drawn(columns, master)
    finally:
        sys.stdout = before
    try:
        yield found
    finally:
        stream.close()
        os.close(master)
