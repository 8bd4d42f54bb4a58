"""hf_dataset inspect and search on the wire."""

from typing import Any

import pytest

from tests.stand_ins.viewer_server import Split
from tests.tools.bench import Bench
from tests.tools.hub.viewers import numbered, one, serving
from tools.hub.datasets.describe import number

CLASS = {"_type": "ClassLabel", "names": ["neg", "pos"]}


async def inspected(bench: Bench, rows: list[dict[str, Any]], **features: Any) -> str:
    with serving(bench, {"ann/data": one(rows, **features)}):
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert result.ok, result.text
    return result.text


async def test_the_verdict_comes_first(bench: Bench) -> None:
    text = await inspected(bench, numbered(5))
    lines = text.splitlines()
    assert lines[0] == (
        "ann/data (default, train): 5 rows, 2 columns. The dataset viewer serves viewer, search, "
        "filter, statistics."
    )
    assert lines[1].startswith("Fits as it is: SFT (prompt-completion) [prompt, completion]: ")


async def test_splits_schema_and_statistics(bench: Bench) -> None:
    data = {
        "ann/data": {
            "en": {
                "train": Split(
                    [{"text": f"so good {i} " * 9, "label": i % 4 == 0} for i in range(8)]
                ),
                "test": Split([{"text": "fine", "label": True}]),
            },
            "de": {"train": Split([{"text": "gut", "label": True}])},
        }
    }
    with serving(bench, data):
        text = (
            await bench.call(
                "hf_dataset", operation="inspect", dataset="ann/data", config="en", sample_rows=1
            )
        ).text
    assert "  en: train 8 rows, test 1 rows\n  de: train 1 rows" in text
    assert "text: string; no nulls; min / median / max 90 / 90 / 90 characters" in text
    assert "label: bool; no nulls; 2 classes: False 75.0%, True 25.0%" in text
    assert text.endswith("row 0\n  text: " + "so good 0 " * 9 + "\n  label: true")


async def test_a_large_split_is_sampled_from_start_middle_and_end(bench: Bench) -> None:
    rows = [{"text": f"row {i} of many", "label": int(i >= 900)} for i in range(1000)]
    with serving(bench, {"ann/data": one(rows, label=CLASS)}) as (viewer, _):
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    offsets = [asked.params["offset"] for asked in viewer.asked if asked.path == "/rows"]
    assert sorted(offsets) == ["0", "450", "900"]
    assert "300 rows sampled from start, middle and end" in result.text
    assert "2 classes: neg 90.0%, pos 10.0%" in result.text


async def test_files_and_licence(bench: Bench) -> None:
    assert "Files: 1 parquet file, 9 B; licence mit." in await inspected(bench, numbered(3))


async def test_only_a_preview(bench: Bench) -> None:
    data = {"ann/data": {"default": {"train": Split(numbered(120), truncated=("completion",))}}}
    less = dict.fromkeys(("viewer", "search", "filter", "statistics"), False)
    with serving(bench, data, capabilities={"ann/data": less}) as (viewer, _):
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert "serves only a preview" in result.text
    assert "Note: the viewer cut long cells of completion" in result.text
    assert "(cut by the viewer)" in result.text
    assert "120 rows" in result.text
    assert {"/rows", "/statistics"}.isdisjoint(viewer.paths())


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"config": "fr"}, "no config 'fr'; available: default"),
        ({"split": "test"}, "no split 'test' in config default; available: train"),
    ],
)
async def test_a_config_or_split_that_is_not_there(
    bench: Bench, named: dict[str, str], said: str
) -> None:
    with serving(bench, {"ann/data": one(numbered(2))}):
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data", **named)
    assert not result.ok
    assert said in result.text


async def test_an_empty_dataset(bench: Bench) -> None:
    with serving(bench, {"ann/data": {}, "ann/none": one([])}):
        nothing = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
        no_rows = await bench.call("hf_dataset", operation="inspect", dataset="ann/none")
    assert "ann/data has no split" in nothing.text
    assert "0 rows, 0 columns" in no_rows.text
    assert "Fits no training method" in no_rows.text


async def test_a_part_of_a_split_is_said(bench: Bench) -> None:
    part = {"default": {"train": Split(numbered(9), partial=True)}}
    whole = one(numbered(9, start=100))
    with serving(bench, {"ann/large": part, "ann/eval": whole}):
        inspected = await bench.call("hf_dataset", operation="inspect", dataset="ann/large")
        compared = await bench.call(
            "hf_dataset", operation="overlap", dataset="ann/large", eval_dataset="ann/eval"
        )
    assert "Note: the viewer has only a part of this split" in inspected.text
    assert "Note: the viewer's statistics are of a part of the split." in inspected.text
    assert "Read: 9 of 9 rows that the viewer has, not all there are, of the" in compared.text
    assert "the true share may be higher" in compared.text


async def test_rows_of_megabytes_are_read_in_smaller_pages(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.http.MOST", 20_000)
    rows = [{"text": f"{i} " + "long words " * 100} for i in range(60)]
    with serving(bench, {"ann/data": one(rows)}) as (viewer, _):
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert result.ok, result.text
    lengths = [a.params["length"] for a in viewer.asked if a.path == "/rows"]
    assert lengths == ["100", "10"]
    assert "10 rows sampled" in result.text


async def test_a_page_s_address_is_a_name(bench: Bench) -> None:
    with serving(bench, {"ann/data": one(numbered(2))}):
        for address in (
            "https://huggingface.co/datasets/ann/data/viewer/default/train",
            "datasets/ann/data",
            " ann/data ",
        ):
            result = await bench.call("hf_dataset", operation="inspect", dataset=address)
            assert result.text.startswith("ann/data (default, train): 2 rows")


async def test_long_values_are_cut_and_pictures_told_by_their_size(bench: Bench) -> None:
    picture = {"src": "https://signed.example/x.jpg?key=1", "height": 4, "width": 6}
    text = await inspected(
        bench, [{"image": picture, "caption": "word " * 200}], image={"_type": "Image"}
    )
    assert 'image: "<image 6x4>"' in text
    assert "signed.example" not in text
    assert "[... 600 more]" in text


async def test_chat_columns(bench: Bench) -> None:
    chat = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
    ]
    text = await inspected(bench, [{"messages": chat, "n": i} for i in range(4)])
    assert "messages: message keys role, content; roles system 33%, user 33%" in text
    assert "3 to 3 messages, median 3; system message in 100%; ends with the assistant" in text


def turns(*pairs: tuple[str, str], key: str = "role", value: str = "content") -> Any:
    return [{key: role, value: said} for role, said in pairs]


GOOD = turns(("user", "a"), ("assistant", "b"))
WARNINGS: list[tuple[str, list[dict[str, Any]], str]] = [
    ("constant", [{"prompt": f"a b c {i}", "completion": "yes, of course"} for i in range(4)],
     "completion has the same value"),
    ("empty", [{"text": t} for t in ("a b c", "", " ", "d e f")],
     "text is an empty string in 50%"),
    ("null", [{"text": "a b c", "x": None}, {"text": "a b d", "x": 1}], "x is null in 50%"),
    ("all null", [{"text": "a b c", "x": None}], "x is null in every sampled row"),
    ("duplicates", [{"text": "a b c d"}, {"text": "a b c d"}, {"text": "x y z q"}],
     "1 of 3 sampled rows are exact duplicates"),
    ("long leak",
     [{"prompt": f"Read: the cat {i} sat on the red mat. Now say it.",
       "completion": f"the cat {i} sat on the red mat"} for i in range(4)],
     "in 100% of the sampled rows completion is word for word in prompt"),
    ("short leak",
     [{"prompt": f"What is {i} + {i}? Answer: {2 * i}", "answer": str(2 * i)} for i in range(4)],
     "answer is word for word in prompt"),
    ("prompt repeated in part of the rows",
     [{"prompt": f"Tell me about cats {i}", "rejected": "no",
       "chosen": f"Tell me about cats {i}: they purr" if i % 3 == 0 else f"They purr {i}"}
      for i in range(6)],
     "chosen repeats prompt in 33%"),
    ("chosen is rejected",
     [{"prompt": f"Say it {i}", "chosen": "yes", "rejected": "yes" if i else "no"}
      for i in range(4)],
     "chosen and rejected are the same in 75%"),
    ("ShareGPT",
     [{"conversations": turns(("human", f"a{i}"), ("gpt", "b"), key="from", value="value")}
      for i in range(3)],
     "conversations uses ShareGPT's from/value"),
    ("unknown role",
     [{"messages": turns(("user", f"a{i}"), ("narrator", "x"), ("assistant", "b"))}
      for i in range(3)],
     "roles that chat templates do not know: 'narrator'"),
    ("unanswered",
     [{"messages": GOOD}, {"messages": [*GOOD, *turns(("assistant", "c"))]},
      {"messages": turns(("user", "a"))}],
     "33% of the chats do not end with the assistant"),
    ("assistant first",
     [{"messages": [*turns(("assistant", "hi")), *GOOD]}, {"messages": GOOD}],
     "50% of the chats begin with the assistant"),
    ("same role twice", [{"messages": turns(("user", "a"), ("user", "b"), ("assistant", "c"))},
                         {"messages": GOOD}],
     "two turns of one role in a row"),
    ("empty message", [{"messages": turns(("user", "a"), ("assistant", ""))}, {"messages": GOOD}],
     "50% of the chats have a message without content"),
    ("late system",
     [{"messages": [*turns(("user", "a"), ("system", "s")), *GOOD]}, {"messages": GOOD}],
     "a system message comes later than first in 50%"),
    ("one class",
     [{"text": f"words and words {i}", "label": int(i == 0)} for i in range(60)],
     "label is 0 in 98%: accuracy will mislead"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "said"), [w[1:] for w in WARNINGS], ids=[w[0] for w in WARNINGS])
async def test_warnings(bench: Bench, rows: list[dict[str, Any]], said: str) -> None:
    text = await inspected(bench, rows)
    warned = [line for line in text.splitlines() if line.startswith("Warning: ")]
    assert any(said in line for line in warned), text


async def test_a_sound_dataset_has_no_warnings(bench: Bench) -> None:
    for rows in (numbered(30), [{"messages": turns(("user", f"a{i}"), ("assistant", "b"))}
                                for i in range(9)]):  # fmt: skip
        assert "Warning" not in await inspected(bench, rows)


async def test_a_secret_label(bench: Bench) -> None:
    rows = [{"text": f"so many words {i}", "label": -1} for i in range(4)]
    text = await inspected(bench, rows, label=CLASS)
    assert "Warning: label is -1" in text
    assert "4 without a label" in text


@pytest.mark.parametrize(
    ("value", "told"),
    [(3, "3"), (1234567, "1,234,567"), (0.12345, "0.1235"), (46354.0, "46,354"),
     (25527.25, "25,527.2"), (float("nan"), "nan"), ("2110-01-13", "2110-01-13"), (True, "True")],
)  # fmt: skip
def test_numbers_are_readable(value: Any, told: str) -> None:
    assert number(value) == told


# --- search ---


async def test_search_by_words_with_pages(bench: Bench) -> None:
    rows = [{"text": f"apple {i}" if i % 2 else f"pear {i}"} for i in range(20)]
    with serving(bench, {"ann/data": one(rows)}) as (viewer, _):
        asked = {"operation": "search", "dataset": "ann/data", "query": "Apple", "sample_rows": 4}
        first = await bench.call("hf_dataset", **asked)
        last = await bench.call("hf_dataset", **asked, offset=8)
        beyond = await bench.call("hf_dataset", **asked, offset=50)
    assert first.text.splitlines()[:2] == [
        "10 rows of ann/data (default, train) match 'Apple'.",
        "Shown: 1 to 4; continue with offset=4.",
    ]
    assert "row 1\n  text: apple 1" in first.text
    assert "Shown: 9 to 10." in last.text
    assert "None from offset 50 on." in beyond.text
    assert viewer.asked[1].params["length"] == "4"


async def test_search_by_condition(bench: Bench) -> None:
    rows = [{"text": f"t{i}", "label": i % 3} for i in range(9)]
    with serving(bench, {"ann/data": one(rows)}):
        asked = {"operation": "search", "dataset": "ann/data"}
        found = await bench.call("hf_dataset", **asked, where='"label"=2 AND "text" LIKE \'t5\'')
        none = await bench.call("hf_dataset", **asked, where='"label"=7')
        wrong = await bench.call("hf_dataset", **asked, where='"colour"==')
    assert "1 rows of ann/data (default, train) fulfil" in found.text
    assert "row 5" in found.text
    assert "The columns are: text, label." in none.text
    assert not wrong.ok
    assert "A query parameter is invalid" in wrong.text


async def test_search_that_is_not_possible(bench: Bench) -> None:
    with serving(bench, {"ann/data": one(numbered(2))}) as (viewer, _):
        asked = {"operation": "search", "dataset": "ann/data"}
        neither = await bench.call("hf_dataset", **asked)
        both = await bench.call("hf_dataset", **asked, query="a", where="b")
        assert not viewer.asked
        viewer.misbehave("/search", "not_searchable")
        refused = await bench.call("hf_dataset", **asked, query="a")
    assert "one of them" in neither.text
    assert "one of them" in both.text
    assert "cannot be searched here" in refused.text
