"""Each row of the attempts table: how many requests, which pauses, which error at the end."""

import pytest

from configs.settings import Settings
from core.model_errors import (
    ContextTooLong,
    ModelError,
    ModelUnavailable,
    NotAuthenticated,
    PaymentRequired,
    RequestRefused,
    UnknownModel,
)
from core.models.attempts import ROWS, pause_after
from core.models.errors import Failure
from tests.core.models.asking import BOTH, asking
from tests.stand_ins.model_script import Reply
from tests.stand_ins.model_server import closed_port

FINAL = {
    400: RequestRefused,
    401: NotAuthenticated,
    402: PaymentRequired,
    403: NotAuthenticated,
    404: UnknownModel,
    413: ContextTooLong,
    422: RequestRefused,
}
OVERLOADED = [1, 2, 4, 8, 16]
BROKEN = [1, 2, 4]


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [429, 503, 529])
async def test_overloaded(model: str, stream: bool, status: int) -> None:
    with asking([Reply(status=status)] * 6) as a:
        error = await a.refused(model, stream=stream)
        assert type(error) is ModelUnavailable
        assert (error.status, error.attempts, len(a.server.requests)) == (status, 6, 6)
        assert a.pauses == OVERLOADED
        assert len(a.logs) == 5


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [408, 500, 502, 504])
async def test_broken(model: str, stream: bool, status: int) -> None:
    with asking([Reply(status=status)] * 4) as a:
        error = await a.refused(model, stream=stream)
        assert type(error) is ModelUnavailable
        assert (error.status, error.attempts, len(a.server.requests)) == (status, 4, 4)
        assert a.pauses == BROKEN


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", FINAL)
async def test_final(model: str, stream: bool, status: int) -> None:
    with asking([Reply(status=status)]) as a:
        error = await a.refused(model, stream=stream)
        assert type(error) is FINAL[status]
        assert (error.status, len(a.server.requests), a.pauses) == (status, 1, [])
        assert error.hint


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
async def test_too_long_for_the_window(model: str, stream: bool) -> None:
    with asking([Reply(status=400, error="context_length")]) as a:
        error = await a.refused(model, stream=stream)
        assert type(error) is ContextTooLong
        assert len(a.server.requests) == 1


@pytest.mark.parametrize("model", BOTH)
async def test_retry_after_is_kept_to_the_letter(model: str) -> None:
    replies = [
        Reply(status=429, retry_after="7"),
        Reply(status=503, retry_after="0.5"),
        Reply(status=529, retry_after="0"),
        Reply(status=429, retry_after="soon"),
        Reply(text="there"),
    ]
    with asking(replies, uniform=lambda low, high: high) as a:
        assert (await a.ask(model)).message.text == "there"
        # The last has none that can be read: the fourth pause of ours, with jitter.
        assert a.pauses == [7, 0.5, 0, 8 * 1.25]


@pytest.mark.parametrize("model", BOTH)
async def test_a_retry_after_as_a_date(model: str) -> None:
    with asking([Reply(status=429, retry_after="Thu, 01 Jan 1970 00:00:00 GMT"), Reply()]) as a:
        await a.ask(model)
        assert a.pauses == [0]


@pytest.mark.parametrize("model", BOTH)
async def test_a_retry_after_beyond_five_minutes_is_said_and_not_waited_for(model: str) -> None:
    with asking([Reply(status=429, retry_after="3600")]) as a:
        error = await a.refused(model)
        assert (len(a.server.requests), a.pauses) == (1, [])
        assert "3600 s" in error.message


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
async def test_connection_refused(
    model: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking([]) as a:
        base = f"http://127.0.0.1:{closed_port()}"
        monkeypatch.setenv("OPENAI_BASE_URL", f"{base}/v1")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", base)
        error = await a.refused(model, stream=stream)
        assert type(error) is ModelUnavailable
        assert (error.attempts, a.pauses) == (3, [1, 1])
        assert "refused" in error.message
        assert base in error.hint


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
async def test_no_answer_in_time(model: str, stream: bool) -> None:
    with asking([Reply(delay=60)] * 4, settings=Settings(request_timeout=0.3)) as a:
        error = await a.refused(model, stream=stream)
        assert type(error) is ModelUnavailable
        assert (error.attempts, len(a.server.requests), a.pauses) == (4, 4, BROKEN)
        assert "no answer in time" in error.message


@pytest.mark.parametrize("model", BOTH)
async def test_silence_in_the_middle_of_a_stream(model: str) -> None:
    slow = Reply(text="a b c", chunk_delay=60)
    with asking([slow, Reply(text="b")], settings=Settings(request_timeout=1)) as a:
        assert (await a.ask(model)).message.text == a.shown == "b"
        assert a.pauses == [1]


@pytest.mark.parametrize("model", BOTH)
async def test_different_failures_count_together(model: str) -> None:
    with asking([Reply(status=500), Reply(status=429), Reply(status=500), Reply(text="x")]) as a:
        assert (await a.ask(model)).message.text == "x"
        assert a.pauses == [1, 2, 4]


@pytest.mark.parametrize("model", BOTH)
async def test_a_final_answer_after_an_overload_ends_it(model: str) -> None:
    with asking([Reply(status=529), Reply(status=401)]) as a:
        error: ModelError = await a.refused(model)
        assert type(error) is NotAuthenticated
        assert error.attempts == 2


def test_the_jitter_is_a_quarter_up_and_down() -> None:
    asked = []
    pause = pause_after(Failure("broken", ""), 2, 0, lambda a, b: asked.append((a, b)) or b)
    assert (pause, asked) == (2.5, [(0.75, 1.25)])


def test_no_row_goes_on_beyond_its_time() -> None:
    one = lambda low, high: 1.0  # noqa: E731
    assert pause_after(Failure("overloaded", ""), 1, 299, one) == 1
    assert pause_after(Failure("overloaded", ""), 1, 299.5, one) is None
    assert pause_after(Failure("refused", ""), 1, 4.5, one) is None
    assert pause_after(Failure("final", ""), 1, 0, one) is None
    assert set(ROWS) == {"overloaded", "broken", "refused", "final"}
