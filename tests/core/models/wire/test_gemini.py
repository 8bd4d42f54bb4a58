"""Gemini's own API, through LiteLLM: how its stream ends, and what must go back with a call."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from core.model_errors import ModelUnavailable
from tests.core.models.asking import HELLO, Asking, bash
from tests.stand_ins.raw_server import RawServer, sse

MODEL = "gemini/gemini-2.5-pro"
USED = {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}}


def event(parts: list[Any], finish: str = "") -> bytes:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return sse({"candidates": [candidate], **USED}, end="\r\n\r\n")


@contextmanager
def asking_gemini(*steps: bytes) -> Iterator[Asking]:
    with RawServer(*steps) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEMINI_API_KEY", "g-key-000000000")
        patch.setenv("GEMINI_API_BASE", server.root)
        yield Asking(server)  # type: ignore[arg-type]


HALF, END = event([{"text": "The answer "}]), event([{"text": "is four."}], "STOP")


async def test_a_whole_stream_is_asked_for_once() -> None:
    with asking_gemini(HALF + END) as a:
        answer = await a.ask(MODEL)
        assert (answer.message.text, answer.finish_reason) == ("The answer is four.", "stop")
        assert len(a.server.bodies) == 1


async def test_a_cut_stream_is_asked_for_again() -> None:
    """LiteLLM makes "stop" of a chunk without a reason."""
    with asking_gemini(HALF, HALF + END) as a:
        assert (await a.ask(MODEL)).message.text == a.shown == "The answer is four."
        assert a.pauses == [1]
    with asking_gemini(HALF) as a:
        assert isinstance(await a.refused(MODEL), ModelUnavailable)


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        (event([{"text": ""}], "SAFETY"), "content_filter"),
        (event([{"text": "a"}], "PROHIBITED_CONTENT"), "content_filter"),
        (sse({"promptFeedback": {"blockReason": "SAFETY"}, **USED}), "content_filter"),
        (event([{"text": "a"}], "MAX_TOKENS"), "length"),
    ],
)
async def test_why_it_ended(body: bytes, finish: str) -> None:
    with asking_gemini(body) as a:
        answer = await a.ask(MODEL)
        assert answer.finish_reason == finish
        assert bool(answer.problem) is (finish == "content_filter")
        assert len(a.server.bodies) == 1


async def test_a_thought_signature_goes_back_with_its_call() -> None:
    function = {"functionCall": {"name": "bash", "args": {"command": "ls"}}}
    call = event([{**function, "thoughtSignature": "U0lH"}], "STOP")
    with asking_gemini(call, END) as a:
        message = (await a.ask(MODEL, tools=[bash])).message
        # The thread stores the call under its own id.
        ours = [{**message.tool_calls[0], "id": "call_ours"}]
        message = message.model_copy(update={"tool_calls": ours})
        result = ToolMessage("r", tool_call_id="call_ours", name="bash")
        await a.ask(MODEL, [*HELLO, message, result], tools=[bash])
        sent = json.dumps(a.server.bodies[1]["contents"])
    assert '"thoughtSignature": "U0lH"' in sent
    assert "__thought__" not in json.dumps(message.model_dump())
