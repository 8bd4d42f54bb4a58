"""The reducer: batching-invariant, as replay needs it, and open to what Studio sends."""

import itertools

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from core.reduce_messages import reduce_messages

A, B = HumanMessage("a", id="1"), AIMessage("b", id="2")
B2, C = AIMessage("b, again", id="2"), ToolMessage("c", tool_call_id="x", id="3")


def test_a_known_id_replaces_in_place() -> None:
    assert [m.content for m in reduce_messages([A, B], [[B2, C]])] == ["a", "b, again", "c"]


def test_any_batching_gives_the_same_history() -> None:
    writes = [A, [B], B2, [C, A]]
    whole = reduce_messages([], writes)
    for cut in range(len(writes) + 1):
        assert reduce_messages(reduce_messages([], writes[:cut]), writes[cut:]) == whole
    one_by_one = list(
        itertools.accumulate(writes, lambda s, w: reduce_messages(s, [w]), initial=[])
    )
    assert one_by_one[-1] == whole


def test_the_current_history_is_not_touched() -> None:
    current = [A, B]
    reduce_messages(current, [B2])
    assert current == [A, B]


def test_dicts_become_messages() -> None:
    merged = reduce_messages(
        [{"role": "user", "content": "hi", "id": "1"}], [[{"role": "assistant", "content": "ho"}]]
    )
    assert [type(m).__name__ for m in merged] == ["HumanMessage", "AIMessage"]


def test_messages_without_an_id_are_appended() -> None:
    assert len(reduce_messages([HumanMessage("a")], [HumanMessage("a")])) == 2


def test_an_id_that_is_given_is_the_same_in_every_replay() -> None:
    writes = [A, {"role": "user", "content": "x"}, B, [{"role": "user", "content": "x"}]]
    whole = reduce_messages([], writes)
    assert len({m.id for m in whole}) == 4
    for cut in range(len(writes) + 1):
        again = reduce_messages(reduce_messages([], writes[:cut]), writes[cut:])
        assert [m.id for m in again] == [m.id for m in whole]
