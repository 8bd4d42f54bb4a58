"""What is sent: the same bytes for the same history, nothing of ours, marks where they pay."""

import base64
import json
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from core.history import Call as OurCall
from core.history import tool_message
from core.state import OURS
from core.tool import ToolResult
from tests.core.models.asking import ANTHROPIC, BOTH, HELLO, OPENAI, asking, bash, read
from tests.stand_ins.model_script import Reply

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()


def history(steps: int) -> list[BaseMessage]:
    """A conversation of so many iterations, as a thread stores it."""
    messages: list[BaseMessage] = [*HELLO]
    for step in range(steps):
        args = {"command": f"echo {step}", "ä": [1, {"b": None}]}
        call = {"name": "bash", "args": args, "id": f"c{step}", "type": "tool_call"}
        facts = {OURS: {"seq": step, "effect": "execute"}}
        messages += [
            AIMessage(f"Step {step}.", tool_calls=[call], id=f"a{step}", additional_kwargs=facts),
            ToolMessage(
                f"{step}\n", tool_call_id=f"c{step}", id=f"r{step}", additional_kwargs=facts
            ),
        ]
    return messages


def unmarked(value: Any) -> Any:
    """`value` without cache marks: they move, and are not part of the text that is cached."""
    if isinstance(value, dict):
        return {k: unmarked(v) for k, v in value.items() if k != "cache_control"}
    if isinstance(value, list):
        return [unmarked(v) for v in value]
    return value


def texts(value: Any) -> Any:
    """Content of one text block and content of text, told apart by no cache."""
    if isinstance(value, dict):
        content = value.get("content")
        if isinstance(content, list) and [b.get("type") for b in content] == ["text"]:
            value = {**value, "content": content[0]["text"]}
        return {k: texts(v) for k, v in value.items()}
    return [texts(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("model", BOTH)
async def test_a_longer_history_begins_with_the_shorter_one(model: str) -> None:
    with asking([Reply(text="x")] * 3) as a:
        for steps in (3, 4, 9):
            await a.ask(model, history(steps), tools=[bash, read])
        bodies = [texts(unmarked(b)) for b in a.server.bodies]
    for shorter, longer in pairwise(bodies):
        assert list(shorter) == list(longer)
        for name in set(shorter) - {"messages"}:
            assert json.dumps(shorter[name]) == json.dumps(longer[name])
        length = len(shorter["messages"])
        assert json.dumps(shorter["messages"]) == json.dumps(longer["messages"][:length])


@pytest.mark.parametrize("model", BOTH)
async def test_tools_are_sent_in_one_order(model: str) -> None:
    with asking([Reply(text="x")] * 2) as a:
        await a.ask(model, tools=[read, bash])
        await a.ask(model, tools=[bash, read])
        first, second = (json.dumps(b["tools"]) for b in a.server.bodies)
    assert first == second


@pytest.mark.parametrize("model", [ANTHROPIC, f"litellm/{ANTHROPIC}"])
async def test_anthropics_cache_marks_stand_on_the_prompt_and_the_newest_message(
    model: str,
) -> None:
    with asking([Reply(text="x")] * 2) as a:
        for steps in (1, 2):
            await a.ask(model, history(steps), tools=[bash])
        for body in a.server.bodies:
            assert "cache_control" in json.dumps(body["system"])
            marked = [i for i, m in enumerate(body["messages"]) if "cache_control" in json.dumps(m)]
            assert marked == [len(body["messages"]) - 1]


async def test_openai_gets_no_marks() -> None:
    with asking([Reply(text="x")]) as a:
        await a.ask(OPENAI, history(2), tools=[bash])
        assert "cache_control" not in json.dumps(a.server.bodies[0])


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
async def test_our_own_facts_are_not_sent(model: str, stream: bool) -> None:
    facts = {OURS: {"seq": 7, "note": "only ours"}}
    messages = [
        SystemMessage("s", additional_kwargs=facts),
        HumanMessage("q", additional_kwargs=facts),
        *history(2)[2:],
        HumanMessage("and now?", additional_kwargs=facts, id="h2"),
    ]
    with asking([Reply(text="x")]) as a:
        await a.ask(model, messages, tools=[bash], stream=stream)
        sent = json.dumps(a.server.bodies[0])
    assert OURS not in sent
    assert "only ours" not in sent
    assert messages[1].additional_kwargs == facts


@pytest.mark.parametrize("model", BOTH)
async def test_the_history_itself_is_not_changed(model: str) -> None:
    messages = history(2)
    before = [m.model_dump_json() for m in messages]
    with asking([Reply(text="x")]) as a:
        await a.ask(model, messages, tools=[bash])
    assert [m.model_dump_json() for m in messages] == before


@pytest.mark.parametrize("model", BOTH)
async def test_images_in_a_tool_result(model: str) -> None:
    asked = AIMessage("", tool_calls=[{"name": "read", "args": {"path": "a.png"}, "id": "c1"}])
    result = ToolResult("a.png, 1×1", images=[{"mime_type": "image/png", "base64": PNG}])
    shown = tool_message(OurCall("c1", "read", {"path": "a.png"}), result)
    with asking([Reply(text="a dot")]) as a:
        await a.ask(model, [*HELLO, asked, shown], tools=[read])
        sent = json.dumps(a.server.bodies[0])
    assert sent.count(PNG) == 1
    assert "a.png, 1" in sent


@pytest.mark.parametrize("model", BOTH)
async def test_two_images_among_parallel_calls(model: str) -> None:
    calls = [{"name": "read", "args": {"path": p}, "id": f"c{p}"} for p in ("a", "b", "c")]
    image = {"mime_type": "image/png", "base64": PNG}
    results = [
        tool_message(OurCall("ca", "read", {}), ToolResult("a", images=[image])),
        tool_message(OurCall("cb", "read", {}), ToolResult("b")),
        tool_message(OurCall("cc", "read", {}), ToolResult("c", images=[image])),
    ]
    with asking([Reply(text="two dots")]) as a:
        await a.ask(model, [*HELLO, AIMessage("", tool_calls=calls), *results], tools=[read])
        assert json.dumps(a.server.bodies[0]).count(PNG) == 2


@pytest.mark.parametrize("model", BOTH)
async def test_empty_texts_are_no_reason_to_refuse(model: str) -> None:
    call = {"name": "bash", "args": {}, "id": "c1"}
    messages = [
        *HELLO,
        AIMessage("", tool_calls=[call]),
        ToolMessage("", tool_call_id="c1"),
        AIMessage("Done."),
        HumanMessage("And?"),
    ]
    with asking([Reply(text="x")]) as a:
        await a.ask(model, messages, tools=[bash])


@pytest.mark.parametrize("model", BOTH)
async def test_the_most_that_may_be_answered(model: str) -> None:
    with asking([Reply(text="x")]) as a:
        await a.ask(model, max_tokens=77)
        assert (
            a.server.bodies[0].get("max_tokens", a.server.bodies[0].get("max_completion_tokens"))
            == 77
        )


@pytest.mark.parametrize(
    ("model", "most"),
    [(ANTHROPIC, 64_000), ("anthropic/claude-of-tomorrow", 32_000), (OPENAI, None)],
)
async def test_answers_are_not_cut_for_want_of_asking(model: str, most: int | None) -> None:
    """LiteLLM asks for 4096 tokens of a Claude that it does not know."""
    with asking([Reply(text="x")]) as a:
        await a.ask(model)
        assert a.server.bodies[0].get("max_tokens") == most


async def test_the_key_goes_to_the_provider_and_nowhere_else() -> None:
    with asking([Reply(text="x")] * 4) as a:
        for model in BOTH:
            await a.ask(model)
    for openai, anthropic in (a.server.requests[:2], a.server.requests[2:]):
        assert openai.headers["authorization"].endswith("0123456789")
        assert anthropic.headers["x-api-key"].endswith("0123456789")


async def test_openais_own_client_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It walks the whole history at each request, 0.4 ms a message."""
    from openai._utils import _transform

    walked = []
    real = _transform._async_transform_recursive

    async def counted(*args: Any, **options: Any) -> Any:
        walked.append(args)
        return await real(*args, **options)

    monkeypatch.setattr(_transform, "_async_transform_recursive", counted)
    with asking([Reply(text="x")] * 2) as a:
        await a.ask(f"litellm/{OPENAI}", history(3), tools=[bash])
        await a.ask(f"litellm/{OPENAI}", history(3), tools=[bash], stream=False)
        assert not any("openai" in r.headers["user-agent"].lower() for r in a.server.requests)
    assert walked == []
