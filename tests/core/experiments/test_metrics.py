"""What a judge printed, as numbers."""

import math

import pytest

from core.experiments.metrics import NoMetric, checked, json_place, read_json, read_lines


def test_lines_are_read_wherever_they_stand() -> None:
    lines = ["epoch 1", "METRIC loss=0.25", "  METRIC acc = 93e-2, f1=.5", "METRIC loss=0.125"]
    assert read_lines(lines) == {"loss": [0.25, 0.125], "acc": [0.93], "f1": [0.5]}


@pytest.mark.parametrize("line", ["METRIC: loss=1", "METRICS loss=1", "METRIC loss", "metric a=1"])
def test_what_is_no_metric_is_none(line: str) -> None:
    assert read_lines([line]) == {}


def test_an_open_line_before_it_hides_no_value() -> None:
    told = "METRIC loss=0\nMETRIC loss=0 xMETRIC loss=0.9\n\x1b[2KMETRIC loss=1\rMETRIC loss=2"
    assert read_lines(told.splitlines())["loss"] == [0.0, 0.0, 0.9, 1.0, 2.0]


def test_a_value_that_is_no_number_cannot_be_compared() -> None:
    (found,) = read_lines(["METRIC loss=oops"])["loss"]
    assert math.isnan(found)
    for value in (found, math.inf, -math.inf):
        with pytest.raises(NoMetric, match="only finite"):
            checked("loss", value)
    assert checked("loss", -1.5) == -1.5


def test_a_number_in_a_json_file() -> None:
    assert json_place("out/r.json:eval.loss") == ("out/r.json", "eval.loss")
    assert json_place("loss") is None
    assert json_place("a:b") is None
    assert read_json('{"eval": {"loss": [1, 0.5]}}', "eval.loss.-1") == 0.5
    for text, key in (("{", "a"), ('{"a": 1}', "b"), ('{"a": true}', "a"), ('{"a": "1"}', "a")):
        with pytest.raises(NoMetric):
            read_json(text, key)
