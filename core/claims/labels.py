"""Parts of an answer that describe no work: code, and numbers that only count or name a place."""

import re
from itertools import pairwise

from core.claims.places import blank

#: Languages of code blocks that hold what a program printed, not code.
PRINTED = re.compile(r"|text|txt|console|output|log|json|csv|tsv|md|markdown|diff|plain", re.I)

_FENCE = re.compile(
    r"^[ \t]*(```+|~~~+)[ \t]*([\w+-]*)[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.M | re.S
)
_NAMED = (
    "table|figure|fig.|section|sec.|chapter|appendix|equation|eq.|phase|option|part|note|issue|pr|"
    "item|question"
)
_LABELS = (
    # 12. or 12) before an item, 3.2 in a heading, Step 12:, Table 10, [12], 21st, #12
    re.compile(r"^[ \t>*_]*(?:[-+*][ \t]+)?\(?\d{1,3}(?:\.\d{1,3})*[.):](?=[ \t*])", re.M),
    re.compile(r"^[ \t]*#+[ \t]*\**\d+(?:\.\d+)*\b", re.M),
    re.compile(r"^[ \t>*_#]*(?:step|day|week|round)\s\d+[*_]*[:.)–—-]", re.M | re.I),
    re.compile(rf"\b(?:{_NAMED.replace('.', '[.]')})s? #?\d+(?:\.\d+)*\b", re.I),
    re.compile(
        r"@\d+|\b\d+ ?% (?:confidence|CI\b)|(?<![\w\])])\[\^?\d{1,3}\](?!\()|"
        r"\b\d+(?:st|nd|rd|th)\b|\b24/7\b|#\d+\b"
    ),
    # a year, where the words say that it is one
    re.compile(
        r"(?:(?<=\b[io]n )|(?<=\bsince )|(?<=\bof )|(?<=\bfrom )|(?<=al\., )|(?<=al\. )|(?<=© )|"
        r"(?<=\())(?:19|20)\d\d(?=[\s,.;:)?!]|$)",
        re.I,
    ),
)


def without_code(text: str) -> str:
    """Code blocks blanked; what a program printed stays."""
    for fence in list(_FENCE.finditer(text)):
        is_code = not PRINTED.fullmatch(fence[2])
        end = fence.end() if is_code else text.find("\n", fence.start())
        text = blank(text, fence.start(), end)
    return text


def without_labels(text: str) -> str:
    for pattern in _LABELS:
        for match in list(pattern.finditer(text)):
            text = blank(text, match.start(), match.end())
    # A table's first column that only counts its rows.
    lines = text.split("\n")
    rows = [
        (at, re.match(r"[ \t]*(?:\|[ \t]*)?(\d{1,4})[ \t]*(?=\|)", line))
        for at, line in enumerate(lines)
    ]
    counts = [(at, match) for at, match in rows if match]
    for (at, one), (then, other) in pairwise(counts):
        if then == at + 1 and int(other[1]) == int(one[1]) + 1:
            for row, match in ((at, one), (then, other)):
                lines[row] = " " * match.end() + lines[row][match.end() :]
    return "\n".join(lines)
