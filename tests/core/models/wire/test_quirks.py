"""What real servers send beside the API: each is read as what it means, over both routes if LiteLLM
lets it through, and asked for once."""

import json
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage

from core.events import AssistantChunk
from core.model import Answer
from tests.core.models.asking import bash, read
from tests.core.models.wire.asking_raw import MODEL, ROUTES, asking_raw
from tests.stand_ins.raw_server import HEAD, Raw, chunk, piece, sse, stream, usage

HI = chunk({"content": "hi"})
STOP = chunk({}, "stop")
WHOLE = {
    **HEAD,
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    ],
    "usage": usage(),
}


async def ask(body: Any, model: str = MODEL, **options: Any) -> tuple[Answer, str]:
    """(the answer, the thinking that was shown); one request must do."""
    with asking_raw(body) as a:
        answer = await a.ask(model, tools=[bash, read], **options)
        assert len(a.server.bodies) == 1
        assert a.shown == answer.message.text
    shown = (e for e in a.events if isinstance(e, AssistantChunk) and e.kind == "thinking")
    return answer, "".join(e.text for e in shown)


#: Streams that say "hi"; those that LiteLLM understands, too.
BOTH = {
    "finish reason of its own": stream(HI, chunk({}, "eos")),
    "comments, CRLF": b": OPENROUTER PROCESSING\r\n\r\n" + stream(HI, STOP, end="\r\n\r\n"),
    "no space after data:": stream(HI, STOP, before="data:"),
    "ids and retries": b"id: 1\nretry: 3000\n" + stream(HI, STOP),
    "two choices": stream(
        {
            **HEAD,
            "choices": [
                {"index": 0, "delta": {"content": "hi"}, "finish_reason": None},
                {"index": 1, "delta": {"content": "ho"}, "finish_reason": None},
            ],
        },
        STOP,
    ),
    "no created": stream(
        {"choices": [{"index": 0, "delta": {"content": "hi"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ),
    "usage of nulls": stream(
        HI, STOP, {**HEAD, "choices": [], "usage": {"prompt_tokens": None, "completion_tokens": 0}}
    ),
}
DIRECT = {
    "carriage returns": stream(HI, STOP, end="\r\r"),
    "a BOM": b"\xef\xbb\xbf" + stream(HI, STOP),
    "finish reason empty": stream(HI, chunk({}, "")),
    "no finish reason": stream(HI),
    "no [DONE]": stream(HI, STOP, done=False),
    "no empty line at the end": stream(HI, STOP).rstrip(b"\n"),
    "no empty lines between": stream(HI, STOP, end="\n"),
    "an empty ping": b"event: ping\ndata: \n\n" + stream(HI, STOP),
    "words between": b"data: OPENROUTER PROCESSING\n\n" + stream(HI, STOP),
    "choices null": stream({**HEAD, "choices": None}, HI, STOP),
    "delta null": stream(
        {**HEAD, "choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]},
        HI,
        {**HEAD, "choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]},
    ),
    "a whole answer": Raw(WHOLE),
    "a whole answer, printed": Raw(json.dumps(WHOLE, indent=2).encode()),
    "a whole answer as an event": stream(WHOLE, done=False),
    "lines of JSON": b"\n".join(json.dumps(c).encode() for c in (HI, STOP)),
    "content in parts": stream(chunk({"content": [{"type": "text", "text": "hi"}]}), STOP),
    "a stream of the old kind": stream({**HEAD, "choices": [{"index": 0, "text": "hi"}]}, STOP),
}  # fmt: skip


@pytest.mark.parametrize("name", [*BOTH, *DIRECT])
async def test_hi(name: str) -> None:
    answer, _ = await ask((BOTH | DIRECT)[name])
    assert (answer.message.text, answer.finish_reason) == ("hi", "stop")


@pytest.mark.parametrize("name", BOTH)
async def test_hi_through_litellm(name: str) -> None:
    answer, _ = await ask(BOTH[name], ROUTES[1])
    assert (answer.message.text, answer.finish_reason) == ("hi", "stop")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r"])
async def test_pieces_of_any_size(size: int, end: str) -> None:
    """Borders within a line end, an escape and a character of four bytes."""
    words = "größer 😀 \u2028 \x85 \\n ‖"
    raw = json.dumps(chunk({"content": words}), ensure_ascii=False)
    body = b": keep-alive" + end.encode() + stream(raw, STOP, end=end)
    answer, _ = await ask(Raw(body, pieces=size))
    assert answer.message.text == words


async def test_a_line_of_a_megabyte() -> None:
    answer, _ = await ask(Raw(stream(chunk({"content": "x" * 1_000_000}), STOP), pieces=40_000))
    assert len(answer.message.text) == 1_000_000


async def test_bytes_that_are_no_utf8_are_replaced() -> None:
    body = stream(chunk({"content": "café"}), STOP).replace(b"caf\\u00e9", b"caf\xe9")
    answer, _ = await ask(body)
    assert answer.message.text == "caf\ufffd"


@pytest.mark.parametrize("model", ROUTES)
@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["half \ud83d of it"], "half \ufffd of it"),
        (["an emoji \ud83d", "\ude00 in two"], "an emoji 😀 in two"),
        (["the end \ud83d"], "the end \ufffd"),
    ],
)
async def test_half_a_character(model: str, texts: list[str], said: str) -> None:
    answer, _ = await ask(stream(*(chunk({"content": t}) for t in texts), STOP), model)
    assert answer.message.text == said


@pytest.mark.parametrize("model", ROUTES)
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_thinking_under_its_names(model: str, name: str) -> None:
    answer, thought = await ask(stream(chunk({name: "hmm"}), HI, STOP), model)
    assert (thought, answer.message.text) == ("hmm", "hi")
    assert answer.message.additional_kwargs == {"reasoning_content": "hmm"}


async def test_thinking_among_parts() -> None:
    part = {"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}
    answer, thought = await ask(stream(chunk({"content": [part]}), HI, STOP))
    assert (thought, answer.message.text) == ("hmm", "hi")


@pytest.mark.parametrize("stream_", [True, False])
async def test_reasoning_details_are_kept(stream_: bool) -> None:
    pieces = [{"type": "reasoning.text", "text": t, "index": 0} for t in ("a", "b")]
    hidden = {"type": "reasoning.encrypted", "data": "AAA", "id": "r1", "index": 1}
    if stream_:
        body: Any = stream(
            *(chunk({"reasoning_details": [d]}) for d in (*pieces, hidden)), HI, STOP
        )
    else:
        message = {"content": "hi", "reasoning_details": [{**pieces[0], "text": "ab"}, hidden]}
        body = Raw({"choices": [{"message": message, "finish_reason": "stop"}]})
    with asking_raw(body) as a:
        answer = await a.ask(MODEL, stream=stream_)
    assert answer.message.additional_kwargs["reasoning_details"] == [
        {"type": "reasoning.text", "text": "ab", "index": 0},
        hidden,
    ]


@pytest.mark.parametrize(
    ("chunks", "tokens"),
    [
        ([{**HI, "usage": usage(100, 1)}, {**STOP, "usage": usage(100, 3)}], (100, 3)),
        ([{**HI, "usage": usage(9, 1)}, STOP, {"choices": [], "usage": usage()}], (100, 20)),
        ([HI, STOP, {**HEAD, "choices": [], "usage": {}}], None),
        ([{**HI, "usage": usage(7, 5)}, {**STOP, "usage": None}], (7, 5)),
        ([HI, {**STOP, "x_groq": {"usage": usage(7, 5)}}], (7, 5)),
        ([HI, STOP], None),
    ],
)  # fmt: skip
async def test_usage_in_every_chunk_or_nowhere(chunks: list[Any], tokens: Any) -> None:
    answer, _ = await ask(stream(*chunks))
    used = answer.message.usage_metadata
    assert (used and (used["input_tokens"], used["output_tokens"])) == tokens


async def test_the_cost_that_openrouter_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "k" * 20)
    last = {**HEAD, "choices": [], "usage": {**usage(), "cost": 0.0123}}
    with asking_raw(stream(HI, STOP, last)) as a:
        monkeypatch.setenv("OPENROUTER_API_BASE", a.server.base)  # type: ignore[attr-defined]
        assert (await a.ask("openrouter/a/b")).cost_micro_usd == 12_300


@pytest.mark.parametrize("size", [0, 9])
async def test_what_comes_after_the_finish_reason_may_be_cut(size: int) -> None:
    """The server has said how the answer ended; a cut [DONE] takes nothing from it."""
    body = stream(HI, STOP, done=False) + b'data: {"choices": [], "usa'
    answer, _ = await ask(Raw(body, pieces=size))
    assert answer.message.text == "hi"


async def test_a_call_of_the_old_kind() -> None:
    call = {"function_call": {"name": "bash", "arguments": '{"command": "ls"}'}}
    answer, _ = await ask(stream(chunk(call), chunk({}, "function_call")))
    assert [c["args"] for c in answer.message.tool_calls] == [{"command": "ls"}]
    assert answer.finish_reason == "tool_calls"


async def test_a_signature_of_a_call_goes_back_with_it_and_to_nobody_else() -> None:
    signed = {"google": {"thought_signature": "SIG"}}
    first = stream(
        piece(0, "a", "bash", '{"command": "ls"}', extra_content=signed), chunk({}, "stop")
    )
    with asking_raw(first, sse(HI) + sse(STOP)) as a:
        answer = await a.ask(MODEL, tools=[bash])
        history = [HumanMessage("q"), answer.message, ToolMessage("r", tool_call_id="a")]
        await a.ask(MODEL, history, tools=[bash])
        elsewhere = {**answer.message.response_metadata, "model_provider": "gemini"}
        history[1] = answer.message.model_copy(update={"response_metadata": elsewhere})
        await a.ask(MODEL, history, tools=[bash])
        same, other = (json.dumps(body) for body in a.server.bodies[1:])
    assert "SIG" in same
    assert "SIG" not in other
