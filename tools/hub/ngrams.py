"""Which texts of one set stand in another: n-grams of words, as contamination studies use them.

Brown et al. 2020 (GPT-3, appendix C) took 13 words after lower-casing and dropping punctuation; so
is it here. Each cell's n-grams are its own: none crosses from one column to the next.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Words in a row that count as an overlap; a shorter cell counts as a whole, from SHORTEST on.
WORDS, SHORTEST = 13, 5
#: An n-gram of so many evaluation rows (and of this share of them) is a template, no leak.
TEMPLATE_ROWS, TEMPLATE_SHARE = 5, 0.02
#: A row with this share of its n-grams in the training set was copied as a whole.
COPIED = 0.8

#: Chinese and Japanese have no spaces: a character is a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")
#: Keys whose values are no text of the data.
_MARKS = ("role", "from", "src", "type", "id")


def words(text: str) -> list[str]:
    """Lower-case words without punctuation, in one form of Unicode."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def texts(value: Any) -> Iterator[str]:
    """Every text in a row or cell: chats and lists are gone through."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if key not in _MARKS:
                yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def grams(row: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """A row's n-grams by hash; a short cell is one of its own."""
    found: dict[int, tuple[str, ...]] = {}
    # A column may be called like a mark: only keys inside a cell are marks.
    for value in row.values():
        for text in texts(value):
            cell = tuple(words(text))
            if SHORTEST <= len(cell) < WORDS:
                found[hash(("whole", cell))] = cell
            for i in range(len(cell) - WORDS + 1):
                gram = cell[i : i + WORDS]
                found[hash(gram)] = gram
    return found


@dataclass
class Match:
    """An evaluation row found in training: `share` of its n-grams, in the training row
    `train_row` for the first time, for instance `words`."""

    row: int
    share: float
    train_row: int
    words: str


@dataclass
class Overlap:
    """Evaluation rows first (`add`), training rows after (`look`), then `matches`."""

    #: Row numbers as the viewer counts them, by n-gram; how many n-grams each row has.
    rows: dict[int, list[int]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    #: n-grams that training has: the first row, and the words.
    found: dict[int, tuple[int, str]] = field(default_factory=dict)

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        held = grams(row)
        self.sizes[number] = len(held)
        for gram in held:
            self.rows.setdefault(gram, []).append(number)

    def look(self, number: int, row: Mapping[str, Any]) -> None:
        for gram, said in grams(row).items():
            if gram in self.rows and gram not in self.found:
                self.found[gram] = (number, " ".join(said))

    @property
    def judged(self) -> int:
        """Evaluation rows that are long enough to be looked for."""
        return sum(size > 0 for size in self.sizes.values())

    @property
    def template_rows(self) -> int:
        """From how many rows on a shared n-gram is a template."""
        return max(TEMPLATE_ROWS, int(TEMPLATE_SHARE * len(self.sizes)))

    def matches(self) -> tuple[list[Match], int]:
        """(the overlapping rows, most copied first; how many rows overlap by templates alone)."""
        hits: dict[int, list[int]] = {}
        only_template: set[int] = set()
        templates: dict[int, int] = {}
        for gram, held in self.rows.items():
            if len(held) >= self.template_rows:
                for number in held:
                    templates[number] = templates.get(number, 0) + 1
                if gram in self.found:
                    only_template.update(held)
            elif gram in self.found:
                for number in held:
                    hits.setdefault(number, []).append(gram)
        made = []
        for number, mine in hits.items():
            train_row, said = self.found[mine[0]]
            own = self.sizes[number] - templates.get(number, 0)
            made.append(Match(number, len(mine) / own, train_row, said))
        made.sort(key=lambda match: (-match.share, match.row))
        return made, len(only_template - hits.keys())
