"""Thinking that a server leaves in the answer: told apart, however the stream is cut."""

import pytest

from core.events import AssistantChunk
from core.models.wire.thinking import Splitter
from tests.core.models.asking import HELLO
from tests.core.models.wire.asking_raw import ROUTES, asking_raw
from tests.stand_ins.raw_server import Raw, chunk, say, stream

#: What is sent → (thinking, answer).
CASES = {
    "<think>hmm, 2 + 2</think>\n\nFour.": ("hmm, 2 + 2", "Four."),
    "\n<think>\nhmm\n</think>\nFour.": ("\nhmm\n", "Four."),
    "<thinking>hmm</thinking>Four.": ("hmm", "Four."),
    "hmm, 2 + 2\n</think>\n\nFour.": ("hmm, 2 + 2\n", "Four."),
    "hmm, 2 + 2</think>\n\nFour.": ("hmm, 2 + 2", "Four."),
    "<think>\n\n</think>\n\nFour.": ("\n\n", "Four."),
    "<think>never closed": ("never closed", ""),
    "<think>a</think>b <think>c</think>": ("a", "b <think>c</think>"),
    # Prose, code and markup that only look so.
    "Use `<think>` and `</think>` for that.": ("", "Use `<think>` and `</think>` for that."),
    "The tag </think> ends it.": ("", "The tag </think> ends it."),
    "```\nhmm\n</think>\n```\ndone": ("", "```\nhmm\n</think>\n```\ndone"),
    "<b>bold</b> a < b </ c": ("", "<b>bold</b> a < b </ c"),
    "<thin": ("", "<thin"),
    "a </thin": ("", "a </thin"),
}


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 1000])
def test_cut_anywhere(text: str, size: int) -> None:
    splitter = Splitter()
    pieces = [p for i in range(0, len(text), size) for p in splitter.feed(text[i : i + size])]
    pieces += splitter.end()
    said = {"thinking": "", "answer": ""}
    for piece in pieces:
        if piece.void:
            # What was shown as the answer was thinking, all of it.
            assert said["answer"] == piece.text[: len(said["answer"])]
            said["answer"] = ""
        said[piece.kind] += piece.text
    assert (said["thinking"], said["answer"]) == CASES[text]


@pytest.mark.parametrize("model", ROUTES)
@pytest.mark.parametrize("stream_", [True, False])
async def test_it_is_no_part_of_the_answer(model: str, stream_: bool) -> None:
    texts = ("let me ", "see\n</thi", "nk>\n\nFour.")
    message = {"role": "assistant", "content": "".join(texts)}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    body = stream(*(chunk({"content": t}) for t in texts), chunk({}, "stop"))
    with asking_raw(
        body if stream_ else Raw({"id": "1", "model": "m", "created": 1, **whole})
    ) as a:
        answer = await a.ask(model, stream=stream_)
        assert answer.message.text == "Four."
        assert answer.message.additional_kwargs == {"reasoning_content": "let me see\n"}
        if stream_:
            assert a.shown == "Four."
            shown = (e for e in a.events if isinstance(e, AssistantChunk))
            assert "".join(e.text for e in shown if e.kind == "thinking") == "let me see\n"
            assert a.withdrawals == 1


async def test_it_does_not_go_back_as_a_part_of_the_answer() -> None:
    with asking_raw(say("<think>let me see</think>Four.")) as a:
        answer = await a.ask("openai/m")
        await a.ask("openai/m", [*HELLO, answer.message, HELLO[-1]])
        assert "let me see" not in str(a.server.bodies[-1])


async def test_a_server_that_tells_thinking_apart_may_speak_of_tags() -> None:
    said = chunk({"content": "ends with\n</think>\nas you see"})
    with asking_raw(stream(chunk({"reasoning_content": "hm"}), said, chunk({}, "stop"))) as a:
        assert (await a.ask("openai/m")).message.text == "ends with\n</think>\nas you see"
