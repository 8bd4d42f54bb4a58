"""Makes the README's picture of the chat: `uv run python -m docs.make_picture`.

The demo runs in a pseudo-terminal, up to its question; what is on the screen is written to
docs/chat.svg by rich.
"""

import io
import os
import re
import tempfile
from itertools import groupby
from pathlib import Path

from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

from tests.cli.program import program
from tests.cli.screens import Terminal, terminal

TARGET = Path(__file__).parent / "chat.svg"
COLUMNS, ROWS = 92, 46
#: What names this machine or this moment, and what is in its place.
STEADY = [(re.compile(r"/\S*/ml-agent-demo-\w+"), "~/beans")]


def drawn(chat: Terminal) -> list[Text]:
    """The screen's lines with their colours."""
    lines = []
    for row in range(ROWS):
        text = Text(no_wrap=True)
        for style, cells in groupby(chat.row(row), key=style_of):
            text.append("".join(cell.data for cell in cells), style)
        text.rstrip()
        for pattern, calm in STEADY:
            for match in reversed(list(pattern.finditer(text.plain))):
                text = Text.assemble(text[: match.start()], calm, text[match.end() :])
        lines.append(text)
    while not lines[-1].plain.strip():
        lines.pop()
    return lines


def style_of(cell: Char) -> Style:
    names = {"default": None, "brown": "yellow"}
    colour = names.get(cell.fg, cell.fg.replace("bright", "bright_"))
    if colour and re.fullmatch(r"[0-9a-f]{6}", colour):
        colour = f"#{colour}"
    return Style(color=colour, bold=cell.bold, italic=cell.italics, underline=cell.underscore)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        with (
            program(Path(folder), []) as run,
            terminal(run, "demo", columns=COLUMNS, rows=ROWS) as chat,
        ):
            chat.expect("Run it\\? \\[y\\]es")
            lines = drawn(chat)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(line)
    TARGET.write_text(console.export_svg(title="ml-agent", unique_id="chat"))
    print(f"{TARGET.name}: {len(lines)} lines")


if __name__ == "__main__":
    main()
