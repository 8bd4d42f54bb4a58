"""The loop guard's rules, as a table: what is a loop, and what only looks like one."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from graph.state import OURS
from nodes.loop_guard import find_loop


def history(*steps: tuple[str, str] | str, asked: str) -> list[AnyMessage]:
    """A task, finished steps as (call, result), and a newest answer with the call `asked`."""
    messages: list[AnyMessage] = [HumanMessage("task")]
    for number, step in enumerate(steps):
        call, result = step if isinstance(step, tuple) else (step, f"result of {step}")
        messages.append(_answer(call, f"c{number}"))
        messages.append(ToolMessage(result, tool_call_id=f"c{number}"))
    return [*messages, _answer(asked, "new")]


def _answer(call: str, call_id: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "bash", "args": {"command": call}, "id": call_id}])


@pytest.mark.parametrize(
    ("steps", "asked"),
    [
        (["a", "a", "a"], "a"),
        (["x", "a", "a", "a"], "a"),
        (["a", "b", "a", "b"], "a"),
        (["x", "a", "b", "a", "b"], "a"),
        (["a", "b", "c", "a", "b", "c"], "a"),
        (["a", "b", "c", "d", "a", "b", "c", "d"], "a"),
        (["a", "b", "c", "d", "e", "a", "b", "c", "d", "e"], "a"),
    ],
)
def test_a_loop_is_found(steps: list[str], asked: str) -> None:
    assert find_loop(history(*steps, asked=asked))


@pytest.mark.parametrize(
    ("steps", "asked"),
    [
        ([], "a"),
        (["a"], "a"),
        (["a", "a"], "a"),
        (["a", "a", "a"], "b"),
        (["a", "b", "a"], "b"),
        (["a", "b", "a", "b"], "c"),
        ([("poll", "10 %"), ("poll", "20 %"), ("poll", "30 %")], "poll"),
        ([("a", "1"), ("b", "x"), ("a", "2"), ("b", "x")], "a"),
        (["a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e", "f"], "a"),
    ],
)
def test_what_only_looks_like_a_loop_is_none(steps: list[str], asked: str) -> None:
    assert find_loop(history(*steps, asked=asked)) is None


def test_a_cycle_has_one_signature_wherever_it_is_caught() -> None:
    first = find_loop(history("a", "b", "a", "b", asked="a"))
    second = find_loop(history("b", "a", "b", "a", asked="b"))
    assert first == second


def test_steps_that_the_guard_held_back_do_not_hide_the_loop() -> None:
    messages = history("a", "a", "a", asked="a")
    held = ToolMessage("not run", tool_call_id="new", additional_kwargs={OURS: {"held_back": True}})
    again = [*messages, held, _answer("a", "newer")]
    assert find_loop(again) == find_loop(messages)


def test_a_new_message_of_the_person_starts_afresh() -> None:
    messages = history("a", "a", "a", asked="a")
    assert find_loop([*messages[:-1], HumanMessage("again, please"), messages[-1]]) is None


def test_an_answer_without_calls_is_no_loop() -> None:
    assert find_loop([*history("a", "a", "a", asked="a")[:-1], AIMessage("done")]) is None
