"""Answers with reasoning, text and several calls, to a request with a picture, that break off at
every place where they can: nothing of the broken one comes out, and the next attempt is whole."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from core.events import AssistantChunk
from core.history import Call as OurCall
from core.history import tool_message
from core.tool import ToolResult
from tests.core.models.asking import BOTH, HELLO, asking, bash, read, speaks_openai
from tests.stand_ins.model_script import Call, Reply

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CALLS = [Call("bash", {"command": "ls -la"}), Call("read", {"path": "a b.txt"}), Call("bash", {})]
WHOLE = {"text": "I look at both", "thinking": "first the one, then the other", "calls": CALLS}
#: Events of such a stream; the broken ones end before each of some of them.
CUTS = (0, 1, 2, 4, 7, 11, 16)


def request() -> list[BaseMessage]:
    """A history with a picture among parallel results."""
    calls = [{"name": "read", "args": {"path": p}, "id": f"c{p}"} for p in "ab"]
    image = {"mime_type": "image/png", "base64": PNG}
    return [
        *HELLO,
        AIMessage("", tool_calls=calls),
        tool_message(OurCall("ca", "read", {}), ToolResult("a", images=[image])),
        tool_message(OurCall("cb", "read", {}), ToolResult("b")),
        HumanMessage("go on"),
    ]


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("end", ["cut", "quiet_cut", "eof", "error"])
@pytest.mark.parametrize("after", CUTS)
async def test_broken_off(model: str, end: Any, after: int) -> None:
    broken = Reply(**WHOLE, end=end, cut_after=after)
    with asking([broken, Reply(**WHOLE)]) as a:
        answer = await a.ask(model, request(), tools=[bash, read])
        assert len(a.server.requests) == 2
        assert a.pauses == [1.0]
        message = answer.message
        assert message.text == a.shown == WHOLE["text"]
        assert [(c["name"], c["args"]) for c in message.tool_calls] == [
            (c.name, dict(c.arguments))
            for c in CALLS  # type: ignore[call-overload]
        ]
        assert answer.bad_calls == ()
        thought = message.additional_kwargs
        assert WHOLE["thinking"] in str(thought.get("thinking_blocks") or thought)
        assert str(a.server.bodies[1]).count(PNG) == 1


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_refused_at_first(model: str, status: int) -> None:
    with asking([Reply(status=status), Reply(**WHOLE)]) as a:
        answer = await a.ask(model, request(), tools=[bash, read])
        assert len(answer.message.tool_calls) == 3
        assert a.withdrawals == 0


@pytest.mark.parametrize("model", BOTH)
async def test_thinking_is_shown_and_replayed_as_the_provider_wants_it(model: str) -> None:
    with asking(lambda asked: Reply(**WHOLE)) as a:
        answer = await a.ask(model, HELLO, tools=[bash, read])
        chunks = [e for e in a.events if isinstance(e, AssistantChunk) and e.kind == "thinking"]
        assert "".join(c.text for c in chunks) == WHOLE["thinking"]
        results = [
            tool_message(OurCall(c["id"] or "", c["name"], {}), ToolResult("r"))
            for c in answer.message.tool_calls
        ]
        await a.ask(model, [*HELLO, answer.message, *results], tools=[bash, read])
        sent = str(a.server.bodies[1]["messages"])
        # Anthropic needs its signed blocks back; OpenAI's format has no place for them.
        assert ("signature" in sent) is not speaks_openai(model)
