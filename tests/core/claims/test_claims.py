"""Every invented number is marked, and what is true is not: over answers of many forms."""

from core.claims.check import checked
from core.claims.record import Record
from tests.core.claims.answers import generated

ANSWERS = 200
#: Share of true claims that may be marked.
FALSE_ALARMS = 0.02


def test_inventions_are_marked_and_truths_are_not() -> None:
    missed: list[tuple[int, str]] = []
    alarms: list[tuple[int, str]] = []
    truths = inventions = 0
    for seed in range(ANSWERS):
        case = generated(seed)
        found = checked(case.answer, Record(case.record), [text for _, text in case.record])
        marked = [claim.text for claim, source in found if source is None]
        invented = case.inventions
        missed += [(seed, text) for text in set(invented) - set(marked)]
        alarms += [(seed, text) for text in set(marked) - set(invented)]
        truths, inventions = truths + case.truths, inventions + len(invented)
    assert inventions > 300
    assert truths > 2_000
    assert not missed
    assert len(alarms) < FALSE_ALARMS * truths, alarms
