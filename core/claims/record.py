"""What a thread's record says: every number, URL, path, date, time, version and hash in it.

Nothing is kept between turns. The newest part is read first, and older ones only for what it does
not have: a log of 1 MB full of numbers takes 0.8 s of processor time.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import cached_property

from core.claims import places
from core.claims.numbers import (
    BYTES,
    NUMBER,
    SCALES,
    SECONDS,
    SEPARATOR,
    Value,
    durations,
    read,
    singular,
    with_powers,
)

_LOOSE = re.compile(rf"(?<![\d.])(?:{NUMBER.pattern})(?:\s?(?P<unit>%|[A-Za-zµμ]+))?")
#: What has digits and is not a number: dates, times, versions, hashes, encoded data.
_OTHER = re.compile(
    r"(?<![\w.])(?:(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?:T\d\d:\d\d(?::\d\d)?)?|\d{1,3}:[0-5]\d(?::"
    r"[0-5]\d)?(?:[.,]\d+)?|v?\d+(?:\.\d+){2,}|"
    r"(?=[0-9A-Fa-f]*[A-Fa-f])(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{7,64}(?:-[0-9A-Fa-f]{4,12})*)(?![\w:])|"
    r"[A-Za-z0-9+/=_-]{80,}"
)
_ONES = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
WORDS = {
    **{word: 10.0 + i for i, word in enumerate(_ONES.split())},
    **{word: 20.0 + 10 * i for i, word in enumerate(_TENS.split())},
    "dozen": 12.0, "hundred": 100.0, "thousand": 1000.0, "million": 1e6,
}  # fmt: skip
_WORD = re.compile(r"\b(?:" + "|".join(WORDS) + r")\b", re.IGNORECASE)
#: Characters of a text in which numbers may be words: what a user writes, not a log.
WORDED = 5_000
#: Characters of a part that is read at once.
PART = 100_000
_FINDERS: dict[str, Callable[[str], Iterable[tuple[object, int, int]]]] = {
    "dates": places.dates,
    "times": places.times,
    "hashes": places.hashes,
}


class Numbers:
    """Numbers by their value, each with the newest source that has it."""

    def __init__(self) -> None:
        self._sources: dict[float, str] = {}

    def add(self, number: float, source: str) -> None:
        self._sources[abs(number)] = source

    @cached_property
    def _sorted(self) -> list[float]:
        return sorted(self._sources)

    def within(self, low: float, high: float) -> str | None:
        """The source of a number from `low` to `high`."""
        at = bisect_left(self._sorted, low)
        if at == len(self._sorted) or self._sorted[at] > high:
            return None
        return self._sources[self._sorted[at]]


class Record:
    """texts: (source, text) of everything that can be a source, the oldest first. Only what is
    asked for is read."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._texts = [(source, text) for source, text in texts if text]
        self._unread = list(self._texts)
        self._indexes: list[dict[str, Numbers]] = []
        self._folded: list[str] | None = None
        self._named: dict[str, dict[object, str]] = {}

    def holding(self, words: str) -> str | None:
        """The newest source whose text has `words`, as whole words."""
        folded = words.lower()
        if self._folded is None:
            self._folded = [text.lower() for _, text in self._texts]
        edges = re.compile(rf"(?<![\w.-]){re.escape(folded)}(?![\w-])")
        for (source, _), text in zip(reversed(self._texts), reversed(self._folded), strict=True):
            if folded in text and edges.search(text):
                return source
        return None

    def matching(self, expression: str) -> str | None:
        """The newest source whose text has a match."""
        pattern = re.compile(expression, re.IGNORECASE)
        sources = (source for source, text in reversed(self._texts) if pattern.search(text))
        return next(sources, None)

    def named(self, kind: str) -> dict[object, str]:
        """dates, times or hashes: what the record has, with its source."""
        if kind not in self._named:
            known: dict[object, str] = {}
            for source, text in self._texts:
                for found, _, _ in _FINDERS[kind](text):
                    known[found] = source
                    if kind == "dates":
                        known["-" + str(found).split("-", 1)[1]] = source  # without its year
            self._named[kind] = known
        return self._named[kind]

    def number(self, which: str, low: float, high: float) -> str | None:
        """The source of a number of a kind: plain, percent, seconds, bytes."""
        at = 0
        while at < len(self._indexes) or self._read_more():
            if source := self._indexes[at][which].within(low, high):
                return source
            at += 1
        return None

    def _read_more(self) -> bool:
        """Read the numbers of the newest part that is not read yet; False: all is."""
        part: list[tuple[str, str]] = []
        while self._unread and sum(len(text) for _, text in part) < PART:
            part.append(self._unread.pop())
        if not part:
            return False
        numbers = {which: Numbers() for which in ("plain", "percent", "seconds", "bytes")}
        for source, text in reversed(part):
            _read(numbers, source, with_powers(text))
        self._indexes.append(numbers)
        return True


def _read(numbers: dict[str, Numbers], source: str, text: str) -> None:
    """Add the numbers of a text."""
    plain, seconds = numbers["plain"], numbers["seconds"]
    for total, _, _ in durations(text):
        seconds.add(total.number, source)
    for match in set(_OTHER.findall(text)):
        _add_parts(numbers, source, match)
    found = {(m[1], m[2], m[3]) for m in _LOOSE.finditer(_OTHER.sub(" ", text))}
    for digits, power, unit in found:
        if not unit and not power and "," not in digits and digits.isascii():
            plain.add(float(digits.replace("_", "").replace("'", "")), source)
        else:
            _add_number(numbers, source, digits + (power or ""), unit or "")
    if len(text) < WORDED:
        for word in _WORD.findall(text):
            plain.add(WORDS[word.lower()], source)


def _add_parts(numbers: dict[str, Numbers], source: str, other: str) -> None:
    """A year is a number, and 2:31 may be a duration."""
    if match := re.match(r"((?:19|20)\d\d)[-/.]", other):
        numbers["plain"].add(float(match[1]), source)
    if re.fullmatch(r"\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d+)?", other):
        first, second, *rest = (float(part) for part in re.split("[:.,]", other)[:3])
        numbers["seconds"].add(first * 60 + second, source)
        numbers["seconds"].add((first * 60 + second) * 60 + (rest[0] if rest else 0), source)


def _add_number(numbers: dict[str, Numbers], source: str, written: str, unit: str) -> None:
    plain, value = numbers["plain"], read(written).number
    plain.add(value, source)
    if len(parts := SEPARATOR.split(written)) > 1:
        # A row of a CSV file looks like a number with separators.
        for part in parts:
            plain.add(read(part).number, source)
    if unit == "%":
        numbers["percent"].add(value, source)
    if unit in SCALES:
        plain.add(value * SCALES[unit], source)
    unit = singular(unit)
    if unit in SECONDS:
        numbers["seconds"].add(value * SECONDS[unit], source)
    for factor in BYTES.get(unit, ()):
        numbers["bytes"].add(value * factor, source)


def around(value: Value) -> tuple[float, float]:
    """What is written as `value`: rounded, or cut off behind its last digit."""
    edge = value.step * 1e-6
    cut = 1.0 if value.number >= 99.5 * value.step else 0.5
    return value.number - value.step * 0.5 - edge, value.number + value.step * cut - (
        edge if cut == 1.0 else -edge
    )
