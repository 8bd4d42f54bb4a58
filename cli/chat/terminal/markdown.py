"""Markdown as it streams: every line is written once, when nothing can change it any more.

What is not a finished line yet (the end of a paragraph, a table that still grows) is in `live`:
the chat shows it above its prompt, and only that part of the screen is drawn again.
"""

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from cli.chat.terminal.inline import Piece, settled, spans, wrapped
from cli.chat.terminal.rich_parts import code_lines, table_lines
from cli.terminal.cleaning import as_lines
from cli.terminal.text import Paint, clean, fitting

FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([\w+#.-]*)")
HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
ITEM = re.compile(r"^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$")
RULE = re.compile(r"^\s*([-*_])(?:\s*\1){2,}\s*$")
QUOTE = re.compile(r"^\s*>\s?(.*)$")
DIVIDER = re.compile(r"^[\s|:-]+$")
#: Before a line of code.
CODE = "  "
#: What a line may still become before its first characters are all there.
UNDECIDED = re.compile(r"^\s*(?:`{0,3}|~{0,3}|#{0,6}|[-*+_]|\d{1,3}[.)]?)\s*$")


class Markdown:
    """Feed it text, call `advance` as often as the screen is drawn, and `end` at the end.

    Args:
        write: takes finished lines. width: the terminal's columns, asked at each line.
    """

    def __init__(
        self, write: Callable[[str], None], width: Callable[[], int], paint: Paint
    ) -> None:
        self._write = write
        self._columns = width
        self._paint = paint
        self._text = ""
        self._line_width = 0
        self._written = 0
        self._fence = ""
        self._language = ""
        self._code: list[str] = []
        self._new_code = 0
        self._table: list[str] = []
        self._blank = True
        #: What is not finished, in lines.
        self.live: list[str] = []

    def feed(self, text: str) -> None:
        self._text += text

    def advance(self) -> None:
        """Write what has become final."""
        # Of a line end only the first half may be here.
        half = "\r" if self._text.endswith("\r") else ""
        *lines, rest = as_lines(self._text.removesuffix("\r")).split("\n")
        # Of an escape sequence only the start may be here.
        hold = rest.rfind("\x1b")
        self._text = rest + half
        for line in lines:
            self._finish(clean(line))
        self._flush_code()
        self._grow(clean(rest if hold < 0 else rest[:hold]))

    def end(self) -> None:
        """No more text comes: write the rest, and be as new."""
        self.advance()
        if self._text:
            self._finish(clean(self._text))
        self._flush_code()
        self._flush_table()
        self.__init__(self._write, self._columns, self._paint)  # type: ignore[misc]

    # --- lines --------------------------------------------------------------------------------

    def _finish(self, line: str) -> None:
        """A whole line of the source."""
        fence = FENCE.match(line)
        if self._fence:
            if fence and line.strip().startswith(self._fence) and not fence[2]:
                self._flush_code()
                self._fence, self._code = "", []
            else:
                self._code.append(line)
                self._new_code += 1
        elif line.lstrip().startswith("|"):
            self._table.append(line)
        else:
            self._flush_table()
            if fence and not self._written:
                self._fence, self._language = fence[1], fence[2]
                if fence[2]:
                    self._put(CODE + self._paint(fence[2], "2"))
            elif not line.strip():
                if not self._blank:
                    self._put("")
            elif RULE.match(line) and not self._written:
                self._put(self._paint("─" * min(40, self._columns() - 1), "2"))
            else:
                for row in self._rows(line, len(line))[self._written :]:
                    self._put(row)
        self._written = self._line_width = 0

    def _grow(self, line: str) -> None:
        """The last line of the source, which is not whole yet."""
        if not line:
            self.live = self._waiting_table()
        elif self._fence:
            self.live = [fitting(CODE + line, self._columns() - 1)]
        elif line.lstrip().startswith("|"):
            self.live = [*self._waiting_table(), fitting(line, self._columns() - 1)]
        elif UNDECIDED.match(line) or FENCE.match(line):
            self.live = [*self._waiting_table(), line]
        else:
            self._flush_table()
            for row in self._rows(line, settled(line))[self._written : -1]:
                self._put(row)
                self._written += 1
            self.live = self._rows(line, len(line))[self._written :]

    def _waiting_table(self) -> list[str]:
        return [fitting(line, self._columns() - 1) for line in self._table[-3:]]

    def _rows(self, line: str, upto: int) -> list[str]:
        """The first `upto` characters of a paragraph, heading, item or quote, in the terminal's
        lines. A line keeps the width that it began with."""
        self._line_width = self._line_width or max(10, self._columns() - 1)
        first = rest = code = ""
        start = 0
        if match := HEADING.match(line):
            code, start = "1;4" if len(match[1]) == 1 else "1", match.start(2)
            first = "" if self._paint.on else match[1] + " "
        elif match := ITEM.match(line):
            mark = match[2] if match[2][0].isdigit() else "-"
            first, start = f"{match[1][:12]}{mark} ", match.start(3)
            rest = " " * len(first)
        elif match := QUOTE.match(line):
            first = rest = "│ "
            code, start = "2", match.start(1)
        shown = wrapped(spans(line[start:upto], code), self._line_width - len(first))
        return [(rest if n else first) + self._styled(row) for n, row in enumerate(shown)]

    def _styled(self, row: Sequence[Piece]) -> str:
        runs = groupby(row, key=lambda piece: piece[1])
        joined = (("".join(text for text, _ in run), code) for code, run in runs)
        return "".join(self._paint(text, code) for text, code in joined).rstrip(" ")

    # --- blocks -------------------------------------------------------------------------------

    def _flush_code(self) -> None:
        if self._new_code:
            for line in code_lines(self._code, self._new_code, self._language, self._paint):
                self._put(f"{CODE}{line}" if line else "")
            self._new_code = 0

    def _flush_table(self) -> None:
        if not self._table:
            return
        rows = [_cells(line) for line in self._table if not DIVIDER.match(line)]
        marks = next((_cells(line) for line in self._table if DIVIDER.match(line)), [])
        right = [mark.endswith(":") and not mark.startswith(":") for mark in marks]
        self._table = []
        styled = [[self._styled(spans(cell)) for cell in row] for row in rows]
        for line in table_lines(styled, right, self._columns() - 1, self._paint):
            self._put(line)

    def _put(self, line: str) -> None:
        self._blank = not line
        self._write(self._paint.marks(line))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]
