"""Markdown within a line: bold, italic, code and links, as styled pieces; and their wrapping."""

import re
from collections.abc import Sequence

from cli.terminal.text import cells, pieces

#: A piece of text and its SGR code.
Piece = tuple[str, str]

SPAN = re.compile(
    r"(?P<ticks>`+)(?P<code>(?:(?!(?P=ticks)).)+?)(?P=ticks)(?!`)"
    r"|\*\*(?P<bold>[^\s*](?:.*?[^\s])?)\*\*"
    r"|(?<![\w*])\*(?P<star>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])"
    r"|~~(?P<struck>[^\s~](?:[^~]*[^\s~])?)~~"
    r"|(?<!\w)_(?P<under>[^\s_](?:[^_]*[^\s_])?)_(?!\w)"
    r"|\[(?P<text>[^\]\[]+)\]\((?P<url>[^()\s]+)\)"
)
#: What may begin a span whose end has not come yet.
OPEN = re.compile(
    r"\*\*(?=[^\s*]|$)|~~(?=[^\s~]|$)|~$|(?<![\w*])\*(?=[^\s*]|$)|(?<!\w)_(?=[^\s_]|$)|`"
    r"|\[[^\]]*$|\[[^\]]*\](?:\([^)]*)?$"
)
#: Characters for which the end of a span is waited for, before it counts as plain text.
PATIENCE = 400


def spans(text: str, code: str = "") -> list[Piece]:
    """`text` in pieces; `code` is the style around it."""
    found: list[Piece] = []
    at = 0
    for match in SPAN.finditer(text):
        if match.start() > at:
            found.append((text[at : match.start()], code))
        at = match.end()
        if match["code"] is not None:
            found.append((match["code"], _joined(code, "36")))
        elif match["bold"] is not None:
            found += spans(match["bold"], _joined(code, "1"))
        elif match["struck"] is not None:
            found += spans(match["struck"], _joined(code, "9"))
        elif match["url"] is not None:
            found.append((match["text"], _joined(code, "4")))
            if match["url"] != match["text"]:
                found.append((f" ({match['url']})", _joined(code, "2")))
        else:
            found += spans(match["star"] or match["under"], _joined(code, "3"))
    if at < len(text):
        found.append((text[at:], code))
    return found


def settled(text: str) -> int:
    """How much of the start of `text`, a line that still grows, can no longer change its look."""
    at = 0
    for match in SPAN.finditer(text):
        at = match.end()
    # A span that ends at the very end may yet grow: ** could be *, a link's address follows.
    begun = OPEN.search(text, at)
    if begun is None or len(text) - begun.start() > PATIENCE:
        return len(text)
    return begun.start()


def _joined(code: str, more: str) -> str:
    return f"{code};{more}" if code else more


def wrapped(parts: Sequence[Piece], width: int) -> list[list[Piece]]:
    """The pieces in lines of at most `width` columns, broken at spaces. Adding text at the end
    never changes a line but the last."""
    rows: list[list[Piece]] = [[]]
    used = 0
    for word in _words(parts):
        size = sum(cells(text) for text, _ in word)
        if used + size <= width:
            rows[-1].extend(word)
            used += size
            continue
        if word[0][0].isspace():  # the space at which a line is broken is not shown
            rows.append([])
            used = 0
            continue
        if used and size <= width:
            rows.append([])
            used = 0
        for text, code in word:
            for part in pieces(text, width) if size > width else (text,):
                if used + cells(part) > width:
                    rows.append([])
                    used = 0
                rows[-1].append((part, code))
                used += cells(part)
    return rows


def _words(parts: Sequence[Piece]) -> list[list[Piece]]:
    """Runs of blanks and runs of others; a word may be made of several pieces."""
    words: list[list[Piece]] = []
    before = None
    for text, code in parts:
        for run in re.findall(r"\s+|\S+", text):
            blank = run.isspace()
            if before is not None and blank == before:
                words[-1].append((run, code))
            else:
                words.append([(run, code)])
            before = blank
    return words
