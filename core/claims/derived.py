"""Numbers that follow from others that the answer shows next to them.

Only where the words say so, or an invented number would often follow from something: a share with
%, a difference with a sign, a factor with ×, what is behind =, a total, a mean, a count of what is
listed.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import permutations

from core.claims.answer import Claim, numbers_of
from core.claims.numbers import readings, significant
from core.claims.record import around

#: Numbers of a line that one in it may follow from: the nearest.
NEAR = 4

_SIGNS = re.compile(
    r"(?:[+\u2212±Δ-]|\b(?:gain|improve\w*|differ\w*|delta|drop\w*|higher|lower|more|less|fewer|up|"
    r"down|by|increase\w*|decrease\w*|reduc\w*|sav\w+))(?: (?:of|by|is))?[ (*_`$:]*$",
    re.I,
)
_POINTS = re.compile(r"[\s%-]*(?:points?|pp|pts?)\b")
_TIMES = re.compile(r"\s?(?:[x×]|times\b|-?fold\b)")
_SUMS = re.compile(r"\b(?:total|sum|in all|altogether|together|overall)\b", re.I)
_MEANS = re.compile(r"\b(?:mean|average|avg)\b", re.I)
_COUNTED = re.compile(
    r"[ \u00a0*_`]*(?:\w+ ){0,2}(?:files?|rows?|lines?|matches|results?|entries|items?|hits?|"
    r"paths?|models?|datasets?|papers?|issues?|tests?|folders?|directories|columns?|records?|"
    r"names?|keys?|runs?)\b",
    re.I,
)
_ITEM = re.compile(r"^[ \t]*(?:[-*+•]|\d+[.)])[ \t]", re.M)
_ROW = re.compile(r"^[ \t]*\|(?![ \t:|-]+$).*\|[ \t]*$", re.M)


class Derived:
    """text: the answer. has_source: asked of the numbers that another may follow from. recent: the
    results of this turn, whose lines may be counted."""

    def __init__(
        self, text: str, has_source: Callable[[Claim], bool], recent: Iterable[str]
    ) -> None:
        self._text, self._has_source = text, has_source
        self._lines: dict[tuple[int, int], list[Claim]] = {}
        self._counts = {_lines_of(result) for result in recent}
        parts = [text, *re.split(r"\n\s*\n", text)]
        self._listed = {len(_ITEM.findall(part)) for part in parts}
        self._listed |= {len(_ROW.findall(part)) - 1 for part in parts}

    def __call__(self, claim: Claim) -> bool:
        if self._is_count(claim):
            return True
        low, high = around(readings(claim.text)[0])
        return any(low <= abs(value) <= high for value in self._results(claim))

    def _is_count(self, claim: Claim) -> bool:
        if not claim.text.isdigit() or claim.unit:
            return False
        behind = self._text[claim.start + len(claim.text) :][:40]
        is_counted = int(claim.text) in self._counts and bool(_COUNTED.match(behind))
        return is_counted or int(claim.text) in self._listed

    def _near(self, claim: Claim) -> list[float]:
        """The nearest numbers of its line that have a source; those of one digit need none."""
        start, end = claim.line
        if claim.line not in self._lines:
            self._lines[claim.line] = list(numbers_of(self._text[start:end], least=0))
        others = [
            (abs(other.start + start - claim.start), other)
            for other in self._lines[claim.line]
            if other.start + start != claim.start
        ]
        kept = [
            readings(other.text)[0].number
            for _, other in sorted(others, key=lambda each: each[0])
            if significant(other.text) < 2 or self._has_source(other)
        ]
        return kept[:NEAR]

    def _results(self, claim: Claim) -> Iterable[float]:
        near = self._near(claim)
        if len(near) < 2:
            return
        behind = self._text[claim.start + len(claim.text) :][:24]
        line = self._text[slice(*claim.line)]
        is_result = claim.before.rstrip(" *_`$≈~").endswith("=")
        is_difference = is_result or bool(_SIGNS.search(claim.before) or _POINTS.match(behind))
        is_factor = is_result or bool(_TIMES.match(behind))
        for one, other in permutations(near, 2):
            if claim.unit == "%" and other:
                yield from (100 * one / other, 100 * (one - other) / other)
            if is_difference:
                yield from (one - other, 100 * (one - other))
            if is_factor and other:
                yield one / other
            if is_result:
                yield from (one * other, one + other)
        yield from _sums(line, near)


def _sums(line: str, near: Sequence[float]) -> Iterable[float]:
    if _SUMS.search(line):
        yield sum(near)
    if _MEANS.search(line):
        yield sum(near) / len(near)


def _lines_of(result: str) -> int:
    """The lines of a result, without notes in brackets."""
    return sum(1 for line in result.splitlines() if line.strip() and not line.startswith("["))
