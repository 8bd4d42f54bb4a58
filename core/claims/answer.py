"""The claims of an answer: what in it has to have a source.

Left out is what describes no work: numbers of lists, headings, tables and citations, code,
names with digits (ResNet-50, fp16), years, settings that are proposed, and questions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.claims import places
from core.claims.labels import without_code, without_labels
from core.claims.numbers import (
    BYTES,
    DIGITS,
    GAPS,
    GROUPED,
    PLAIN,
    SCALES,
    SECONDS,
    durations,
    significant,
)

#: Digits of a number; more are encoded data.
MOST_DIGITS = 40
#: Characters before a number that say what it is.
BEFORE = 24
_TOKEN = re.compile(rf"(?:[\w.+/\-\u2212]|(?<=\d)[{GAPS}](?=\d))+")
_WRITTEN = {*SCALES, *SECONDS, *BYTES, *PLAIN, *(f"{u}s" for u in SECONDS if len(u) > 1)}
_UNITS = "|".join(sorted(_WRITTEN, key=len, reverse=True))
_NUMBER = rf"(?:{GROUPED}(?![\d,])|\d+,\d+|{DIGITS})(?:[eE][+-]?\d{{1,3}})?"
_ONE = rf"{_NUMBER}(?:{_UNITS})?"
_NUMERIC = re.compile(rf"[+-]?{_ONE}(?:[-/x,]+{_ONE})*(?:-[a-z]{{3,}})*")
_EACH = re.compile(rf"({_NUMBER})({_UNITS})?(?![a-z])")
_UNIT_BEHIND = re.compile(rf"[ \u00a0\u202f]?(%|percent\b|(?:{_UNITS})(?![\w-]))")
_PROPOSES = re.compile(
    r"\b(?:you (?:can|could|may|might|should|would)|could|would|let me know|if you|suggest|let's|"
    r"recommend|propose|consider|try|next steps?|for example|e\.g\.|for instance|such as)\b",
    re.I,
)
_MARKS = re.compile(
    r"\b(?:estimat\w+|from memory|general knowledge|not (?:measured|checked|verified)|unverified|"
    r"my (?:own )?calculation|assum\w+|guess\w*|without a source)\b",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\s*_)]+(?=[A-Z*`>\"'(]|$)|\n")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d+[.)])[ \t]")
_ROUGHLY = re.compile(
    r"(?:about|around|roughly|approximately|approx\.?|nearly|almost|over|under|(?:more|less|fewer) "
    r"than|at (?:least|most)|up to|below|above|within|some|circa|≈|~|>|<|≥|≤|>=|<=)"
    r"[ \u00a0*_`$]*$",
    re.I,
)


@dataclass(frozen=True)
class Claim:
    """kind: number, date, time, version, hash, url or path. text: as written. unit: right behind a
    number, "" for none. is_rough: said to be about that. is_marked: its sentence says that it is an
    estimate, or from memory. before: the characters before a number. start, line: where it is."""

    kind: str
    text: str
    start: int
    line: tuple[int, int] = (0, 0)
    unit: str = ""
    is_rough: bool = False
    is_marked: bool = False
    value: object = None
    before: str = ""

    @property
    def shown(self) -> str:
        space = "" if self.unit in ("", "%") else " "
        return f"{self.text}{space}{self.unit}"


@dataclass(frozen=True)
class Sentence:
    """Its end in the text, whether it asks, proposes, or says that what it has is no more
    than an estimate or memory."""

    end: int
    asks: bool
    proposes: bool
    marks: bool


def claims_of(answer: str) -> list[Claim]:
    """Every claim, in the order of the text; a number that comes twice is in it twice. answer:
    with its powers of ten as 3e-4."""
    text = without_labels(without_code(answer))
    found: list[Claim] = []
    for kind, find in (("url", places.urls), ("path", places.paths)):
        for words, start in list(find(text)):
            found.append(Claim(kind, words, start))
            text = places.blank(text, start, start + len(words))
    for kind, spans in (
        ("date", places.dates), ("time", places.times), ("version", places.versions),
        ("hash", places.hashes), ("duration", durations),
    ):  # fmt: skip
        each: list[tuple[object, int, int]] = list(spans(text))
        for value, start, end in each:
            # A date in a name: gpt-4o-2024-08-06.
            if text[start:end].strip() and text[start - 1 : start] not in ("-", "_"):
                found.append(Claim(kind, text[start:end], start, value=value))
                text = places.blank(text, start, end)
    found += numbers_of(text)
    sentences = list(_sentences(text, answer))
    kept: list[Claim] = []
    for claim in sorted(found, key=lambda each: each.start):
        within = next((each for each in sentences if claim.start < each.end), sentences[-1])
        if not _is_left_out(claim, within):
            kept.append(replace(claim, is_marked=within.marks))
    return kept


def numbers_of(text: str, least: int = 2) -> Iterator[Claim]:
    """The numbers of at least so many significant digits."""
    for token in _TOKEN.finditer(text):
        plain = token[0].replace("\u2212", "-")
        written = plain.strip("_").rstrip(".-/+")
        if not any(c.isdigit() for c in written) or not _NUMERIC.fullmatch(written):
            continue
        offset = token.start() + plain.find(written)
        for number in _EACH.finditer(written):
            start, end = offset + number.start(), offset + number.end()
            behind = None if number[2] else _UNIT_BEHIND.match(text, end)
            unit = number[2] or (behind[1] if behind else "")
            if not least <= significant(number[1]) <= MOST_DIGITS or re.match(
                r"-bits?\b", text[end:]
            ):
                continue
            is_rough = bool(_ROUGHLY.search(text[:start][-BEFORE:])) or text[end:][:1] == "+"
            unit = "%" if unit == "percent" else unit
            yield Claim(
                "number",
                number[1],
                start,
                _line(text, start),
                unit,
                is_rough,
                before=text[:start][-BEFORE:],
            )


def _line(text: str, at: int) -> tuple[int, int]:
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end


def _sentences(text: str, answer: str) -> Iterator[Sentence]:
    """`text`: the answer without labels. In the list below a heading of next steps, all propose."""
    start, under, in_list = 0, False, False
    for end in [*(m.end() for m in _SENTENCE.finditer(text)), len(text)]:
        words = text[start:end]
        is_item = bool(_ITEM.match(answer, _line(answer, start)[0]))
        proposes = bool(_PROPOSES.search(words))
        if re.match(r"\s*(?:#+|\*\*)", words) or words.rstrip().endswith(":"):
            under, in_list = proposes, False
        elif not words.strip():
            under = under and not in_list
        else:
            under, in_list = under and is_item, is_item
        asks = words.rstrip(" \n*_)").endswith("?")
        yield Sentence(end, asks, proposes or under, bool(_MARKS.search(words)))
        start = end


def _is_left_out(claim: Claim, within: Sentence) -> bool:
    """What a question or a proposal names is not a result. A measure in a proposal still is: a
    percentage, or a decimal of three digits."""
    if within.asks:
        return claim.kind in ("number", "path")
    if not within.proposes or claim.kind == "url":
        return False
    is_decimal = "." in claim.text and "e" not in claim.text and significant(claim.text) >= 3
    return not (claim.kind == "number" and (claim.unit == "%" or is_decimal))
