"""Every invented number is marked, and what is true is not: over answers of many forms."""

import pytest

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


LONG = 20_000


@pytest.mark.parametrize("piece", ["1", "1,", "9.", " ", "a/", "`a/", "1-", "a1", "_", "1e9", "²"])
def test_a_long_run_of_anything_is_read(piece: str) -> None:
    text = piece * LONG
    assert checked(f"It is 0.937. {text}", Record([("call", "0.9371")]))[0][1] == "call"
    (found,) = checked("It is 0.937.", Record([("call", "0.9371"), ("other", text)]))
    assert found[1] == "call"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("eval_accuracy: 0.91284", "91.3 %, 0.913, .9128, 91,3 %"),
        ("train_runtime 5425.12", "1 h 30 min 25 s, 5,425 s, about 1.5 hours"),
        ("267832560 bytes", "255 MiB, 267.8 MB"),
        ("lr 1.5e-05", "1.5e-5, 1.5 × 10⁻⁵"),
        ("| a | 0.912 |\n| b | 0.887 |", "a beats b by 2.5 points (0.912, 0.887)."),
        ("imdb: 25,000 rows", "25k, https://huggingface.co/datasets/imdb"),
    ],
)
def test_formats_are_equal(record: str, said: str) -> None:
    found = checked(said, Record([("call", record)]))
    assert found
    assert [claim.shown for claim, source in found if source is None] == []
