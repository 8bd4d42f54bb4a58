"""What rich draws for the chat: highlighted code and tables, as lines with escape sequences."""

import io
from collections.abc import Callable, Sequence
from typing import Any

from cli.terminal.text import Paint, cells

#: Columns below which a table that does not fit is told as records.
NARROW = 60
#: Lines of code before the new ones that the highlighter is given again, to know where it is.
BEFORE = 200


def _console(width: int, paint: Paint) -> Any:
    from rich.console import Console

    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        color_system="standard" if paint.on else None,
        no_color=not paint.on,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
    )


def code_lines(code: Sequence[str], new: int, language: str, paint: Paint) -> list[str]:
    """The last `new` lines of `code`, highlighted in the terminal's own colours."""
    if not paint.on or not language:
        return list(code[len(code) - new :])
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound
    from rich.syntax import Syntax

    try:
        get_lexer_by_name(language)
    except ClassNotFound:
        return list(code[len(code) - new :])
    given = code[max(0, len(code) - new - BEFORE) :]
    syntax = Syntax("", language, theme="ansi_dark", background_color="default")
    text = syntax.highlight("\n".join(given))
    text.rstrip()
    shown: list[Any] = list(text.split("\n", allow_blank=True))
    shown += [""] * (len(given) - len(shown))
    console = _console(10_000, paint)
    return [_ansi(console, line) for line in shown[len(given) - new : len(given)]]


def _ansi(console: Any, line: Any) -> str:
    if not line:
        return ""
    with console.capture() as captured:
        console.print(line, end="", soft_wrap=True)
    return str(captured.get())


def table_lines(
    rows: Sequence[Sequence[str]], right: Sequence[bool], width: int, paint: Paint
) -> list[str]:
    """A table; the first of `rows` (cells with escape sequences) is its head. `right`: columns that
    are aligned there. A record per row, if the table would break words or be narrow."""
    if not rows:
        return []
    if _is_too_wide(rows, width):
        return _records(rows, width, paint)
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE if paint.utf8 else box.ASCII2, pad_edge=False)
    sides = [*right, *(False for _ in rows[0])]
    for head, is_right in zip(rows[0], sides, strict=False):
        side: Any = "right" if is_right else "left"
        table.add_column(Text.from_ansi(head), overflow="fold", justify=side)
    for row in rows[1:]:
        cells = [Text.from_ansi(cell) for cell in row[: len(rows[0])]]
        table.add_row(*cells)
    console = _console(width, paint)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in str(captured.get()).split("\n")]
    return [line for line in lines if line]


def _is_too_wide(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether a word of the table would be broken, or it does not fit a narrow terminal."""
    shown = [[_plain(cell) for cell in row] for row in rows]
    columns = range(len(rows[0]))
    between = 3 * (len(rows[0]) - 1) + 2

    def needs(size: Callable[[str], int]) -> int:
        longest = (max((size(row[c]) for row in shown if c < len(row)), default=0) for c in columns)
        return sum(longest) + between

    if needs(cells) <= width:
        return False
    return width < NARROW or needs(_longest_word) > width


def _plain(cell: str) -> str:
    from rich.text import Text

    return Text.from_ansi(cell).plain


def _longest_word(text: str) -> int:
    return max(map(cells, text.split()), default=0)


def _records(rows: Sequence[Sequence[str]], width: int, paint: Paint) -> list[str]:
    """`head: cell` lines, a blank line between rows."""
    from rich.text import Text

    console = _console(width, paint)
    lines: list[str] = []
    for row in rows[1:]:
        lines += [""] if lines else []
        for head, cell in zip(rows[0], row, strict=False):
            told = Text.assemble((f"{_plain(head)}: ", "bold"), Text.from_ansi(cell))
            for part in told.wrap(console, width - 2):
                indent = "" if part.plain.startswith(_plain(head)) else "  "
                part.rstrip()
                lines.append(indent + _ansi(console, part))
    return lines
