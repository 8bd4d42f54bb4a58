"""The message that is stored: thinking once, nothing of the provider's besides; tokens, cost."""

import json

import pytest
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from tests.core.models.asking import ANTHROPIC, BOTH, HELLO, OPENAI, asking, bash, speaks_openai
from tests.stand_ins.model_script import Call, Reply, Usage


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
async def test_tokens(model: str, stream: bool) -> None:
    usage = Usage(input=1000, output=50, cached=600, cache_write=300, reasoning=20)
    with asking([Reply(text="x", usage=usage)]) as a:
        used = (await a.ask(model, stream=stream)).message.usage_metadata
        assert used is not None
        assert (used["input_tokens"], used["output_tokens"]) == (1000, 50)
        assert used["input_token_details"]["cache_read"] == 600
        if speaks_openai(model):
            assert used["output_token_details"]["reasoning"] == 20
        else:
            assert used["input_token_details"]["cache_creation"] == 300


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("way", ["", "litellm/"])
@pytest.mark.parametrize(
    ("model", "micro_usd"),
    [
        # 400 new at 1.25, 600 cached at 0.125, 50 out at 10 USD a million
        (OPENAI, 400 * 1.25 + 600 * 0.125 + 50 * 10),
        # 100 new at 3, 300 written at 3.75, 600 read at 0.3, 50 out at 15 USD a million
        (ANTHROPIC, 100 * 3 + 300 * 3.75 + 600 * 0.3 + 50 * 15),
    ],
)
async def test_what_an_answer_cost(model: str, micro_usd: float, stream: bool, way: str) -> None:
    usage = Usage(input=1000, output=50, cached=600, cache_write=300)
    with asking([Reply(text="x", usage=usage)]) as a:
        answer = await a.ask(f"{way}{model}", stream=stream)
    assert answer.cost_micro_usd == pytest.approx(micro_usd, abs=1)


@pytest.mark.parametrize("model", BOTH)
async def test_tokens_that_were_not_told_are_not_made_up(model: str) -> None:
    """Nor does LiteLLM put the whole answer together for its price and logs: a fifth of a step."""
    with asking([Reply(text="x", usage=None)]) as a:
        used = (await a.ask(model)).message.usage_metadata
    assert not used or used["total_tokens"] == 0


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", ["openai/stand-in", "anthropic/claude-of-tomorrow"])
async def test_an_unknown_price_is_none_and_no_zero(model: str, stream: bool) -> None:
    with asking([Reply(text="x")]) as a:
        assert (await a.ask(model, stream=stream)).cost_micro_usd is None


@pytest.mark.parametrize("stream", [True, False])
async def test_a_server_of_ones_own_does_not_have_openais_price(
    stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking([Reply(text="x")] * 2) as a:
        a.settings.local_base_url = a.server.openai_base
        assert (await a.ask("local/gpt-5.1", stream=stream)).cost_micro_usd is None
        monkeypatch.setenv("HF_ROUTER_BASE_URL", a.server.openai_base)
        assert (await a.ask("hf/gpt-5.1", stream=stream)).cost_micro_usd is None


@pytest.mark.parametrize("model", BOTH)
async def test_a_stored_answer_is_small_and_plain(model: str) -> None:
    words = " ".join(str(n) for n in range(130))
    calls = [Call("bash", {"command": words})]
    with asking([Reply(text=words, thinking=words, calls=calls, pieces=100)]) as a:
        message = (await a.ask(model, tools=[bash])).message
        assert set(message.additional_kwargs) <= {"thinking_blocks", "reasoning_content"}
        assert set(message.response_metadata) == {"model_name", "model_provider", "finish_reason"}
        assert len(json.dumps(message.model_dump())) < 3 * len(words) + 1000
        serde = JsonPlusSerializer()
        assert serde.loads_typed(serde.dumps_typed(message)) == message


@pytest.mark.parametrize("stream", [True, False])
async def test_thinking_is_kept_once_and_goes_back_signed(stream: bool) -> None:
    first = Reply(text="", thinking="deep " * 9, pieces=9, calls=[Call("bash", {"command": "ls"})])
    with asking([first, Reply(text="done")]) as a:
        message = (await a.ask(ANTHROPIC, tools=[bash], stream=stream)).message
        blocks = message.additional_kwargs["thinking_blocks"]
        assert [b["thinking"] for b in blocks] == ["deep " * 9]
        assert "reasoning_content" not in message.additional_kwargs
        # As it comes back from a checkpoint.
        serde = JsonPlusSerializer()
        message = serde.loads_typed(serde.dumps_typed(message))
        answered = ToolMessage("a b c", tool_call_id=message.tool_calls[0]["id"])
        await a.ask(ANTHROPIC, [*HELLO, message, answered], tools=[bash])
        sent = a.server.bodies[1]["messages"][1]["content"]
        thinking = [b for b in sent if b["type"] == "thinking"]
        assert [(b["thinking"], b["signature"]) for b in thinking] == [("deep " * 9, "c2lnbmVk")]


async def test_openais_reasoning_is_kept_as_text() -> None:
    with asking([Reply(text="x", thinking="because", pieces=4)]) as a:
        message = (await a.ask(OPENAI)).message
        assert message.additional_kwargs == {"reasoning_content": "because"}


@pytest.mark.parametrize("model", BOTH)
async def test_how_it_ended(model: str) -> None:
    with asking([Reply(text="x", finish="length"), Reply(text="y")]) as a:
        assert (await a.ask(model)).finish_reason == "length"
        assert (await a.ask(model)).finish_reason == "stop"
