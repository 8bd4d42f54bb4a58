"""Which texts of one set are in another: n-grams of words, as contamination studies use them.

Brown et al. 2020 (GPT-3, appendix C) took 13 words after lower-casing and dropping punctuation; so
is it here. Each cell's n-grams are its own: none crosses from one column to the next.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Words in a row that count as an overlap; a shorter cell counts as a whole, from SHORTEST on.
WORDS, SHORTEST = 13, 5
#: An n-gram of so many evaluation rows (and of this share of them) is a template, no leak.
TEMPLATE_ROWS, TEMPLATE_SHARE = 5, 0.02
#: Words of an n-gram that must lie outside of templates.
OWN = 7
#: A row with this share of its n-grams in the training set was copied as a whole.
COPIED = 0.8

#: Chinese and Japanese have no spaces: a character is a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")
#: Keys whose values are not text of the data.
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


def cells(row: Mapping[str, Any]) -> Iterator[tuple[list[int], tuple[str, ...]]]:
    """(hashes of a cell's n-grams in order, its words); a short cell is one n-gram, itself."""
    # A column may be called like a mark: only keys inside a cell are marks.
    for value in row.values():
        for text in texts(value):
            said = tuple(words(text))
            if SHORTEST <= len(said) < WORDS:
                yield [hash(("whole", said))], said
            elif len(said) >= WORDS:
                yield [hash(said[i : i + WORDS]) for i in range(len(said) - WORDS + 1)], said


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
    """Evaluation rows first (`add`), training rows after (`look`), then `matches`.

    Attributes:
        cells: by evaluation row, its cells' n-grams in order.
        rows: in how many evaluation rows each n-gram stands.
        found: n-grams that training has too: the first row there, and the words.
    """

    cells: dict[int, list[list[int]]] = field(default_factory=dict)
    rows: Counter[int] = field(default_factory=Counter)
    found: dict[int, tuple[int, str]] = field(default_factory=dict)

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        self.cells[number] = [grams for grams, _ in cells(row)]
        self.rows.update({gram for grams in self.cells[number] for gram in grams})

    def look(self, number: int, row: Mapping[str, Any]) -> None:
        for grams, said in cells(row):
            for i, gram in enumerate(grams):
                if gram in self.rows and gram not in self.found:
                    self.found[gram] = (number, " ".join(said[i : i + WORDS]))

    @property
    def judged(self) -> int:
        """Evaluation rows that are long enough to be looked for."""
        return sum(bool(held) for held in self.cells.values())

    @property
    def template_rows(self) -> int:
        """From how many rows on a shared n-gram is a template."""
        return max(TEMPLATE_ROWS, int(TEMPLATE_SHARE * len(self.cells)))

    def matches(self) -> tuple[list[Match], int]:
        """(the overlapping rows, most copied first; how many rows overlap by templates alone)."""
        made, by_template = [], 0
        for number, held in self.cells.items():
            own = [gram for grams in held for gram in self._own(grams)]
            hits = [gram for gram in own if gram in self.found]
            if hits:
                train_row, said = self.found[hits[0]]
                made.append(Match(number, len(hits) / len(own), train_row, said))
            else:
                by_template += any(gram in self.found for grams in held for gram in grams)
        made.sort(key=lambda match: (-match.share, match.row))
        return made, by_template

    def _own(self, grams: list[int]) -> list[int]:
        """The n-grams of a cell that are mostly its own words.

        One word behind a template makes an n-gram that few rows share: it is the template's still.
        """
        shared = [self.rows[gram] >= self.template_rows for gram in grams]
        if not any(shared):
            return grams
        covered = [False] * (len(grams) + WORDS - 1)
        for i in (i for i, is_template in enumerate(shared) if is_template):
            covered[i : i + WORDS] = [True] * WORDS
        return [gram for i, gram in enumerate(grams) if sum(covered[i : i + WORDS]) <= WORDS - OWN]
