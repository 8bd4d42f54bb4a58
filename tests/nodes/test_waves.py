"""Waves: which calls of an answer run side by side, and who sends the next ones."""

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from core.history import Call, tool_message
from core.state import Verdict
from core.tool import ToolResult
from nodes.waves import next_wave, waves


def calls_with(effects: str) -> tuple[list[Call], dict[str, Verdict]]:
    """One call per letter: r(ead), w(rite), x (execute), p(ublish), d(estroy), $ (spend)."""
    kinds = {"r": "read", "w": "write", "x": "execute", "p": "publish", "d": "destroy"}
    calls = [Call(f"{i}", "tool", {}) for i in range(len(effects))]
    verdicts: dict[str, Verdict] = {}
    for call, letter in zip(calls, effects, strict=True):
        verdicts[call.id] = {
            "action": "run",
            "effect": kinds.get(letter, "spend"),
            "reason": "",
            "rule": "",
            "price_micro_usd": None,
            "preview": "",
        }
    return calls, verdicts


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ("", []),
        ("r", ["0"]),
        ("rxr", ["012"]),
        ("w", ["0"]),
        ("ww", ["0", "1"]),
        ("rwr", ["0", "1", "2"]),
        ("rrwxx", ["01", "2", "34"]),
        ("wrrx", ["0", "123"]),
        ("$$", ["01"]),
        ("rpd", ["0", "1", "2"]),
    ],
)
def test_neighbours_that_do_no_harm_go_together(effects: str, expected: list[str]) -> None:
    cut = waves(*calls_with(effects))
    assert ["".join(c.id for c in wave) for wave in cut] == expected


def view(calls: list[Call], answered: str) -> list[AnyMessage]:
    answer = AIMessage("", tool_calls=[{"name": c.name, "args": {}, "id": c.id} for c in calls])
    results = [tool_message(c, ToolResult("ok")) for c in calls if c.id in answered]
    return [HumanMessage("task"), answer, *results]


def test_only_the_task_of_a_waves_first_call_sends_the_next_wave() -> None:
    calls, verdicts = calls_with("rrrwx")
    seen = {i: next_wave(view(calls, i), verdicts) for i in "012"}
    assert [(len(wave), leads) for wave, leads in seen.values()] == [
        (1, True),
        (1, False),
        (1, False),
    ]
    assert next_wave(view(calls, "0123"), verdicts)[0][0].id == "4"
    assert next_wave(view(calls, "01234"), verdicts) == ([], True)


def test_nothing_answered_yet_means_the_first_wave() -> None:
    calls, verdicts = calls_with("rw")
    assert [c.id for c in next_wave(view(calls, ""), verdicts)[0]] == ["0"]
