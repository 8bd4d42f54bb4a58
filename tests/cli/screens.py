"""The chat on a real terminal's screen: a pseudo-terminal whose output pyte draws."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pexpect
import pyte

from tests.cli.program import Program
from tests.cli.program_terminal import in_terminal

#: Seconds in which something that must come has to come.
PATIENCE = 30


class Terminal:
    """A terminal of `columns` by `rows` with the chat in it.

    Attributes: raw: everything the program wrote.
    """

    def __init__(self, child: pexpect.spawn, columns: int, rows: int) -> None:
        self.child = child
        self.raw = ""
        self._screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self._stream = pyte.Stream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What has scrolled away, and what stands, without blanks at the ends."""
        return [*map(self._line, self._screen.history.top), *self.visible]

    @property
    def visible(self) -> list[str]:
        return [self._line(self._screen.buffer[number]) for number in range(self._screen.lines)]

    def _line(self, row: Mapping[int, pyte.screens.Char]) -> str:
        """A row's text. pyte's `display` asks for the width of each cell: four fifths of the time
        of a test. The second cell of a wide character has no text."""
        cells = [" "] * self._screen.columns
        for place, char in row.items():
            if place < len(cells):
                cells[place] = char.data
        return "".join(cells).rstrip()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def title(self) -> str:
        return self._screen.title

    def row(self, number: int) -> list[pyte.screens.Char]:
        """The characters of a line that stands, with their colours."""
        return [self._screen.buffer[number][at] for at in range(self._screen.columns)]

    def style(self, word: str) -> pyte.screens.Char:
        """The first character of `word` as it is on the screen, with its colour."""
        for number, line in enumerate(self._screen.display):
            at = line.find(word)
            if at >= 0:
                return self._screen.buffer[number][at]
        raise AssertionError(f"{word!r} does not stand on the screen:\n{self.text}")

    def type(self, text: str) -> None:
        self.child.send(text)

    def enter(self, text: str = "") -> None:
        self.child.send(text + "\r")

    def resize(self, columns: int) -> None:
        """The terminal gets another width, and the program is told."""
        self._screen.resize(self._screen.lines, columns)
        self.child.setwinsize(self._screen.lines, columns)

    def read(self, seconds: float = 0.05) -> bool:
        """Take what the program wrote; False once it has ended."""
        try:
            data = self.child.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        # pyte does not know the string sequences for notices, and would show them.
        self._stream.feed(re.sub(r"\x1b\](?:9|777);.*?\x1b\\", "", data))
        return True

    def until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        alive = True
        while not holds():
            assert alive, f"it ended before {what}:\n{self.text}"
            assert time.monotonic() < end, f"{what} did not come:\n{self.text}"
            alive = self.read()

    def expect(self, pattern: str, count: int = 1) -> None:
        """Wait until `pattern` is on the screen or above it, `count` times."""
        self.until(lambda: len(re.findall(pattern, self.text, re.MULTILINE)) >= count, pattern)

    def gone(self, pattern: str) -> None:
        """Wait until `pattern` is on the screen no more."""
        self.until(lambda: not re.search(pattern, "\n".join(self.visible)), f"no {pattern}")

    def prompt(self, text: str = "") -> None:
        """Wait until the prompt stands with `text` in it, and no turn runs."""
        wanted = f"> {text}".rstrip()
        self.until(lambda: wanted in self.visible, f"the prompt with {text!r}")

    def ends(self) -> None:
        end = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < end, f"it did not end:\n{self.text}"


@contextmanager
def terminal(
    run: Program, *arguments: str, columns: int = 80, rows: int = 40, **environment: str
) -> Iterator[Terminal]:
    """The chat of `run` in a terminal."""
    given = {
        **run.environment,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "EDITOR": "true",
        **environment,
    }
    for name in ("NO_COLOR", "COLORTERM"):
        if name not in environment:
            given.pop(name, None)
    model = () if "--model" in arguments or "-m" in arguments else ("-m", "openai/stand-in")
    child = in_terminal(
        [*model, *arguments],
        run.work,
        given,
        codec_errors="replace",
        timeout=PATIENCE,
        dimensions=(rows, columns),
    )
    child.delaybeforesend = None
    child.ptyproc.delayafterclose = 0.05
    try:
        yield Terminal(child, columns, rows)
    finally:
        child.close(force=True)


def without_escapes(text: str) -> str:
    """`text` as plain characters."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)", "", text)
