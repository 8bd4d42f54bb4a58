"""Refusals: too long, used up, wait so long, wrong address; by status, code, type and words."""

from email.utils import formatdate
from typing import Any

import pytest

from core.model_errors import (
    ContextTooLong,
    ModelUnavailable,
    NotAuthenticated,
    PaymentRequired,
    RequestRefused,
    UnknownModel,
)
from core.models.wire.no_model import is_no_model
from core.models.wire.pauses import is_spent, pause_in
from core.models.wire.too_long import is_too_long, window_in
from tests.core.models.wire.asking_raw import MODEL, ROUTES, asking_raw
from tests.core.models.wire.refusals import MODEL_IS_THERE, NO_MODEL, OTHERWISE, TOO_LONG
from tests.stand_ins.raw_server import Raw, RawServer, chunk, say, sse, stream


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize("name", TOO_LONG)
def test_too_long_in_every_servers_words(name: str) -> None:
    status, body, window = TOO_LONG[name]
    assert is_too_long(status, body)
    assert window_in(body) == window


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_only_looks_so(name: str) -> None:
    assert not is_too_long(*OTHERWISE[name])


@pytest.mark.parametrize("name", NO_MODEL)
def test_no_such_model_in_every_providers_words(name: str) -> None:
    _, status, body = NO_MODEL[name]
    assert is_no_model(status, body)


@pytest.mark.parametrize("name", MODEL_IS_THERE)
def test_the_model_is_there_and_lacks_something(name: str) -> None:
    assert not is_no_model(*MODEL_IS_THERE[name])


@pytest.mark.parametrize("model", ROUTES)
@pytest.mark.parametrize("name", ["llama.cpp", "LM Studio", "TGI", "Kimi", "Z.ai", "Mistral"])
@pytest.mark.parametrize("stream_", [True, False])
async def test_the_history_must_be_shortened(model: str, name: str, stream_: bool) -> None:
    status, body, window = TOO_LONG[name]
    with asking_raw(Raw(body, status)) as a:
        refused = await a.refused(model, stream=stream_)
        assert isinstance(refused, ContextTooLong)
        assert len(a.server.bodies) == 1
        if window:
            # And from now on it is counted with.
            assert a.client.window(model) == window
            assert a.client.window_is_known(model)


@pytest.mark.parametrize("name", TOO_LONG)
async def test_too_long_as_an_event_of_a_stream(name: str) -> None:
    _, body, window = TOO_LONG[name]
    if not isinstance(body, dict):
        body = {"error": "prompt is too long"}
    with asking_raw(Raw(sse(body, before="event: error\ndata: "))) as a:
        assert isinstance(await a.refused(MODEL), ContextTooLong)
        assert len(a.server.bodies) == 1
        if window:
            assert a.client.window(MODEL) == window


async def test_a_window_that_was_told_makes_a_larger_one_smaller_and_never_larger() -> None:
    for body, window in ((TOO_LONG["llama.cpp"][1], 4096), (TOO_LONG["Gemini"][1], 32_768)):
        with asking_raw(Raw(body, 400)) as a:
            a.settings.context_window = 32_768
            await a.refused(MODEL)
            assert a.client.window(MODEL) == window


@pytest.mark.parametrize("model", ROUTES)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, error("You exceeded your current quota, please check your plan and billing details.",
                    code="insufficient_quota")),
        (429, error("Your account has insufficient balance", type="exceeded_current_quota_error")),
        (403, error("You have run out of credits. Please top up.")),
        (400, error("Your credit balance is too low to access the API.")),
        (429, {"code": "x", "error": "Your team has used all available credits."}),
        (402, {"error": "x"}),
        (429, error("Quota exceeded", status="RESOURCE_EXHAUSTED",
                    details=[{"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]},
                             {"retryDelay": "37s"}])),
    ],
)  # fmt: skip
async def test_a_spent_quota_is_final(model: str, status: int, body: Any) -> None:
    with asking_raw(Raw(body, status)) as a:
        refused = await a.refused(model)
        assert isinstance(refused, PaymentRequired)
        assert len(a.server.bodies) == 1


NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7),
        ({"Retry-After": "0.5"}, {}, 0.5),
        ({"Retry-After": formatdate(NOW + 30, usegmt=True)}, {}, 30),
        ({"Retry-After": formatdate(NOW + 30)}, {}, 30),
        ({"Retry-After": formatdate(NOW - 30)}, {}, 0),
        ({"Retry-After": "soon"}, {}, None),
        ({"Retry-After": "-5"}, {}, None),
        ({"Retry-After": "nan"}, {}, None),
        ({"retry-after-ms": "20000", "retry-after": "60"}, {}, 20),
        ({"x-ratelimit-reset-requests": "40s", "x-ratelimit-remaining-requests": "0"}, {}, 40),
        ({"x-ratelimit-reset-requests": "40s", "x-ratelimit-remaining-requests": "3"}, {}, None),
        ({"x-ratelimit-reset-tokens": "1m30.5s", "x-ratelimit-remaining-tokens": "0"}, {}, 90.5),
        ({"x-ratelimit-reset-tokens": "120ms"}, {}, 0.12),
        ({"X-RateLimit-Reset": str(int((NOW + 12) * 1000))}, {}, 12),
        ({"X-RateLimit-Reset": str(int(NOW + 12))}, {}, 12),
        ({"ratelimit-reset": "15"}, {}, 15),
        ({"anthropic-ratelimit-tokens-reset": "2026-09-21T14:13:30Z",
          "anthropic-ratelimit-tokens-remaining": "0"}, {}, 10),
        ({}, error("x", details=[{"retryDelay": "37s"}]), 37),
        ({}, error("x", details=[{"retryDelay": "1.5s"}]), 1.5),
        ({}, error("Rate limit reached. Please try again in 20s."), 20),
        ({}, error("Please try again in 1m30s. Visit us."), 90),
        ({}, error("Please try again in 120ms."), 0.12),
        ({}, error("Please retry in 37.5s."), 37.5),
        ({}, error("Please wait 2 minutes and try again"), 120),
        ({}, error("try again after 3 seconds"), 3),
        ({}, error("try again later"), None),
        ({}, "busy", None),
    ],
)  # fmt: skip
def test_how_long_to_wait(headers: dict[str, str], body: Any, seconds: float | None) -> None:
    found = pause_in(headers, body, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=0.51))


def test_a_quota_that_comes_back_is_not_spent() -> None:
    body = error("You exceeded your current quota. Please retry in 37.5s.",
                 details=[{"retryDelay": "37s"}])  # fmt: skip
    assert not is_spent(429, body)


@pytest.mark.parametrize("model", ROUTES)
async def test_the_pause_is_kept(model: str) -> None:
    busy = Raw(error("busy"), 429, {"retry-after-ms": "2500"})
    with asking_raw(busy, say("hi")) as a:
        assert (await a.ask(model)).message.text == "hi"
        assert a.pauses == [2.5]


@pytest.mark.parametrize(
    ("answer", "kind", "said", "hint"),
    [
        (Raw(b"<!doctype html><title>Open WebUI</title>"), RequestRefused, "Open WebUI", "/v1"),
        (Raw(b"  \n<html><body>x"), RequestRefused, "HTML page", "/v1"),
        (Raw(b"It works!"), RequestRefused, "It works!", "/v1"),
        (Raw(b"404 page not found", 404), UnknownModel, "nothing answers at", "/v1"),
        (Raw(b"Method Not Allowed", 405), UnknownModel, "nothing answers at", "/v1"),
        (Raw(error('model "m" not found, try pulling it first'), 404), UnknownModel,
         "does not know this model", "ollama pull"),
        (Raw(error("m does not support tools"), 400), RequestRefused, "tools", "can call tools"),
        (Raw({"message": '"auto" tool choice requires --enable-auto-tool-choice'}, 400),
         RequestRefused, "auto", "--tool-call-parser"),
        (Raw(error("Conversation roles must alternate user/assistant/..."), 400), RequestRefused,
         "alternate", "template"),
        (Raw(error("Country, region, or territory not supported"), 403), RequestRefused,
         "Country", "another model"),
        (Raw(error("Incorrect API key"), 401), NotAuthenticated, "Incorrect", "OPENAI_API_KEY"),
        (Raw(b""), ModelUnavailable, "without an answer", "resume"),
        (Raw(b": keep-alive\n\n"), ModelUnavailable, "without an answer", "resume"),
        (Raw(b'{"choices": [{"message": {"content": "ha'), ModelUnavailable, "cut off", "resume"),
        (Raw(stream(chunk({"content": "a"}), error("CUDA out of memory", code=500))),
         ModelUnavailable, "CUDA out of memory", "resume"),
        (Raw(stream({**chunk({}, "error"), "error": {"code": 502, "message": "gone"}})),
         ModelUnavailable, "gone", "resume"),
        (Raw(stream(chunk({"content": "a"}, "error"))), ModelUnavailable, "broke off", "resume"),
        (Raw(error("model is loading", code=503)), ModelUnavailable, "loading", "resume"),
        (Raw(stream(chunk({"content": "a"}), error("no", code=401))), NotAuthenticated, "no", "K"),
    ],
)  # fmt: skip
async def test_each_is_named_as_what_it_is(answer: Raw, kind: Any, said: str, hint: str) -> None:
    with asking_raw(answer) as a:
        refused = await a.refused(MODEL)
        assert type(refused) is kind
        assert said in str(refused)
        assert hint in refused.hint
        assert (len(a.server.bodies) == 1) is (kind is not ModelUnavailable)


@pytest.mark.parametrize(
    ("field", "renamed"),
    [("stream_options", None), ("max_tokens", "max_completion_tokens")],
)
async def test_an_optional_field_that_is_refused_is_left_out(field: str, renamed: str) -> None:
    def answer(path: str, body: Any) -> Any:
        if field in body:
            return Raw(error(f"Unsupported parameter: '{field}'"), 400)
        return say("hi")

    with asking_raw(answer) as a:
        for _ in range(2):
            assert (await a.ask(MODEL, max_tokens=9)).message.text == "hi"
        assert [field in body for body in a.server.bodies] == [True, False, False]
        if renamed:
            assert a.server.bodies[-1][renamed] == 9


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_with_the_key(status: int) -> None:
    with RawServer(stream(chunk({"content": "hi"}), chunk({}, "stop"))) as other:
        to = {"location": f"{other.base}/chat/completions"}
        with asking_raw(Raw({}, status, headers=to)) as a:
            refused = await a.refused(MODEL)
        assert "redirect to" in str(refused)
        assert other.requests == []
