"""Text for a terminal: colour, width, and nothing that a program said can steer the terminal."""

import os
import unicodedata
from collections.abc import Iterator

from cli.terminal.cleaning import clean as cleaned

#: Marks where the terminal's encoding holds no others.
PLAIN_MARKS = {
    "●": "*",
    "└": "`-",
    "✗": "x",
    "…": "...",
    "│": "|",
    "·": "-",
    "→": "->",
    "─": "-",
    "┊": ":",
    "⋮": "#",
    "⇥": ">",
}


def clean(text: str) -> str:
    """`text` of a model, a tool or a file without what would steer the terminal, and with spaces in
    place of tabs: their width is known."""
    return cleaned(text).replace("\t", "    ")


def cells(text: str) -> int:
    """Columns that `text`, without escape sequences, takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(character) for character in text)


def _cells_of(character: str) -> int:
    if (
        character == "\u200d"
        or unicodedata.combining(character)
        or "\ufe00" <= character <= "\ufe0f"
    ):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fitting(text: str, width: int) -> str:
    """The start of `text` (no escape sequences) that fits, with an ellipsis where it was cut."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += _cells_of(character)
        if used > width - 1:
            break
        kept += character
    return kept + "…"


def pieces(word: str, width: int) -> Iterator[str]:
    """A word that is wider than a line, in parts that fit."""
    part, used = "", 0
    for character in word:
        size = _cells_of(character)
        if part and used + size > width:
            yield part
            part, used = "", 0
        part, used = part + character, used + size
    if part:
        yield part


class Paint:
    """Colour, unless NO_COLOR is set; marks, unless the encoding has none."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.on = not os.environ.get("NO_COLOR")
        self.encoding = encoding
        self.utf8 = "utf" in encoding.lower()

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and code and text else text

    def marks(self, text: str) -> str:
        if self.utf8 or text.isascii():
            return text
        for mark, plain in PLAIN_MARKS.items():
            text = text.replace(mark, plain)
        return text
