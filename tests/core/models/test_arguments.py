"""Tool calls of an answer: what the model did not really write must never run."""

import pytest
from langchain_core.tools import tool

from core.model import Answer
from tests.core.models.asking import BOTH, asking, bash, read, speaks_openai
from tests.stand_ins.model_script import Call, Reply

pytestmark = pytest.mark.parametrize("model", BOTH)


@tool
def now() -> str:
    """The time."""
    return "now"


async def answer_to(model: str, reply: Reply, **options: object) -> Answer:
    with asking([reply]) as a:
        return await a.ask(model, tools=[bash, read], **options)


def reasons(answer: Answer) -> list[str]:
    return [b.reason for b in answer.bad_calls]


async def test_calls_side_by_side(model: str) -> None:
    calls = [Call("bash", {"command": "ls"}), Call("read", {"path": "ä/😀"}), Call("bash", "{}")]
    answer = await answer_to(model, Reply(text="Both.", calls=calls, pieces=7))
    assert [(c["name"], c["args"]) for c in answer.message.tool_calls] == [
        ("bash", {"command": "ls"}),
        ("read", {"path": "ä/😀"}),
        ("bash", {}),
    ]
    assert len({c["id"] for c in answer.message.tool_calls}) == 3
    assert answer.message.text == "Both."
    assert answer.finish_reason == "tool_calls"
    assert answer.bad_calls == ()


@pytest.mark.parametrize("arguments", ['{"command": "rm -rf /tmp/a', '{"command": "rm -rf /"}'])
async def test_a_call_cut_at_the_token_limit_is_bad_even_if_it_parses(
    model: str, arguments: str
) -> None:
    answer = await answer_to(model, Reply(calls=[Call("bash", arguments)], finish="length"))
    assert answer.finish_reason == "length"
    assert [b.call_id for b in answer.bad_calls] == [answer.message.tool_calls[0]["id"]]
    assert "cut at the token limit" in reasons(answer)[0]


@pytest.mark.parametrize(
    "arguments",
    ['{"command": "ls', '{"command": "ls"', "{'command': 'ls'}", "ls -l", '{"a": 1}{"a": 2}'],
)
async def test_arguments_that_are_no_json_are_bad_and_not_repaired(
    model: str, arguments: str
) -> None:
    answer = await answer_to(model, Reply(calls=[Call("bash", arguments)]))
    assert answer.message.tool_calls[0]["args"] == {}
    assert answer.message.invalid_tool_calls == []
    assert "not valid JSON" in reasons(answer)[0]
    assert arguments[:9] in reasons(answer)[0]


@pytest.mark.parametrize("arguments", ["[1]", '"ls"', "3", "true", '"[1]"'])
async def test_arguments_that_are_no_object_are_bad(model: str, arguments: str) -> None:
    answer = await answer_to(model, Reply(calls=[Call("bash", arguments)]))
    assert answer.message.tool_calls[0]["args"] == {}
    assert "not a JSON object" in reasons(answer)[0]


async def test_numbers_that_no_json_has_are_bad(model: str) -> None:
    answer = await answer_to(model, Reply(calls=[Call("bash", '{"command": NaN}')]))
    assert "not valid JSON" in reasons(answer)[0]


async def test_a_call_without_arguments_of_its_own_is_bad(model: str) -> None:
    """They may have gone to another call. Anthropic's block says itself that it has none."""
    answer = await answer_to(model, Reply(calls=[Call("bash", "")]))
    assert answer.message.tool_calls[0]["args"] == {}
    if speaks_openai(model):
        assert "without arguments" in reasons(answer)[0]
    else:
        assert answer.bad_calls == ()


@pytest.mark.parametrize("arguments", ["null", "{}", '"{}"', '"null"', " {} "])
async def test_no_arguments_are_an_empty_object(model: str, arguments: str) -> None:
    answer = await answer_to(model, Reply(calls=[Call("bash", arguments)]))
    assert answer.message.tool_calls[0]["args"] == {}
    assert answer.bad_calls == ()


async def test_a_tool_that_takes_nothing_may_be_called_with_nothing(model: str) -> None:
    with asking([Reply(calls=[Call("now", "")])]) as a:
        answer = await a.ask(model, tools=[now])
    assert answer.bad_calls == ()


@pytest.mark.parametrize(
    ("raw", "command"),
    [
        ('{"command": "echo a\nb\tc"}', "echo a\nb\tc"),  # raw line breaks in a text
        ('"{\\"command\\": \\"ls\\"}"', "ls"),  # encoded twice
        ('\ufeff{"command": "ls"}\n', "ls"),
        ('{"command": "half \\ud83d"}', "half \ufffd"),
    ],
)
async def test_what_has_one_reading_is_read(model: str, raw: str, command: str) -> None:
    answer = await answer_to(model, Reply(calls=[Call("bash", raw)]))
    assert answer.message.tool_calls[0]["args"] == {"command": command}
    assert answer.bad_calls == ()


async def test_a_name_that_stands_twice_has_two_readings(model: str) -> None:
    raw = '{"command": "ls", "command": "rm x"}'
    answer = await answer_to(model, Reply(calls=[Call("bash", raw)]))
    assert "named twice" in reasons(answer)[0]


async def test_a_bad_call_leaves_its_neighbours_alone(model: str) -> None:
    calls = [Call("bash", '{"command": "a"}'), Call("bash", "{"), Call("bash", '{"command": "c"}')]
    answer = await answer_to(model, Reply(calls=calls))
    assert [b.call_id for b in answer.bad_calls] == [answer.message.tool_calls[1]["id"]]


async def test_ids_that_a_provider_gave_twice_are_told_apart(model: str) -> None:
    calls = [Call("bash", "{", id="same"), Call("bash", '{"command": "c"}', id="same")]
    answer = await answer_to(model, Reply(calls=calls))
    first, second = (c["id"] for c in answer.message.tool_calls)
    assert first != second
    assert [b.call_id for b in answer.bad_calls] == [first]


async def test_without_streaming(model: str) -> None:
    calls = [Call("bash", {"command": "ls"}), Call("read", {"path": "a"}, id="given")]
    answer = await answer_to(model, Reply(calls=calls), stream=False)
    assert [c["args"] for c in answer.message.tool_calls] == [{"command": "ls"}, {"path": "a"}]
    assert answer.message.tool_calls[1]["id"] == "given"
    assert answer.bad_calls == ()


async def test_cut_arguments_without_streaming(model: str) -> None:
    # Anthropic's own API sends an object there, never text.
    cut = '{"command": "ls' if speaks_openai(model) else '{"command": "ls"}'
    reply = Reply(calls=[Call("bash", cut)], finish="length")
    answer = await answer_to(model, reply, stream=False)
    assert "cut at the token limit" in reasons(answer)[0]
