"""Every error is one clear line: no JSON, no bytes, no class names, and never the key."""

import logging
import re
import traceback
from typing import Any

import pytest

from configs.settings import Settings
from core.model_errors import ModelError, ModelUnavailable, NotAuthenticated, UnknownModel
from core.models.routes import resolve
from core.models.wire.chat import WireChat
from core.models.wire.requests import Target, headers_of
from tests.core.models.asking import ANTHROPIC, BOTH, KEY, OPENAI, asking
from tests.stand_ins.model_script import Reply

NOISE = re.compile(r"[{}\n]|b['\"]|litellm|Exception|\w+Error\b|<\w+|\\n")
HTML = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>"


def check(error: ModelError) -> None:
    for text in (str(error).replace("litellm/", ""), error.hint.replace("litellm/", "")):
        assert text
        assert not NOISE.search(text), text
        assert len(text) < 600


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503, 529])
async def test_one_clear_line(model: str, stream: bool, status: int) -> None:
    with asking([Reply(status=status)] * 6) as a:
        error = await a.refused(model, stream=stream)
        check(error)
        for line in a.logs:
            assert not NOISE.search(line), line


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (HTML, "502 Bad Gateway"),
        ("<html><body>oops</body></html>", "HTTP 400"),
        ("", "HTTP 400"),
        ("upstream connect error", "upstream connect error"),
        ({"error": "just a word"}, "just a word"),
        ({"detail": "no such field"}, "no such field"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        ({"message": "at the top"}, "at the top"),
        ({"error": {"message": "two\nlines \"quoted\" and 'more' {x}"}}, "two lines"),
        ({"error": {"message": "größer als 5 €"}}, "größer als 5 €"),
        ({"error": {"code": 17}}, "HTTP 400"),
        ({}, "HTTP 400"),
        ([], "HTTP 400"),
        ({"error": {"message": "long " * 1000}}, "…"),
    ],
)
async def test_whatever_the_body_is(model: str, body: Any, said: str) -> None:
    with asking([Reply(status=400, body=body)]) as a:
        error = await a.refused(model)
        assert said in str(error)
        assert "\n" not in str(error)
        assert "b'" not in str(error)
        assert len(str(error)) < 600


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("end", ["cut", "quiet_cut", "eof", "error"])
async def test_streams_that_break(model: str, end: Any) -> None:
    with asking([Reply(text="a b c d e", pieces=9, end=end, cut_after=5)] * 4) as a:
        error = await a.refused(model)
        assert isinstance(error, ModelUnavailable)
        check(error)


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
async def test_a_key_that_the_provider_quotes_is_nowhere(
    model: str, stream: bool, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="core.models.client")
    quoting = Reply(status=status, message=f"Incorrect API key provided: {KEY}.")
    with asking([quoting] * 6) as a:
        error = await a.refused(model, stream=stream)
        assert "[key]" in str(error)
        told = [str(error), error.hint, repr(error), *traceback.format_exception(error)]
        told += [repr(e) for e in a.events]
        told += [repr(a.client), repr(vars(a.client._facts))]
        told += [r.getMessage() for r in caplog.records if r.name.startswith("core")]
        for text in told:
            assert KEY not in text


@pytest.mark.parametrize("model", BOTH)
async def test_a_key_in_an_error_inside_the_stream(model: str) -> None:
    quoting = Reply(text="a b", end="error", message=f"your key {KEY} was revoked")
    with asking([quoting] * 4) as a:
        error = await a.refused(model)
        assert re.search(r"your key (\[key\]|REDACTED) was revoked$", str(error))
        assert KEY not in repr(a.events)


def test_a_model_object_does_not_print_the_key() -> None:
    headers = headers_of("openai", KEY, {})
    target = Target("openai", "openai", "http://localhost", "m", headers)
    chat = WireChat(target=target)
    assert headers == {"Authorization": f"Bearer {KEY}"}
    for shown in (target, chat, chat.lc_attributes, chat._identifying_params):
        assert KEY not in repr(shown)


def test_a_route_does_not_print_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    route = resolve(OPENAI, Settings())
    assert route.api_key == KEY
    assert KEY not in repr(route) + str(route) + route.describe() + route.credential_hint()


@pytest.mark.parametrize(
    ("model", "name"), [(OPENAI, "OPENAI_API_KEY"), (ANTHROPIC, "ANTHROPIC_API_KEY")]
)
async def test_a_refused_key_is_named(model: str, name: str) -> None:
    with asking([Reply(status=401)]) as a:
        error = await a.refused(model)
        assert isinstance(error, NotAuthenticated)
        assert name in error.hint
        assert error.exit_code == 5


@pytest.mark.parametrize("model", BOTH)
async def test_nothing_is_printed(model: str, capfd: pytest.CaptureFixture[str]) -> None:
    replies = [Reply(status=500), Reply(text="a b", end="cut"), Reply(text="x", thinking="y")]
    with asking([*replies, Reply(status=401)]) as a:
        await a.ask(model)
        await a.refused(model)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("model", BOTH)
async def test_a_host_that_is_not_there(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking([]) as a:
        for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
            monkeypatch.setenv(name, "http://no-such-host.invalid/v1")
        error = await a.refused(model)
        check(error)
        assert "no connection: " in str(error)
        assert "no-such-host.invalid:80" in str(error)
        assert a.pauses == [1, 2, 4]


@pytest.mark.parametrize("model", BOTH)
async def test_a_server_without_tls(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking([]) as a:
        for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
            monkeypatch.setenv(name, a.server.openai_base.replace("http:", "https:"))
        error = await a.refused(model)
        check(error)
        assert "no secure connection" in str(error)


@pytest.mark.parametrize("base", ["not a url", "http://", "ftp://x/v1", "localhost:8000"])
async def test_an_address_that_is_none(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking([]) as a:
        monkeypatch.setenv("OPENAI_BASE_URL", base)
        error = await a.refused(OPENAI)
        check(error)
        assert isinstance(error, UnknownModel)
        assert base in str(error)
        assert a.pauses == []
