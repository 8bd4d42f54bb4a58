"""What servers send, one row per kind, and what is to come of it.

A row is sent in the words of each format that can say it. Sources: the APIs' own pages and what
users of these servers have reported; the quirks of OpenAI's format are in quirks.py.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any

from tests.core.models.matrix.formats import ANTHROPIC, GEMINI, OLLAMA, OPENAI, Format
from tests.core.models.matrix.outcome import Outcome
from tests.stand_ins.model_script import Call, Reply, Usage
from tests.stand_ins.raw_server import Raw, Step, chunk

ALL = (OPENAI, ANTHROPIC, GEMINI, OLLAMA)
LS, X = Call("bash", {"command": "ls"}, "call_a"), Call("read", {"path": "x"}, "call_b")
RAN_LS, RAN_X = ("bash", {"command": "ls"}), ("read", {"path": "x"})
SAY = Reply("The answer is four.", usage=Usage(100, 20), pieces=4)
SAID = Outcome(SAY.text)
#: It fails at first, and the next attempt is whole.
AGAIN = replace(SAID, asked=2)
USED = (100, 0, 20)


@dataclass(frozen=True)
class Row:
    """One kind of answer.

    Attributes:
        group, name: as the page has them. wanted: what is to come of it. does: that in words.
        sent: what a server of a format sends, in order; the last one repeats.
        formats: those in which it can be sent. options: of the request.
    """

    group: str
    name: str
    does: str
    wanted: Outcome
    sent: Callable[[Format], list[Step]]
    formats: tuple[Format, ...] = ALL
    options: dict[str, Any] = field(default_factory=dict)


def streamed(reply: Reply) -> Callable[[Format], list[Step]]:
    return lambda f: [b"".join(f.frames(reply))]


def first(make: Callable[[Format], Step]) -> Callable[[Format], list[Step]]:
    """What `make` gives, and after it a whole answer."""
    return lambda f: [make(f), b"".join(f.frames(SAY))]


def _answers() -> Iterator[Row]:
    group = "Answers"
    yield Row(group, "a whole stream", "answer", replace(SAID, used=USED), streamed(SAY))
    yield Row(
        group,
        "a whole JSON answer to a streamed request",
        "answer",
        replace(SAID, used=USED),
        lambda f: [f.whole(SAY)],
    )
    yield Row(
        group,
        "a plain request (`--no-stream`)",
        "answer",
        replace(SAID, used=USED),
        lambda f: [f.whole(SAY)],
        options={"stream": False},
    )
    yield Row(
        group,
        "keep-alives before and among the events",
        "answer",
        SAID,
        lambda f: [f.alive + f.alive.join(f.frames(SAY))],
        (OPENAI, ANTHROPIC, GEMINI),
    )
    yield Row(
        group,
        "events that are cut into single bytes",
        "answer",
        Outcome("größer 😀"),
        lambda f: [Raw(b"".join(f.frames(replace(SAY, text="größer 😀"))), pieces=1)],
    )
    yield Row(
        group,
        "cached tokens",
        "counted apart",
        replace(SAID, used=(100, 80, 20)),
        streamed(replace(SAY, usage=Usage(100, 20, cached=80))),
        (OPENAI, ANTHROPIC, GEMINI),
    )
    yield Row(
        group,
        "no usage at all",
        "answer; tokens are estimated",
        replace(SAID, used=()),
        streamed(replace(SAY, usage=None)),
    )
    yield Row(
        group,
        "half of a character (a lone surrogate)",
        "replaced",
        Outcome("half \ufffd of it"),
        streamed(replace(SAY, text="half \ud83d of it")),
    )
    thinking = replace(SAID, thinking="two and two")
    yield Row(
        group,
        "thinking, told apart",
        "shown as thinking",
        thinking,
        streamed(replace(SAY, thinking="two and two")),
    )
    yield Row(
        group,
        "thinking in the text (`<think>`)",
        "shown as thinking",
        thinking,
        streamed(replace(SAY, text=f"<think>two and two</think>\n\n{SAY.text}")),
    )
    yield Row(
        group,
        "thinking only",
        "kept as thinking, without text",
        Outcome("", "two and two"),
        streamed(Reply(thinking="two and two")),
    )


def _calls() -> Iterator[Row]:
    group = "Tool calls"
    one, two = (
        Outcome(calls=(RAN_LS,), finish="tool_calls"),
        Outcome(calls=(RAN_LS, RAN_X), finish="tool_calls"),
    )
    yield Row(group, "a call, streamed", "runs", one, streamed(Reply(calls=[LS])))
    yield Row(
        group,
        "a call in a plain answer",
        "runs",
        one,
        lambda f: [f.whole(Reply(calls=[LS]))],
        options={"stream": False},
    )
    yield Row(
        group,
        "two calls after text",
        "both run",
        replace(two, text="I look"),
        streamed(Reply("I look", calls=[LS, X])),
    )
    yield Row(
        group,
        "two calls with one id",
        "both run",
        two,
        streamed(Reply(calls=[LS, replace(X, id="call_a")])),
        (OPENAI, ANTHROPIC),
    )
    yield Row(
        group,
        "a call whose finish reason is `stop`",
        "runs",
        one,
        streamed(Reply(calls=[LS], finish="stop")),
    )
    yield Row(
        group,
        "arguments that are cut off",
        "does not run; the model is told why",
        Outcome(refused=("not valid JSON",), finish="tool_calls"),
        streamed(Reply(calls=[Call("bash", '{"command": "l')])),
        (OPENAI, ANTHROPIC),
    )
    yield Row(
        group,
        "a call without arguments",
        "does not run; the model is told why",
        Outcome(refused=("without arguments",), finish="tool_calls"),
        streamed(Reply(calls=[Call("bash", "")])),
        (OPENAI,),
    )
    yield Row(
        group,
        "a call of an answer cut at its token limit",
        "does not run; the model is told why",
        Outcome(refused=("token limit",), finish="length"),
        streamed(Reply(calls=[LS], finish="length")),
    )
    yield Row(
        group,
        "a call of an answer that a filter stopped",
        "does not run; the model is told why",
        Outcome(refused=("content filter",), finish="content_filter", problem="filter"),
        streamed(Reply(calls=[LS], finish="content_filter")),
        (OPENAI, GEMINI),
    )
    yield Row(
        group,
        "a name of a tool that does not exist",
        "does not run; the model is told why",
        Outcome(refused=("there is no tool",), finish="tool_calls"),
        streamed(Reply(calls=[replace(LS, name="functions.bash")])),
    )
    yield Row(
        group,
        "a call that the model wrote as text",
        "named, with what to set",
        Outcome(
            '{"name": "bash", "arguments": {"command": "ls"}}',
            finish="written_call",
            problem="as text",
        ),
        streamed(Reply('{"name": "bash", "arguments": {"command": "ls"}}')),
    )


def _ends() -> Iterator[Row]:
    group = "Ends"
    yield Row(
        group,
        "cut at the token limit",
        "`length`: the turn continues or ends so",
        replace(SAID, finish="length"),
        streamed(replace(SAY, finish="length")),
    )
    yield Row(
        group,
        "stopped by a content filter",
        "named; the turn fails",
        replace(SAID, finish="content_filter", problem="filter"),
        streamed(replace(SAY, finish="content_filter")),
        (OPENAI, GEMINI),
    )
    yield Row(
        group,
        "stopped by a filter before any text",
        "named; the turn fails",
        Outcome(finish="content_filter", problem="filter"),
        streamed(Reply(finish="content_filter")),
        (OPENAI, GEMINI),
    )
    yield Row(
        group,
        "a prompt that a filter blocked",
        "named; the turn fails",
        Outcome(finish="content_filter", problem="filter"),
        lambda f: [f.event({"promptFeedback": {"blockReason": "SAFETY"}})],
        (GEMINI,),
    )
    yield Row(
        group,
        "a refusal of the model",
        "named; the turn fails",
        Outcome(finish="refusal", problem="refused"),
        _refusal,
        (OPENAI, ANTHROPIC),
    )


def _refusal(f: Format) -> list[Step]:
    if f is ANTHROPIC:
        return [b"".join(f.frames(Reply("I must not.", finish="refusal")))]
    return [f.event(chunk({"refusal": "I must not."})) + b"".join(f.tail(Reply(), f.asked))]


def _broken() -> Iterator[Row]:
    group = "Broken answers"
    for name, cut in {"after its first event": 1, "in its middle": 3}.items():
        yield Row(
            group,
            f"a stream that ends {name}",
            "asked again",
            AGAIN,
            first(lambda f, cut=cut: b"".join(f.frames(SAY)[:cut])),
        )
    yield Row(
        group,
        "a stream that ends within an event",
        "asked again",
        AGAIN,
        first(lambda f: b"".join(f.frames(SAY)[:3])[:-25]),
    )
    yield Row(
        group,
        "a connection that is lost in the middle",
        "asked again",
        AGAIN,
        first(lambda f: Raw(b"".join(f.frames(SAY)[:3]), is_lost=True)),
    )
    yield Row(
        group,
        "a call that breaks off",
        "asked again, runs once",
        Outcome(calls=(RAN_LS,), finish="tool_calls", asked=2),
        lambda f: [
            b"".join(f.stream(Reply(calls=[LS]), f.asked)),
            b"".join(f.frames(Reply(calls=[LS]))),
        ],
        (OPENAI, ANTHROPIC),
    )
    yield Row(group, "an empty body", "asked again", AGAIN, first(lambda f: b""))
    yield Row(
        group,
        "keep-alives and nothing else",
        "asked again",
        AGAIN,
        first(lambda f: f.alive * 3),
        (OPENAI, ANTHROPIC, GEMINI),
    )
    yield Row(
        group,
        "an error within the stream",
        "asked again",
        AGAIN,
        first(lambda f: b"".join(f.frames(SAY)[:3]) + f.event(_event_of(f, "Overloaded"))),
    )
    yield Row(
        group,
        "an error as the body of a 200",
        "asked again",
        AGAIN,
        first(lambda f: Raw(f.error("the model has crashed"))),
    )
    yield Row(
        group,
        "an HTML page with status 200",
        "named, with the address to check",
        Outcome(finish="", error="RequestRefused"),
        lambda f: [
            Raw(b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"})
        ],
    )


def _event_of(f: Format, message: str) -> Any:
    return f.error(message, code="overloaded_error", status=503)


def _refused() -> Iterator[Row]:
    group = "Refusals"
    waits = {
        "`Retry-After` in seconds": ({"Retry-After": "7"}, 7),
        "`Retry-After` as a date": ({}, 200),
        "`retry-after-ms`": ({"retry-after-ms": "9000", "Retry-After": "60"}, 9),
        "`x-ratelimit-reset-requests`": (
            {"x-ratelimit-reset-requests": "40s", "x-ratelimit-remaining-requests": "0"}, 40),
    }  # fmt: skip
    for name, (headers, seconds) in waits.items():
        yield Row(
            group,
            f"429 with {name}",
            "waits so long, asks again",
            replace(AGAIN, pauses=(seconds,)),
            first(
                lambda f, headers=headers: Raw(
                    f.error("busy", code="rate_limit_error", status=429),
                    429,
                    headers or {"Retry-After": formatdate(time.time() + 200, usegmt=True)},
                )
            ),
        )
    yield Row(
        group,
        "429 with RetryInfo in its body",
        "waits so long, asks again",
        replace(AGAIN, pauses=(37,)),
        first(_retry_info),
        (OPENAI, GEMINI),
    )
    yield Row(
        group,
        "429 without a time, 503, 529",
        "asks up to 6 times",
        replace(AGAIN, asked=4, pauses=(1, 2, 4)),
        _busy,
    )
    yield Row(
        group,
        "500, 502",
        "asks up to 4 times",
        replace(AGAIN, asked=3, pauses=(1, 2)),
        lambda f: [
            *(Raw(f.error("it broke", status=s), s) for s in (500, 502)),
            b"".join(f.frames(SAY)),
        ],
    )
    yield Row(
        group,
        "a quota that is used up",
        "final: payment is needed",
        _final("PaymentRequired"),
        lambda f: [_spent(f)],
    )
    yield Row(
        group,
        "402",
        "final: payment is needed",
        _final("PaymentRequired"),
        lambda f: [Raw(f.error("Payment Required", status=402), 402)],
    )
    yield Row(
        group,
        "401",
        "final: names the variable of the key",
        _final("NotAuthenticated"),
        lambda f: [Raw(f.error("no such key", code="authentication_error", status=401), 401)],
    )
    yield Row(
        group,
        "404: no such model",
        "final: names the model",
        _final("UnknownModel"),
        lambda f: [Raw(f.error("no such model", code="not_found_error", status=404), 404)],
    )
    yield Row(
        group,
        "a prompt that is too long",
        "the history is compacted",
        _final("ContextTooLong"),
        lambda f: [_too_long(f)],
    )
    yield Row(
        group,
        "too long, as an event of the stream",
        "the history is compacted",
        _final("ContextTooLong"),
        lambda f: [f.event(_too_long(f).body)],
        (OPENAI, ANTHROPIC, GEMINI),
    )
    yield Row(
        group,
        "413 of a proxy, as HTML",
        "the history is compacted",
        _final("ContextTooLong"),
        lambda f: [Raw(b"<html><title>Request Entity Too Large</title></html>", 413)],
    )


def _final(error: str) -> Outcome:
    return Outcome(finish="", error=error)


def _retry_info(f: Format) -> Raw:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}]
    return Raw(f.error("Resource exhausted", status=429, details=details), 429)


def _busy(f: Format) -> list[Step]:
    busy = [Raw(f.error("busy", code="overloaded_error", status=s), s) for s in (429, 503, 529)]
    return [*busy, b"".join(f.frames(SAY))]


def _spent(f: Format) -> Raw:
    if f is ANTHROPIC:
        return Raw(f.error("Your credit balance is too low to access the Anthropic API.",
                           code="invalid_request_error"), 400)  # fmt: skip
    words = "You exceeded your current quota, please check your plan and billing details."
    return Raw(f.error(words, code="insufficient_quota", status=429), 429)


def _too_long(f: Format) -> Raw:
    words = {
        "openai": "This model's maximum context length is 4096 tokens. However, you requested "
        "9000 tokens.",
        "anthropic": "prompt is too long: 9000 tokens > 4096 maximum",
        "gemini": "The input token count (9000) exceeds the maximum number of tokens allowed "
        "(4096).",
        "ollama": "input length exceeds maximum context length",
    }
    return Raw(f.error(words[f.name], code="invalid_request_error", status=400), 400)


ROWS = (*_answers(), *_calls(), *_ends(), *_broken(), *_refused())
