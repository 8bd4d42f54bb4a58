"""What rich draws for the chat: highlighted code and tables, as lines with escape sequences."""

import io
from collections.abc import Sequence
from typing import Any

from cli.terminal.text import Paint

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


def table_lines(rows: Sequence[Sequence[str]], width: int, paint: Paint) -> list[str]:
    """A table; the first of `rows` (cells with escape sequences) is its head."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE if paint.utf8 else box.ASCII2, pad_edge=False)
    for head in rows[0]:
        table.add_column(Text.from_ansi(head), overflow="fold")
    for row in rows[1:]:
        cells = [Text.from_ansi(cell) for cell in row[: len(rows[0])]]
        table.add_row(*cells)
    console = _console(width, paint)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in str(captured.get()).strip("\n").split("\n")]
