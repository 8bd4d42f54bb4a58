"""hf_dataset overlap: planted contamination is found, boilerplate is not taken for it."""

import random
import re
from typing import Any

import pytest

from tests.stand_ins.viewer_server import Split
from tests.tools.bench import Bench
from tests.tools.hub.viewers import one, serving
from tools.hub.datasets.ngrams import WORDS, Overlap, texts, words
from tools.hub.datasets.pages import spread

VOCABULARY = [f"{a}{b}" for a in ("ba", "do", "ki", "lu", "me", "no", "ri", "su") for b in
              ("lan", "mor", "pet", "qua", "rin", "sol", "tav", "wex", "yor", "zin")]  # fmt: skip


def prose(seed: int, count: int = 40) -> str:
    """Random words: no two texts share 13 in a row."""
    return " ".join(random.Random(seed).choices(VOCABULARY, k=count))


def texted(seeds: range) -> list[dict[str, Any]]:
    return [{"text": prose(i)} for i in seeds]


async def compared(bench: Bench, train: Any, evaluation: Any, **more: Any) -> str:
    data = {"ann/train": one(train), "ann/eval": {"default": {"test": Split(evaluation)}}}
    with serving(bench, data):
        result = await bench.call(
            "hf_dataset", operation="overlap", dataset="ann/train", eval_dataset="ann/eval", **more
        )
    assert result.ok, result.text
    return result.text


async def test_planted_rows_are_found_in_other_clothes(bench: Bench) -> None:
    evaluation = texted(range(1000, 1020))
    train = texted(range(250))
    # Copied with other case, punctuation and spaces; half of one inside a longer text; in a chat.
    train[7] = {"text": evaluation[3]["text"].upper().replace(" ", ",  ") + "!"}
    half = " ".join(evaluation[5]["text"].split()[:20])
    train[140] = {"text": f"{prose(5000)} {half} {prose(5001)}"}
    text = await compared(bench, train, evaluation)
    assert text.splitlines()[0] == (
        "2 of 20 evaluation rows (10.0%) share 13 words in a row (or a whole shorter text) with a "
        "training row; 1 of them are copied nearly whole (80% of their n-grams or more)."
    )
    assert "Read: all 250 rows of the training set ann/train (default, train), all 20 rows" in text
    assert re.search(r'^  3  7  100%  "', text, re.M)
    assert re.search(r'^  5  140  29%  "', text, re.M)
    assert "may be higher" not in text
    assert any("250 of 250 rows of ann/train" in line for line in bench.logs())


async def test_other_layouts_are_compared_by_their_texts(bench: Bench) -> None:
    said = prose(1)
    train = [
        {"messages": [{"role": "user", "content": said}, {"role": "assistant", "content": "b"}]}
    ]
    evaluation = [{"question": f"Please: {said}", "choices": ["a", "b"]}]
    assert "1 of 1 evaluation rows (100.0%)" in await compared(bench, train, evaluation)


async def test_nothing_in_common(bench: Bench) -> None:
    text = await compared(bench, texted(range(30)), texted(range(100, 130)))
    assert text.startswith("0 of 30 evaluation rows (0.0%)")
    assert "Examples" not in text


async def test_boilerplate_is_left_out_and_said(bench: Bench) -> None:
    """A template's instruction in every row of both sets is not a leak."""
    template = (
        "Read the following passage with care and then answer the question that stands below it"
    )
    train = [{"text": f"{template} {prose(i)}"} for i in range(40)]
    evaluation = [{"text": f"{template} {prose(500 + i)}"} for i in range(40)]
    evaluation[9] = train[4]
    text = await compared(bench, train, evaluation)
    assert text.startswith("1 of 40 evaluation rows (2.5%)")
    assert "n-grams that 5 or more evaluation rows share (39 rows overlap by those alone)" in text
    assert re.search(r"^  9  4  100%", text, re.M)
    assert "False positives" in text


async def test_a_rare_quotation_counts_and_is_shown_to_be_judged(bench: Bench) -> None:
    """What no count can tell from a leak: the words are shown, and the share is small."""
    quotation = "we hold these truths to be self evident that all men are created equal and free"
    train = [*texted(range(20)), {"text": f"{prose(90)} {quotation}"}]
    evaluation = [*texted(range(100, 120)), {"text": f"{prose(91, 200)} {quotation} {prose(92)}"}]
    text = await compared(bench, train, evaluation)
    assert text.startswith("1 of 21 evaluation rows (4.8%)")
    assert "; 0 of them are copied nearly whole" in text
    assert "we hold these truths" in text


async def test_short_rows_count_as_a_whole_only(bench: Bench) -> None:
    evaluation = [
        {"q": "What is the capital of France?"},
        {"q": "What is the capital of Spain?"},
        {"q": "Why?"},
    ]
    text = await compared(bench, [{"q": "what is the capital of france"}], evaluation)
    assert text.startswith("1 of 2 evaluation rows (50.0%)")
    assert "1 evaluation rows are too short to judge." in text


async def test_nothing_to_compare(bench: Bench) -> None:
    text = await compared(bench, [{"n": 1}], [{"n": 1}])
    assert text.startswith("No evaluation row has a text of 5 words: nothing could be compared.")


async def test_a_sample_is_spread_and_stated(bench: Bench) -> None:
    evaluation = texted(range(5000, 5010))
    train = texted(range(1000))
    train[950] = evaluation[0]
    text = await compared(bench, train, evaluation, max_rows=300)
    assert "Read: 300 of 1,000 rows of the training set" in text
    assert "pages spread evenly" in text
    assert "What was not read was not compared: the true share may be higher." in text
    assert text.startswith("1 of 10")


async def test_the_time_cap_ends_reading(bench: Bench) -> None:
    data = {
        "ann/train": one(texted(range(1200))),
        "ann/eval": {"default": {"test": Split(texted(range(9000, 9010)))}},
    }
    with serving(bench, data) as (viewer, _):
        # One for the evaluation set, one for the first page of training: then the time is up.
        viewer.misbehave("/rows", "slow", 30)
        result = await bench.call(
            "hf_dataset", operation="overlap", dataset="ann/train", eval_dataset="ann/eval",
            timeout=1,
        )  # fmt: skip
    assert result.ok, result.text
    assert "Reading ended after 1 s" in result.text
    assert "Read: 100 of 1,200 rows of the training set" in result.text


async def test_a_limit_half_way_leaves_what_was_read(bench: Bench) -> None:
    evaluation = texted(range(9000, 9010))
    train = texted(range(900))
    train[50] = evaluation[2]
    data = {"ann/train": one(train), "ann/eval": {"default": {"test": Split(evaluation)}}}
    with serving(bench, data) as (viewer, _):
        # The evaluation set's page, the first one of training; then the limit.
        viewer.misbehave("/rows", "none", 2)
        viewer.misbehave("/rows", "rate_limited_long", 8)
        result = await bench.call(
            "hf_dataset", operation="overlap", dataset="ann/train", eval_dataset="ann/eval"
        )
    assert result.ok, result.text
    assert result.text.startswith("1 of 10 evaluation rows")
    assert "Read: 100 of 900 rows of the training set" in result.text
    assert (
        "Reading ended early: the dataset viewer's rate limit is reached; the limit" in result.text
    )
    assert "raise timeout" not in result.text


async def test_what_cannot_be_compared(bench: Bench) -> None:
    with serving(bench, {"ann/train": one(texted(range(3)))}):
        asked = {"operation": "overlap", "dataset": "ann/train"}
        alone = await bench.call("hf_dataset", **asked)
        itself = await bench.call("hf_dataset", **asked, eval_dataset="ann/train")
        missing = await bench.call("hf_dataset", **asked, eval_dataset="ann/nothing")
    assert "needs eval_dataset" in alone.text
    assert "both are ann/train (default, train)" in itself.text
    assert "ann/nothing" in missing.text
    assert not missing.ok


async def test_two_splits_of_one_dataset(bench: Bench) -> None:
    data = {
        "ann/a": {
            "default": {"train": Split(texted(range(9))), "test": Split(texted(range(8, 12)))}
        }
    }
    with serving(bench, data):
        result = await bench.call(
            "hf_dataset", operation="overlap", dataset="ann/a", eval_dataset="ann/a"
        )
    assert result.text.startswith("1 of 4 evaluation rows (25.0%)")


# --- the parts ---


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's  a\nTEST, isn't it?", ["it", "s", "a", "test", "isn", "t", "it"]),
        ("ﬁne Straße", ["fine", "strasse"]),
        ("今日はabc", ["今", "日", "は", "abc"]),
        ("--- !!", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_texts_of_a_row() -> None:
    row = {"m": [{"role": "user", "content": "hi"}], "n": 1, "i": {"src": "x"}, "l": ["a", None]}
    assert list(texts(row)) == ["hi", "a"]


def test_a_gram_never_crosses_cells() -> None:
    found = Overlap()
    found.add(0, {"a": prose(1, WORDS - 1), "b": prose(2, WORDS - 1)})
    found.look(0, {"a": f"{prose(1, WORDS - 1)} {prose(2, WORDS - 1)}"})
    assert found.matches() == ([], 0)


@pytest.mark.parametrize(
    ("total", "wanted", "offsets"),
    [
        (0, 100, [0]), (50, 100, [0]), (250, 300, [0, 100, 200]), (1000, 100, [0]),
        (1000, 300, [0, 450, 900]), (1000, 250, [0, 450, 900]), (101, 100, [0]),
    ],
)  # fmt: skip
def test_spread(total: int, wanted: int, offsets: list[int]) -> None:
    assert spread(total, wanted) == offsets
