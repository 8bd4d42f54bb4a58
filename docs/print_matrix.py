"""Writes docs/guide/model-routes.md from the tables that tests/core/models/matrix tests.

    uv run python -m docs.print_matrix

tests/core/models/matrix/test_page.py holds the page to what this prints.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.core.models.matrix.differs import differs
from tests.core.models.matrix.quirks import QUIRKS
from tests.core.models.matrix.routes import DIRECT, LITELLM, Over
from tests.core.models.matrix.rows import ROWS, Row

PAGE = Path(__file__).parent / "guide" / "model-routes.md"
HEAD = """# What every route does with what servers send

Made by `python -m docs.print_matrix` from the tables that the tests run: each row is sent over each
route, and what comes of it is compared. Every route is in a column:

{columns}

✓: as the second column says. –: this format cannot say it. Anything else is what comes instead.

`gemini/` goes through LiteLLM to Gemini's own API, as Google advises. Google's OpenAI endpoint is
not used: it leaves thinking out of the answer's tokens, and users report tool loops that end with
`MALFORMED_FUNCTION_CALL`. To use it all the same, set `OPENAI_BASE_URL` to it and the model to
`openai/gemini-...`. Thought signatures go back on both ways.
"""

#: Routes with the same cells in every row.
Column = list[Over]


def cell(row: Row, over: Over) -> str:
    if over.format not in row.formats:
        return "–"
    told = differs(row, over)
    return told.words if told else "✓"


def columns() -> list[tuple[str, Column]]:
    """(heading, routes that do the same in every row)."""
    rows = (*ROWS, *QUIRKS)
    made: list[Column] = []
    for kind in (DIRECT, LITELLM):
        alike: dict[tuple[str, ...], Column] = {}
        for over in kind:
            alike.setdefault(tuple(cell(row, over) for row in rows), []).append(over)
        made += alike.values()
    return [(_heading(column), column) for column in made]


def _heading(column: Column) -> str:
    first = column[0]
    if len(column) == 1:
        return f"`{first.name}`"
    way = "direct" if first in DIRECT else "through LiteLLM"
    return f"OpenAI's format, {way}" if first.format.name == "openai" else f"`{first.name}`, {way}"


def page() -> str:
    head = HEAD.format(columns="\n".join(_legend()))
    return "\n".join([head, *_tables()])


def _legend() -> Iterator[str]:
    for heading, column in columns():
        if len(column) > 1:
            yield f"- {heading}: {', '.join(f'`{over.name}`' for over in column)}"
    single = [heading for heading, column in columns() if len(column) == 1]
    yield f"- the others: {', '.join(single)}"


def _tables() -> Iterator[str]:
    for group, found in groupby((*ROWS, *QUIRKS), lambda row: row.group):
        rows = list(found)
        # A column whose format can say none of it says nothing.
        shown = [c for c in columns() if any(cell(row, c[1][0]) != "–" for row in rows)]
        yield f"## {group}\n"
        yield _line(["a server sends", "ML Agent", *(heading for heading, _ in shown)])
        yield _line(["---"] * (len(shown) + 2))
        for row in rows:
            yield _line([row.name, row.does, *(cell(row, column[0]) for _, column in shown)])
        yield ""


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
