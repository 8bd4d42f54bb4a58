"""What an answer means for the turn: a table, and turns against the stand-in model."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from configs.settings import Settings
from core.model import Answer
from core.state import PlanItem, Turn
from nodes.nudges import asks
from nodes.turn_end import after_answer
from tests.graph.driving import driven
from tests.stand_ins.model_script import Call, Reply, in_order

OPEN: list[PlanItem] = [
    {"id": "1", "text": "read", "status": "completed"},
    {"id": "2", "text": "train", "status": "in_progress"},
]
PLANNED: Turn = {"status": "running", "planned": True}


@pytest.mark.parametrize(
    ("turn", "text", "given", "status", "told"),
    [
        (PLANNED, "done", {}, "done", ""),
        (PLANNED, "half of it", {"plan": OPEN}, "running", "- train"),
        (PLANNED, "half of it", {"plan": OPEN[:1]}, "done", ""),
        (PLANNED, "which data shall I take?", {"plan": OPEN}, "done", ""),
        (PLANNED, "x", {"plan": OPEN, "calls": True}, "running", ""),
        ({**PLANNED, "nudges": 1}, "half", {"plan": OPEN}, "running", "- train"),
        ({**PLANNED, "nudges": 2}, "half", {"plan": OPEN}, "done", ""),
        # The plan of an earlier turn: this one answers a question next to it.
        ({"status": "running"}, "it is 4", {"plan": OPEN}, "done", ""),
        (PLANNED, "and th", {"cut": True}, "running", "cut off"),
        (PLANNED, "and th", {"cut": True, "calls": True}, "running", ""),
        ({**PLANNED, "cut": 2}, "and th", {"cut": True}, "running", "cut off"),
        ({**PLANNED, "cut": 3}, "and th", {"cut": True}, "error", ""),
        ({**PLANNED, "cut": 3}, "and th", {"cut": True, "calls": True}, "error", ""),
    ],
)
def test_what_comes_after_an_answer(
    turn: Turn, text: str, given: dict[str, Any], status: str, told: str
) -> None:
    calls = [{"id": "c", "name": "read", "args": {}}] if given.get("calls") else []
    cut = "length" if given.get("cut") else "stop"
    answer = Answer(AIMessage(text, tool_calls=calls), finish_reason=cut)
    after, note = after_answer(turn, answer, given.get("plan", []))
    assert after["status"] == status
    assert (note is not None) == bool(told)
    assert note is None or told in note.text


@pytest.mark.parametrize(
    ("text", "asking"),
    [
        ("Which one shall I take?", True),
        ("I found two.\n\nShall I go on with the first?\n- a\n- b", True),
        ("我应该使用哪个数据集？", True),
        ("Please confirm the budget.", True),
        ("Why did it fail? The disk was full.\n\nIt is mended now.", False),
        ("Done: 3 files.", False),
        ("", False),
    ],
)
def test_who_asks_the_person_is_not_told_to_go_on(text: str, asking: bool) -> None:
    assert asks(text) is asking


def plan(status: str) -> Reply:
    return Reply(calls=[Call("plan", {"items": [{"id": "1", "text": "train", "status": status}]})])


async def test_an_open_plan_is_pointed_at_twice(settings: Settings, workdir: Path) -> None:
    replies = [plan("pending"), Reply("I will train it"), Reply("soon"), Reply("really")]
    async with driven(in_order(replies), settings, workdir) as driver:
        ended = await driver.send("train")
        assert (ended.name, ended.status, ended.text) == ("turn_complete", "done", "really")
        said = [m["content"] for m in driver.messages if m["role"] == "user"]
        assert [("still has open items" in text) for text in said] == [False, True, True]
        told = [e.text for e in driver.named("tool_log") if e.tool == "model"]
        assert told.count("the plan has open items: asked to continue") == 2


async def test_a_plan_that_is_closed_ends_the_turn(settings: Settings, workdir: Path) -> None:
    replies = [plan("pending"), Reply("I stop"), plan("completed"), Reply("all done"), Reply("4")]
    async with driven(in_order(replies), settings, workdir) as driver:
        assert (await driver.send("train")).text == "all done"
        assert (await driver.send("what is 2 + 2")).name == "turn_complete"


async def test_an_answer_that_is_cut_is_asked_for_again(settings: Settings, workdir: Path) -> None:
    replies = [Reply("one two", finish="length"), Reply("", finish="length"), Reply("three")]
    async with driven(in_order(replies), settings, workdir) as driver:
        ended = await driver.send("count")
        assert (ended.name, ended.text) == ("turn_complete", "three")
        roles = [m["role"] for m in driver.messages]
        assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
        assert "cut off at the token limit" in driver.messages[-1]["content"]


async def test_it_is_asked_for_again_three_times(settings: Settings, workdir: Path) -> None:
    async with driven([Reply("on and on", finish="length")] * 9, settings, workdir) as driver:
        ended = await driver.send("count")
        assert (ended.name, ended.kind) == ("error", "answer_cut")
        assert len(driver.server.bodies) == 4
        # The thread continues.
        driver.server.choose = lambda asked: Reply("ok")
        assert (await driver.send("shorter")).text == "ok"


async def test_a_loop_is_noted_once_and_then_ends_the_turn(
    settings: Settings, workdir: Path
) -> None:
    again = Reply(calls=[Call("bash", {"command": "date; echo same"})])
    async with driven([again] * 9, settings, workdir, mode="yolo") as driver:
        ended = await driver.send("look")
        assert (ended.name, ended.kind) == ("error", "stuck_in_loop")
        assert "bash" in ended.message
        notes = [text for text in driver.outputs() if text.startswith("Not run: the same calls")]
        assert len(driver.server.bodies) == 5
        assert len(notes) == 2
        driver.server.choose = lambda asked: Reply("ok")
        assert (await driver.send("do something else")).text == "ok"


async def test_calls_that_cannot_be_read_end_too(settings: Settings, workdir: Path) -> None:
    def bad(asked: Any) -> Reply:
        return Reply(calls=[Call("read", {f"file{asked.step}": "a"})])

    async with driven(bad, settings, workdir) as driver:
        ended = await driver.send("look")
        assert (ended.name, ended.kind) == ("error", "stuck_in_loop")
        assert len(driver.server.bodies) == 5
