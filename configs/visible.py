"""What a user approves or picks from a list, so that what is seen is what runs.

Whatever a terminal hides, reorders or draws as a blank is shown as an escape (`\\x1b`), by its
Unicode category: no list of bad characters is kept. Text with escapes shows a backslash as `\\\\`,
and is marked, so that the shown text determines the original.
"""

import functools
import json
import re
import unicodedata
from typing import Any

#: A part of a text, and whether it is an escape.
Piece = tuple[str, bool]

WARNING = "contains characters that a terminal hides: shown as \\x1b, a backslash as \\\\"
MARKED = " (with hidden characters)"
#: How a tab is shown: its width says nothing about what it is.
TAB = "\u21e5   "
#: Spaces in a row that are counted instead: they push what follows off the screen.
MANY_SPACES = re.compile(r" {40,}")
#: Marks on one letter; more than any script needs cover their neighbours.
MOST_MARKS = 3
#: Characters without ink whose category says otherwise: the rest of Unicode's
#: Default_Ignorable_Code_Point (fillers, joiners, variation selectors), and the blank of Braille.
_NO_INK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)


@functools.lru_cache(4096)
def is_hidden(character: str) -> bool:
    """Whether a terminal shows nothing of it, a blank, or something else on each machine: control,
    format, surrogate, private, unassigned, and every separator but the space."""
    if character in " \t\n":
        return False
    category = unicodedata.category(character)
    return category[0] in "CZ" or character == TAB[0] or bool(_NO_INK.match(character))


def hidden_places(text: str, encoding: str = "utf-8") -> set[int]:
    """Where `text` holds what must be shown as an escape on a stream of `encoding`."""
    distinct = set(text)
    bad = {c for c in distinct if is_hidden(c) or not _fits(c, encoding)}
    found = {at for at, c in enumerate(text) if c in bad} if bad else set()
    if text.isascii():
        return found
    if any(unicodedata.category(c) in ("Mn", "Me") for c in distinct):
        found |= _loose_marks(text)
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in distinct):
        found |= _reordered(text)
    return found


def _fits(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _loose_marks(text: str) -> set[int]:
    """Marks that are on no letter, or are too many on one."""
    found, on_letter, count = set(), False, 0
    for at, character in enumerate(text):
        category = unicodedata.category(character)
        if category in ("Mn", "Me"):
            count += 1
            if not on_letter or count > MOST_MARKS:
                found.add(at)
        else:
            on_letter, count = category[0] == "L" or category == "Mc", 0
    return found


def _reordered(text: str) -> set[int]:
    """The right-to-left letters of each line in which they would move something else: a number
    after them, or signs between them. Words of such letters alone read as they are written."""
    found: set[int] = set()
    start = 0
    for line in text.split("\n"):
        moves = between = within = False
        letters = []
        for at, character in enumerate(line, start):
            kind = unicodedata.bidirectional(character)
            if kind in ("R", "AL"):
                letters.append(at)
                moves, within, between = moves or between, True, False
            elif kind == "AN":
                letters.append(at)
                moves = moves or within
            elif kind == "L":
                within = between = False
            elif within and kind == "EN":
                moves = True
            elif within and kind != "NSM" and character != " ":
                between = True
        if moves:
            found.update(letters)
        start += len(line) + 1
    return found


def escape(character: str) -> str:
    """A character as an escape: \\r, \\n, \\x1b, \\u200b, \\U000e0041."""
    if character in "\r\n\t":
        return {"\r": "\\r", "\n": "\\n", "\t": "\\t"}[character]
    code = ord(character)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def needs_escapes(text: str, encoding: str = "utf-8") -> bool:
    """Whether some of `text` is shown as escapes."""
    return bool(MANY_SPACES.search(text)) or bool(hidden_places(text, encoding))


def pieces_of(
    line: str, escaped: bool, encoding: str = "utf-8", *, followed: bool = False
) -> list[Piece]:
    """A line in parts.

    Args:
        escaped: its text has escapes somewhere, so a backslash is doubled.
        followed: something else is behind it in the line.
    """
    # A number behind right-to-left letters would move.
    places = hidden_places(f"{line}0" if followed else line, encoding) if escaped else set()
    found: list[Piece] = []
    plain, at = "", 0
    while at < len(line):
        character, spaces = line[at], MANY_SPACES.match(line, at) if escaped else None
        if spaces or at in places or character == "\n" or (followed and character == "\t"):
            found += [(plain, False)] if plain else []
            said = f"\\{{{len(spaces[0])} spaces}}" if spaces else escape(character)
            found.append((said, True))
            plain, at = "", spaces.end() if spaces else at + 1
            continue
        shown = TAB if character == "\t" else "\\\\" if escaped and character == "\\" else character
        plain, at = plain + shown, at + 1
    return [*found, (plain, False)] if plain else found


def inline(text: object, encoding: str = "utf-8") -> str:
    """`text` in one line of a list: a title, a rule, a path."""
    text = str(text)
    shown = visible(text, encoding)
    return shown + MARKED if _is_escaped(text, encoding) else shown


def visible(text: object, encoding: str = "utf-8") -> str:
    """The same without the words that say so: for a path or a name within a sentence."""
    text = str(text)
    parts = pieces_of(text, _is_escaped(text, encoding), encoding, followed=True)
    return "".join(part for part, _ in parts)


def _is_escaped(text: str, encoding: str) -> bool:
    return (
        "\n" in text or "\t" in text or text.endswith(MARKED) or needs_escapes(f"{text}0", encoding)
    )


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """JSON to read and to change: hidden characters are escapes, which reading takes back."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    places = hidden_places(text)
    if not places:
        return text
    return "".join(_in_json(c) if at in places else c for at, c in enumerate(text))


def _in_json(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
