"""Calls out of pieces, as servers cut them: none runs with arguments that are not its own."""

from typing import Any

import pytest

from tests.core.models.asking import bash, read
from tests.core.models.wire.asking_raw import ROUTES, asking_raw
from tests.stand_ins.raw_server import chunk, piece, stream

LS, X = '{"command": "ls"}', '{"path": "x"}'
TWO = [("bash", {"command": "ls"}), ("read", {"path": "x"})]
ONE = TWO[:1]
NULL = chunk(
    {"tool_calls": [{"index": None, "id": "a", "function": {"name": "bash", "arguments": LS}}]}
)
CASES: dict[str, tuple[list[Any], list[Any]]] = {
    "one index, whole": ([piece(0, "a", "bash", LS), piece(0, "b", "read", X)], TWO),
    "one index, in pieces": (
        [piece(0, "a", "bash", ""), piece(0, arguments=LS[:9]), piece(0, arguments=LS[9:]),
         piece(0, "b", "read", ""), piece(0, arguments=X[:4]), piece(0, arguments=X[4:])], TWO),
    "no index": ([piece(None, "a", "bash", LS), piece(None, "b", "read", X)], TWO),
    "no index, in pieces": (
        [piece(None, "a", "bash"), piece(None, arguments=LS[:9]), piece(None, arguments=LS[9:]),
         piece(None, "b", "read"), piece(None, arguments=X)], TWO),
    "neither index nor id": (
        [piece(None, None, "bash", LS), piece(None, None, "read", X)], TWO),
    "no ids": ([piece(0, None, "bash", LS), piece(1, None, "read", X)], TWO),
    "one index and no ids": (
        [piece(0, None, "bash", ""), piece(0, arguments=LS), piece(0, None, "read", ""),
         piece(0, arguments=X)], TWO),
    "index null": ([NULL], ONE),
    "interleaved by index": (
        [piece(0, "a", "bash", ""), piece(1, "b", "read", ""), piece(1, arguments=X[:4]),
         piece(0, arguments=LS[:9]), piece(1, arguments=X[4:]), piece(0, arguments=LS[9:])], TWO),
    "interleaved by id": (
        [piece(0, "a", "bash", ""), piece(0, "b", "read", ""), piece(0, "b", None, X),
         piece(0, "a", None, LS)], TWO),
    "name repeated": (
        [piece(0, "a", "bash", ""), piece(0, "a", "bash", LS[:9]), piece(0, "a", "bash", LS[9:])],
        ONE),
    "name and id empty later": ([piece(0, "a", "bash", ""), piece(0, "", "", LS)], ONE),
    "a new id with each piece": (
        [piece(0, "a", "bash", ""), piece(0, "b", None, LS[:9]), piece(0, "c", None, LS[9:])], ONE),
    "the id after the name": ([piece(0, None, "bash"), piece(0, "a", None, LS)], ONE),
    "arguments as an object": ([piece(0, "a", "bash", {"command": "ls"})], ONE),
    "an id that is a number": ([piece(0, 7, "bash", LS)], ONE),
    "one id for both": ([piece(0, "a", "bash", LS), piece(1, "a", "read", X)], TWO),
    "one id, one index": ([piece(0, "a", "bash", LS), piece(0, "a", "read", X)], TWO),
    "one id, one index, one name": (
        [piece(0, "a", "bash", LS), piece(0, "a", "bash", LS)], [ONE[0], ONE[0]]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_pieces(name: str) -> None:
    chunks, expected = CASES[name]
    with asking_raw(stream(*chunks, chunk({}, "tool_calls"))) as a:
        answer = await a.ask("openai/m", tools=[bash, read])
    assert [(c["name"], c["args"]) for c in answer.message.tool_calls] == expected
    assert answer.bad_calls == ()
    ids = [c["id"] for c in answer.message.tool_calls]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "name", ["one index, in pieces", "one index, whole", "interleaved by index"]
)
async def test_pieces_through_litellm(name: str) -> None:
    chunks, expected = CASES[name]
    with asking_raw(stream(*chunks, chunk({}, "tool_calls"))) as a:
        answer = await a.ask(ROUTES[1], tools=[bash, read])
    assert [(c["name"], c["args"]) for c in answer.message.tool_calls] == expected
    assert answer.bad_calls == ()


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        # The second call's arguments never came, or went to another.
        ([piece(0, "a", "bash", LS), piece(0, "b", "bash", "")], "without arguments"),
        ([piece(0, "a", "bash", ""), piece(0, "b", "read", X)], "without arguments"),
        ([piece(0, "a", "bash", LS), piece(0, arguments=X)], "not valid JSON"),
        ([piece(0, arguments=LS)], "names no tool"),
        ([piece(0, "a", "bash", LS[:9])], "not valid JSON"),
    ],
)
async def test_what_is_not_its_own_never_runs(chunks: list[Any], reason: str) -> None:
    with asking_raw(stream(*chunks, chunk({}, "tool_calls"))) as a:
        answer = await a.ask("openai/m", tools=[bash, read])
    assert any(reason in bad.reason for bad in answer.bad_calls)
    bad = {b.call_id for b in answer.bad_calls}
    assert all(c["args"] in ({"command": "ls"}, {"path": "x"}) or c["id"] in bad
               for c in answer.message.tool_calls)  # fmt: skip


@pytest.mark.parametrize("model", ROUTES)
@pytest.mark.parametrize("name", ["functions.bash", "bash<|channel|>commentary", " bash\n", "bäsh"])
async def test_a_name_that_no_provider_takes(model: str, name: str) -> None:
    body = stream(piece(0, "a", name, LS), chunk({}, "tool_calls"))
    with asking_raw(body) as a:
        answer = await a.ask(model, tools=[bash, read])
    (call,) = answer.message.tool_calls
    assert call["name"].isascii()
    assert call["name"].replace("_", "").isalnum()
    assert call["name"] != "bash"
    assert "there is no tool" in answer.bad_calls[0].reason


@pytest.mark.parametrize("finish", ["content_filter", "length"])
async def test_a_call_of_an_answer_that_was_stopped_never_runs(finish: str) -> None:
    with asking_raw(stream(piece(0, "a", "bash", LS), chunk({}, finish))) as a:
        answer = await a.ask("openai/m", tools=[bash])
    assert "may be incomplete" in answer.bad_calls[0].reason
