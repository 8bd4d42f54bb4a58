"""Text of a call as rows of a terminal, from which nothing disappears unsaid.

Each row begins with a mark of ours, so that nothing in a call can look like a line of ours. What is
left out is counted; so are equal lines, which could push the rest off the screen.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from cli.terminal.text import cells, pieces
from configs.visible import WARNING, Piece, needs_escapes, pieces_of

#: What a row begins with: a line; the rest of a line; what was left out; what else the call says; a
#: warning.
LINE, REST, FOLD, BESIDE, WARN = "│ ", "┊ ", "⋮ ", "+ ", "! "
#: Characters of a longer line that are shown, at its start and its end.
LONG, LONG_START, LONG_END = 3_000, 2_000, 800
#: Equal lines in a row that are counted instead.
SAME = 3


@dataclass(frozen=True)
class Row:
    """A row. kind: LINE or one of the others. line: that of the text which it shows."""

    kind: str
    pieces: Sequence[Piece]
    line: str = ""

    @property
    def text(self) -> str:
        return self.kind + "".join(piece for piece, _ in self.pieces)


@dataclass(frozen=True)
class Place:
    """Where rows are shown. width: columns of the terminal; None: the lines are not broken.
    most: rows at once. how: how to see what is left out."""

    width: int | None
    most: int
    how: str
    encoding: str = "utf-8"


def rows_of(text: str, place: Place) -> list[Row]:
    """`text` in rows that let nothing disappear, with a warning if it holds hidden characters."""
    escaped = needs_escapes(text, place.encoding)
    same = [(line, len(list(run))) for line, run in groupby(text.split("\n"))]
    head, tail = place.most - place.most // 3, place.most // 3
    if len(same) <= place.most:
        start, middle, end = _all(same, escaped, place), 0, []
    else:  # of a megabyte only what is shown is looked at
        start = _all(same[:head], escaped, place)
        end = _all(same[len(same) - tail :], escaped, place)
        middle = sum(count for _, count in same[head : len(same) - tail])
    left = middle + len(start) + len(end) - place.most
    if not middle and left <= 1:
        rows = start
    else:
        end = (end or start)[-tail:]
        rows = [*start[:head], *_fold(f"{left:,} more lines", place), *end]
    return rows + ours(WARN, WARNING, place) if escaped else rows


def _all(same: Sequence[tuple[str, int]], escaped: bool, place: Place) -> list[Row]:
    rows: list[Row] = []
    for line, count in same:
        shown = _line(line, escaped, place)
        if count <= SAME:
            rows += shown * count
        elif line:
            rows += [*shown, *ours(FOLD, f"{count - 1:,} more lines like it", place)]
        else:
            rows += ours(FOLD, f"{count:,} blank lines", place)
    return rows


def _line(line: str, escaped: bool, place: Place) -> list[Row]:
    if place.how and len(line) > LONG:
        left = len(line) - LONG_START - LONG_END
        fold = _fold(f"{left:,} more characters of this line", place)
        start = _broken(line[:LONG_START], escaped, place)
        return [*start, *fold, *_broken(line[-LONG_END:], escaped, place, REST)]
    return _broken(line, escaped, place)


def _fold(what: str, place: Place) -> list[Row]:
    return ours(FOLD, f"{what}{place.how}", place)


def ours(kind: str, text: str, place: Place) -> list[Row]:
    """Words of ours in rows of one kind."""
    if place.width is None:
        return [Row(kind, [(text, True)])]
    room = max(10, place.width - 6)
    # Words of a call may be spaces that count.
    parts = pieces(text, room) if kind == BESIDE else textwrap.wrap(text, room)
    return [Row(kind, [(part, True)]) for part in parts]


def _broken(line: str, escaped: bool, place: Place, kind: str = LINE) -> list[Row]:
    """A line in rows of the terminal's width. No character is lost where it is broken."""
    parts = pieces_of(line, escaped, place.encoding)
    if place.width is None:
        return [Row(kind, parts, line)]
    room = max(10, place.width - 6)
    rows: list[list[Piece]] = [[]]
    used = 0
    for text, marked in parts:
        for unit in [text] if marked else text:
            size = cells(unit)
            if used and used + size > room:
                rows.append([])
                used = 0
            row = rows[-1]
            if row and row[-1][1] == marked and not marked:
                row[-1] = (row[-1][0] + unit, False)
            else:
                row.append((unit, marked))
            used += size
    return [Row(kind if n == 0 else REST, row, line) for n, row in enumerate(rows)]


def painted(row: Row, paint: Callable[[str, str], str], code: str = "", mark: str = "31;7") -> str:
    """A row with its colours: `code` for what it says, `mark` for escapes."""
    if row.kind in (FOLD, BESIDE):
        return paint(f"  {row.text}", "33" if row.kind == FOLD else "")
    parts = [paint(text, mark if marked else code) for text, marked in row.pieces]
    return "  " + row.kind + "".join(parts)
