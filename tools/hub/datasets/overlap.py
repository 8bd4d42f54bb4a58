"""`hf_dataset overlap`: how much of an evaluation set is in a training set.

False positives: 13 words in a row also coincide in quotations, licences, code headers, common
formulas and the instructions of a template. n-grams that many evaluation rows share are therefore
left out and counted apart; the rest has to be looked at, which is why examples are shown. False
negatives: rows that were not read, paraphrases, translations, and texts shorter than 13 words,
which only count where a whole cell is the same.
"""

import asyncio
import time
from dataclasses import dataclass

from core.errors import ToolError
from tools.hub.datasets.ngrams import COPIED, SHORTEST, WORDS, Match, Overlap
from tools.hub.datasets.pages import Page, Place, pages, place
from tools.hub.datasets.viewer import Viewer

EXAMPLES = 8
#: Seconds between two lines of progress.
PROGRESS = 5.0


@dataclass(frozen=True)
class Read:
    """How much of a split was read.

    Attributes:
        partial: the viewer has no more than `total` itself. trouble: why reading ended early.
    """

    rows: int
    total: int
    partial: bool
    trouble: str = ""

    @property
    def whole(self) -> bool:
        return self.rows >= self.total and not self.partial

    def __str__(self) -> str:
        if self.whole:
            return f"all {self.total:,} rows"
        more = " that the viewer has, not all there are," if self.partial else ""
        return f"{self.rows:,} of {self.total:,} rows{more}"


async def overlap(
    viewer: Viewer,
    train: tuple[str, str, str],
    evaluation: tuple[str, str, str],
    max_rows: int,
    timeout: float,
) -> str:
    """The result's text, the verdict first.

    Args:
        train, evaluation: (dataset, config, split); config and split may be empty.
        max_rows: of each set, spread evenly. timeout: seconds for reading both.
    """
    theirs = await place(viewer, *evaluation, prefer=("test", "validation", "eval"))
    ours = await place(viewer, *train)
    if theirs == ours:
        raise ToolError(f"both are {ours}: name another dataset, config or split to compare with")
    begun = time.monotonic()
    found = Overlap()
    # The evaluation set is the smaller one: it gets at most half of the time.
    there = await _read(viewer, theirs, max_rows, begun + timeout / 2, found, adding=True)
    here = await _read(viewer, ours, max_rows, begun + timeout, found, adding=False)
    matches, by_template = await asyncio.to_thread(found.matches)
    copied = sum(match.share >= COPIED for match in matches)
    judged = found.judged
    share = len(matches) / judged if judged else 0.0
    verdict = (
        f"{len(matches)} of {judged} evaluation rows ({share:.1%}) share {WORDS} words in a row "
        f"(or a whole shorter text) with a training row; {copied} of them are copied nearly whole "
        f"({COPIED:.0%} of their n-grams or more)."
    )
    if not judged:
        verdict = f"No evaluation row has a text of {SHORTEST} words: nothing could be compared."
    whole = here.whole and there.whole
    lines = [
        verdict,
        f"Read: {here} of the training set {ours}, {there} of the evaluation set {theirs}"
        f"{'' if whole else '; pages spread evenly'}.",
    ]
    lines += [f"Reading ended early: {read.trouble}" for read in (there, here) if read.trouble]
    if any(not r.trouble and r.rows < min(r.total, max_rows) for r in (here, there)):
        lines.append(f"Reading ended after {timeout:g} s; raise timeout to read all of max_rows.")
    if not here.whole:
        lines.append("What was not read was not compared: the true share may be higher.")
    lines.append(
        "False positives: quotations, boilerplate and common formulas also share 13 words; look at "
        f"the examples before dropping rows. Left out as templates: n-grams that "
        f"{found.template_rows} or more evaluation rows share ({by_template} rows overlap by "
        "those alone)."
    )
    if len(found.cells) > judged:
        lines.append(f"{len(found.cells) - judged} evaluation rows are too short to judge.")
    if matches:
        lines += ["", "Examples (evaluation row, training row, share of its n-grams, words)"]
        lines += [_example(match) for match in matches[:EXAMPLES]]
        if len(matches) > EXAMPLES:
            numbers = ", ".join(str(match.row) for match in matches[EXAMPLES:][:100])
            lines.append(f"Further evaluation rows: {numbers}")
    return "\n".join(lines)


async def _read(
    viewer: Viewer, where: Place, wanted: int, deadline: float, found: Overlap, adding: bool
) -> Read:
    """Rows of one set into `found`."""
    seen: set[int] = set()
    total, partial, told = 0, False, time.monotonic()
    trouble = ""
    try:
        async for page in pages(viewer, where, wanted, deadline):
            # n-grams are work for the processor: the event loop continues meanwhile.
            await asyncio.to_thread(_take, page, found, adding, seen)
            total, partial = page.total, page.partial
            now = time.monotonic()
            if now - told >= PROGRESS or len(seen) >= min(wanted, total):
                told = now
                viewer.hub.log(f"{len(seen):,} of {min(wanted, total):,} rows of {where} read")
    except ToolError as error:
        # A limit that is reached half-way leaves what was read.
        if not seen:
            raise
        trouble = str(error)
    return Read(len(seen), total, partial, trouble)


def _take(page: Page, found: Overlap, adding: bool, seen: set[int]) -> None:
    for row in page.rows:
        number = int(row["row_idx"])
        if number not in seen:
            seen.add(number)
            (found.add if adding else found.look)(number, row["row"])


def _example(match: Match) -> str:
    return f'  {match.row}  {match.train_row}  {match.share:.0%}  "{match.words}"'
