"""Streams that break: seen, withdrawn, asked again; and the text as it comes."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

from configs.settings import Settings
from core.events import AssistantChunk
from core.model_errors import ModelUnavailable
from tests.core.models.asking import ANTHROPIC, BOTH, DIRECT, SYSTEM, asking
from tests.stand_ins.model_script import Asked, Call, Reply

#: How a stream can break, and what the pause before the next attempt says about it.
BREAKS = {
    "eof": "ended without a finish reason",
    "quiet_cut": "ended without a finish reason",
    "cut": "the connection was cut",
    "error": "Overloaded",
}


@pytest.mark.parametrize("model", DIRECT)
async def test_a_tracer_of_langchain_follows_the_answer(model: str) -> None:
    heard: list[str] = []

    class Tracer(AsyncCallbackHandler):
        async def on_llm_new_token(self, token: str, **_: Any) -> None:
            heard.append(token)

    async def work(_: Any) -> str:
        return str((await a.ask(model)).message.text)

    with asking([Reply(text="one two three", pieces=3)] * 2) as a:
        assert await work(None) == "one two three"
        assert heard == []
        assert await RunnableLambda(work).ainvoke("", {"callbacks": [Tracer()]}) == "one two three"
        assert "".join(heard) == "one two three"


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("end", BREAKS)
async def test_a_broken_stream_is_withdrawn_and_asked_again(model: str, end: Any) -> None:
    broken = Reply(text="half of it", pieces=8, end=end, cut_after=6)
    with asking([broken, Reply(text="whole")]) as a:
        answer = await a.ask(model)
        assert answer.message.text == a.shown == "whole"
        assert a.withdrawals == 1
        assert len(a.server.requests) == 2
        assert a.pauses == [1.0]
        assert a.logs == [f"{a.logs[0].split(';')[0]}; attempt 2 in 1 s"]
        assert BREAKS[end] in a.logs[0]


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("end", BREAKS)
async def test_after_four_broken_streams_it_is_given_up(model: str, end: Any) -> None:
    broken = Reply(text="half of it", pieces=8, end=end, cut_after=6)
    with asking([broken] * 4) as a:
        error = await a.refused(model)
        assert isinstance(error, ModelUnavailable)
        assert error.attempts == len(a.server.requests) == 4
        assert a.pauses == [1, 2, 4]
        assert a.shown == ""
        assert a.withdrawals == 4


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("end", BREAKS)
async def test_a_call_of_a_broken_stream_never_comes_out(model: str, end: Any) -> None:
    # All of the arguments arrived; only the end is missing.
    broken = Reply(calls=[Call("bash", {"command": "rm"})], pieces=1, end=end, cut_after=20)
    with asking([broken, Reply(text="sorry")]) as a:
        assert (await a.ask(model)).message.tool_calls == []


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("end", ["eof", "cut", "quiet_cut", "error"])
async def test_a_stream_that_breaks_before_its_first_word_withdraws_nothing(
    model: str, end: Any
) -> None:
    with asking([Reply(text="a", end=end, cut_after=0), Reply(text="b")]) as a:
        assert (await a.ask(model)).message.text == "b"
        assert a.withdrawals == 0


@pytest.mark.parametrize("model", BOTH)
async def test_a_finish_reason_without_the_closing_line_is_an_answer(model: str) -> None:
    with asking([Reply(text="all of it", end="no_done")]) as a:
        assert (await a.ask(model)).message.text == "all of it"


@pytest.mark.parametrize("model", BOTH)
async def test_text_and_thinking_are_shown_as_they_come(model: str) -> None:
    with asking([Reply(text="one two three", thinking="hm, hm, hm", pieces=3)]) as a:
        await a.ask(model)
        chunks = [e for e in a.events if isinstance(e, AssistantChunk)]
        assert [c.kind for c in chunks] == ["thinking"] * 3 + ["answer"] * 3
        assert "".join(c.text for c in chunks if c.kind == "thinking") == "hm, hm, hm"
        assert a.shown == "one two three"


@pytest.mark.parametrize("model", BOTH)
async def test_without_streaming_nothing_is_shown_before_the_end(model: str) -> None:
    with asking([Reply(text="one two three", thinking="hm")]) as a:
        answer = await a.ask(model, stream=False)
        assert answer.message.text == "one two three"
        assert a.events == []
        assert not a.server.bodies[0].get("stream")


@pytest.mark.parametrize("model", BOTH)
async def test_a_connection_cut_without_streaming_is_asked_again(model: str) -> None:
    with asking([Reply(text="a", end="cut"), Reply(text="b")]) as a:
        assert (await a.ask(model, stream=False)).message.text == "b"
        assert len(a.server.requests) == 2


@pytest.mark.parametrize("model", BOTH)
async def test_cancelling_closes_the_connection(model: str) -> None:
    with asking([Reply(text="a b c d e f", pieces=6, chunk_delay=30)]) as a:
        asked = asyncio.ensure_future(a.ask(model))
        await until(lambda: bool(a.server.requests))
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await until(lambda: a.server.requests[0].ended == "left")
        assert len(a.server.requests) == 1


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("model", BOTH)
async def test_a_text_that_repeats_itself_is_no_error(model: str) -> None:
    with asking([Reply(text="0.0, " * 300, pieces=300)]) as a:
        assert (await a.ask(model)).message.text == "0.0, " * 300
        assert len(a.server.requests) == 1


@pytest.mark.parametrize("model", BOTH)
async def test_a_long_stream_may_take_longer_than_the_time_out_of_a_silence(model: str) -> None:
    slow = Reply(text="a b c d e f g h", pieces=8, chunk_delay=0.3)
    with asking([slow], settings=Settings(request_timeout=1.5)) as a:
        assert (await a.ask(model)).message.text == "a b c d e f g h"


@pytest.mark.parametrize("model", BOTH)
async def test_requests_side_by_side_know_their_own_streams(model: str) -> None:
    odd = itertools.count()

    def by_question(asked: Asked) -> Reply:
        # Six cuts in all, whichever of the requests come first.
        cut = asked.user == "odd" and next(odd) < 6
        return Reply(text=asked.user, end="eof" if cut else "done", chunk_delay=0.01)

    with asking(by_question) as a:
        questions = ["odd", "even"] * 6
        asked = (a.ask(model, [SYSTEM, HumanMessage(q)]) for q in questions)
        assert [x.message.text for x in await asyncio.gather(*asked)] == questions
        assert len(a.server.requests) == 18


async def test_an_answer_without_words_is_an_answer() -> None:
    with asking([Reply(text="")]) as a:
        answer = await a.ask(ANTHROPIC)
        assert (answer.message.text, answer.finish_reason) == ("", "stop")
