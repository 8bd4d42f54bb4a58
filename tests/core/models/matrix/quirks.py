"""OpenAI's format as servers really write it: one row per deviation that users have met."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.core.models.matrix.formats import OPENAI
from tests.core.models.matrix.outcome import Outcome
from tests.core.models.matrix.rows import AGAIN, RAN_LS, RAN_X, SAID, SAY, USED, Row
from tests.stand_ins.raw_server import HEAD, Raw, Step, chunk, piece, say, stream, usage

LS, X = '{"command": "ls"}', '{"path": "x"}'
TEXT = chunk({"content": SAY.text})
STOP, CALLED = chunk({}, "stop"), chunk({}, "tool_calls")
ONE = Outcome(calls=(RAN_LS,), finish="tool_calls")
TWO = replace(ONE, calls=(RAN_LS, RAN_X))


def _row(group: str, name: str, does: str, wanted: Outcome, *sent: Step) -> Row:
    return Row(group, name, does, wanted, lambda f: list(sent), (OPENAI,))


def _answers() -> Iterator[Row]:
    says = {
        "`choices: null`": stream({**HEAD, "choices": None}, TEXT, STOP),
        "`delta: null` at the end": stream(
            TEXT, {**HEAD, "choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]}),
        "two choices": stream(
            {**HEAD, "choices": [{"index": i, "delta": {"content": text}, "finish_reason": None}
                                 for i, text in enumerate((SAY.text, "No."))]}, STOP),
        "no `[DONE]`": stream(TEXT, STOP, done=False),
        "`[DONE]` without a finish reason": stream(TEXT),
        "an unusual finish reason (`eos`)": stream(TEXT, chunk({}, "eos")),
        "content as a list of parts": stream(
            chunk({"content": [{"type": "text", "text": SAY.text}]}), STOP),
        "events ended by CR LF": stream(TEXT, STOP, end="\r\n\r\n"),
        "events without an empty line between": stream(TEXT, STOP, end="\n"),
        "`data:` without a space": stream(TEXT, STOP, before="data:"),
        "words of a proxy between the events": b"data: PROCESSING\n\n" + stream(TEXT, STOP),
    }  # fmt: skip
    for name, body in says.items():
        yield _row("OpenAI's format", name, "answer", SAID, body)
    tokens = {
        "usage in every chunk": (stream({**TEXT, "usage": usage(100, 1)},
                                        {**STOP, "usage": usage()}), USED),
        "usage in `x_groq`": (stream(TEXT, {**STOP, "x_groq": {"usage": usage()}}), USED),
        "thinking tokens in the total alone": (
            stream(TEXT, STOP, {**HEAD, "choices": [],
                                "usage": {**usage(), "total_tokens": 150}}), (100, 0, 50)),
    }  # fmt: skip
    for name, (body, used) in tokens.items():
        yield _row("OpenAI's format", name, "counted", replace(SAID, used=used), body)
    yield _row(
        "OpenAI's format",
        "thinking as `reasoning`",
        "shown as thinking",
        replace(SAID, thinking="hmm"),
        stream(chunk({"reasoning": "hmm"}), TEXT, STOP),
    )


def _calls() -> Iterator[Row]:
    ran: dict[str, tuple[list[Any], Outcome]] = {
        "two calls by index, interleaved": (
            [piece(0, "a", "bash", ""), piece(1, "b", "read", ""), piece(1, arguments=X[:4]),
             piece(0, arguments=LS), piece(1, arguments=X[4:])], TWO),
        "two calls with index 0, told apart by id": (
            [piece(0, "a", "bash", ""), piece(0, arguments=LS), piece(0, "b", "read", ""),
             piece(0, arguments=X)], TWO),
        "two whole calls with index 0": (
            [piece(0, "a", "bash", LS), piece(0, "b", "read", X)], TWO),
        "two calls without index": (
            [piece(None, "a", "bash", LS), piece(None, "b", "read", X)], TWO),
        "two calls without ids": ([piece(0, None, "bash", LS), piece(1, None, "read", X)], TWO),
        "an id that changes with each piece": (
            [piece(0, "a", "bash", ""), piece(0, "b", None, LS[:9]), piece(0, "c", None, LS[9:])],
            ONE),
        "a name that is repeated with each piece": (
            [piece(0, "a", "bash", LS[:9]), piece(0, "a", "bash", LS[9:])], ONE),
        "arguments as an object": ([piece(0, "a", "bash", {"command": "ls"})], ONE),
        "arguments encoded twice": (
            [piece(0, "a", "bash", '"{\\"command\\": \\"ls\\"}"')], ONE),
        "the old `function_call`": (
            [chunk({"function_call": {"name": "bash", "arguments": LS}})], ONE),
    }  # fmt: skip
    for name, (chunks, wanted) in ran.items():
        yield _row(
            "OpenAI's format",
            name,
            "runs" if wanted is ONE else "both run",
            wanted,
            stream(*chunks, CALLED),
        )


def _ends() -> Iterator[Row]:
    group = "OpenAI's format"
    blocked = {"index": 0, "finish_reason": "content_filter: PROHIBITED_CONTENT"}
    yield _row(
        group,
        "`content_filter: …` without a message",
        "named; the turn fails",
        Outcome(finish="content_filter", problem="filter"),
        stream({**HEAD, "choices": [blocked]}),
    )
    yield _row(
        group,
        "finish reason `error`",
        "asked again",
        AGAIN,
        stream(TEXT, chunk({}, "error")),
        say(SAY.text),
    )
    yield _row(
        group,
        "`function_call_filter: MALFORMED_FUNCTION_CALL`",
        "asked again",
        AGAIN,
        stream(chunk({}, "function_call_filter: MALFORMED_FUNCTION_CALL")),
        say(SAY.text),
    )
    yield _row(
        group,
        "an error next to `choices`",
        "asked again",
        AGAIN,
        stream(TEXT, {**chunk({}, "error"), "error": {"code": 502, "message": "gone"}}),
        say(SAY.text),
    )
    yield _row(
        group,
        "an error that is a text",
        "asked again",
        AGAIN,
        stream(TEXT, {"error": "CUDA out of memory"}),
        say(SAY.text),
    )
    yield _row(
        group,
        "a refusal as a list of one error",
        "waits so long, asks again",
        replace(AGAIN, pauses=(37,)),
        Raw([_google(429)], 429),
        say(SAY.text),
    )


def _google(status: int) -> Mapping[str, Any]:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
    return {"error": {"code": status, "message": "Exhausted", "details": [retry]}}


QUIRKS = (*_answers(), *_calls(), *_ends())
