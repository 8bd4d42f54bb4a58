"""Markdown in sections: what a page's anchor or a paper's heading names."""

import re

#: Characters of a heading that count.
TITLE = 300


def headings(lines: list[str]) -> list[tuple[int, int, str]]:
    """(line, level, title) of each heading; a # in a code block is none."""
    found, code = [], False
    for at, line in enumerate(lines):
        code ^= line.lstrip().startswith("```")
        heading = re.match(r"(#{1,6})\s+(.*)", line)
        if heading and not code:
            # Of a stranger's text: a title of megabytes takes minutes to compare.
            found.append((at, len(heading[1]), heading[2][:TITLE].strip()))
    return found


def section(text: str, wanted: str) -> str | None:
    """From the heading that is named to the next one as high; None if there is none.

    Args:
        wanted: a title, an anchor (`#lora-config`, `trl.SFTTrainer`), a number (`3.2`), or words
            of a title that are in one alone or in the first.
    """
    lines = text.splitlines()
    every = headings(lines)
    for fits in (_same, _numbered, _contains):
        for at, level, title in every:
            if fits(title, wanted):
                after = (other for other, high, _ in every if other > at and high <= level)
                return "\n".join(lines[at : next(after, len(lines))]).strip()
    return None


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", re.sub(r"\[\[.*?\]\]", "", text).lower())


def _same(title: str, wanted: str) -> bool:
    # The Hub's documentation has anchors as [[anchor]] in a heading.
    return f"[[{wanted}]]" in title or (bool(_plain(wanted)) and _plain(title) == _plain(wanted))


def _numbered(title: str, wanted: str) -> bool:
    number = re.match(r"[\dA-Z]+(\.\d+)*(?=[\s.:)]|$)", title)
    return number is not None and number[0] == wanted.strip().rstrip(".")


def _contains(title: str, wanted: str) -> bool:
    word = _plain(wanted.rsplit(".", 1)[-1] if "." in wanted else wanted)
    return len(word) > 2 and word in _plain(title)
