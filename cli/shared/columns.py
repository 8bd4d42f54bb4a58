"""Rows in columns for the terminal: the last one is wrapped to its width, and not where a program
reads it."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

from cli.terminal.text import cells

#: Columns that the last one gets at least; in a narrower terminal it is on lines below.
NARROW = 30


def in_columns(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> Iterator[str]:
    """Lines of `rows`, below `head`. A last cell may hold several lines."""
    table = [head, *rows] if head and rows else list(rows)
    columns = range(len(table[0]) - 1) if table else range(0)
    sizes = [max(cells(row[at]) for row in table) for at in columns]
    before = sum(sizes) + 2 * len(sizes)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    is_narrow = width is not None and width - before < NARROW
    for row in table:
        start = "  ".join(
            cell + " " * (size - cells(cell)) for cell, size in zip(row, sizes, strict=False)
        )
        lines = list(_wrapped(row[-1], width, 4 if is_narrow else before))
        if is_narrow:
            yield start.rstrip()
            yield from (f"    {line}" for line in lines)
            continue
        for number, line in enumerate(lines or [""]):
            begin = f"{start}  " if number == 0 and sizes else " " * before
            yield f"{begin}{line}".rstrip()


def _wrapped(text: str, width: int | None, indent: int) -> Iterator[str]:
    for line in text.split("\n"):
        if width is None:
            yield line
        else:
            yield from textwrap.wrap(line, max(width - indent, 20), break_on_hyphens=False) or [""]
