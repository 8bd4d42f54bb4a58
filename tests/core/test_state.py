"""The reducer: batching-invariant, as replay needs it, and open to what Studio sends."""

import itertools
import pickle
from copy import copy, deepcopy

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from core.reduce_messages import reduce_messages
from core.store.checkpoints.serializer import StrictSerializer

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


def test_branches_of_one_history_do_not_disturb_each_other() -> None:
    """LangGraph reduces a copy first, to route by it: lists share what they know of their ids."""
    root = reduce_messages([], [[A, B]])
    x, y = HumanMessage("x", id="x"), HumanMessage("y", id="y")
    one = reduce_messages(root, [x])
    two = reduce_messages(root, [[y, x]])
    again = HumanMessage("x, again", id="x")
    assert reduce_messages(one, [again]) == [A, B, again]
    assert reduce_messages(two, [again]) == [A, B, y, again]
    assert reduce_messages(root, [again]) == [A, B, again]
    assert (root, one, two) == ([A, B], [A, B, x], [A, B, y, x])


def test_a_history_is_stored_and_copied_as_a_list() -> None:
    messages = reduce_messages([], [[A, B]])
    kind, data = StrictSerializer().dumps_typed(messages)
    assert (kind, data) == StrictSerializer().dumps_typed([A, B])
    for copied in (copy(messages), deepcopy(messages), pickle.loads(pickle.dumps(messages))):
        assert copied == [A, B]
        assert reduce_messages(copied, [B2]) == [A, B2]
