"""Makes the README's picture of the chat: `uv run python -m docs.make_picture`.

The real chat runs in a pseudo-terminal, with the demo's words as its model; what is on the
screen is written to docs/chat.svg by rich.
"""

import io
import os
import re
import shutil
import tempfile
from itertools import groupby
from pathlib import Path

from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

from cli.commands.demo import ALLOWED
from docs.record_demo import SHIPPED, answers
from tests.cli.program import program
from tests.cli.screens import Terminal, terminal
from tests.stand_ins.model_script import Asked, Call, Reply, Usage

TARGET = Path(__file__).parent / "chat.svg"
MODEL = "openai/gpt-5.1"
COLUMNS, ROWS = 92, 46
TASK = "Train a classifier on @beans.csv that tells the two kinds apart, in plain Python."
NUMBERS = {"loss": "0.2206", "accuracy": "0.955"}
#: What names this machine or this moment, and what is in its place.
STEADY = [(re.compile(r"/\S*/work"), "~/beans")]


def choose(asked: Asked) -> Reply:
    """The demo's answers, as a stand-in gives them."""
    said = answers(NUMBERS)
    text, calls = said[min(asked.step, len(said) - 1)]
    made = [Call(name, given) for call in calls for name, given in call.items()]
    size = 5200 + 900 * asked.step
    usage = Usage(input=size, cached=size - 900 if asked.step else 0, output=120)
    return Reply(text, calls=made, usage=usage)


def scene(chat: Terminal) -> None:
    """What happens before the picture is taken: it waits for a word on the real run."""
    chat.prompt()
    chat.enter(TASK)
    chat.expect("Run it\\? \\[y\\]es")


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
            program(Path(folder), choose) as run,
            terminal(run, "-m", MODEL, "--allow", ALLOWED, columns=COLUMNS, rows=ROWS) as chat,
        ):
            shutil.copy(SHIPPED / "beans.csv", run.work)
            scene(chat)
            lines = drawn(chat)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(line)
    TARGET.write_text(console.export_svg(title="ml-agent", unique_id="chat"))
    print(f"{TARGET.name}: {len(lines)} lines")


if __name__ == "__main__":
    main()
