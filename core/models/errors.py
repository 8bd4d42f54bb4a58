"""What went wrong with a request, read by status, code, type and body, for every route.

litellm renames statuses (529, 502 to 504 come as 500 over OpenAI's format, 402 as a bad
request over Anthropic's); the truth is the HTTP response in the exception's causes.
"""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.models.error_text import body_of, of_value, sentence, without
from core.models.loading import load
from core.models.wire.failures import NotAnAnswer, StreamCut, WireError
from core.models.wire.no_model import is_no_model
from core.models.wire.pauses import is_spent, pause_in
from core.models.wire.too_long import is_too_long, window_in
from core.models.wire.values import value_of
from core.secrets.redaction import redacted

if TYPE_CHECKING:
    import httpx

#: Which row of the attempts table a failure belongs to (core/models/attempts.py).
Kind = Literal["overloaded", "broken", "refused", "final"]


@dataclass(frozen=True)
class Failure:
    """A failed attempt.

    Attributes:
        said: the provider's words. retry_after: seconds that it asked for.
        is_too_long: the request is longer than the window. window: tokens of it, if they are told.
        is_spent: a quota or the money is used up. hint: what to do, if it is known.
        is_no_model: the server does not know the model.
    """

    kind: Kind
    said: str
    status: int | None = None
    retry_after: float | None = None
    is_too_long: bool = False
    window: int | None = None
    is_spent: bool = False
    is_no_model: bool = False
    hint: str = ""


def classify(error: Exception, secret: str = "") -> Failure:
    """Which kind of failure `error` is, with the provider's words and without `secret`."""
    causes = list(_causes(error))
    wire = next((e for e in causes if isinstance(e, WireError)), None)
    if wire is not None:
        said = redacted(without(of_value(wire.body, wire.status), secret))
        return _refusal(wire.status, said, wire.body, wire.headers, in_stream=wire.in_stream)
    strange = next((e for e in causes if isinstance(e, NotAnAnswer)), None)
    if strange is not None:
        return Failure("final", f"it answered with {strange.what}", hint=ADDRESS)
    response = next((r for e in causes if (r := _http_response(e)) is not None), None)
    status = response.status_code if response is not None else None
    said = redacted(without(sentence(causes, status), secret))
    if any(isinstance(e, ConnectionRefusedError) for e in causes) or _is_refused(causes):
        return Failure("refused", "the connection was refused")
    if response is None or status is None or status < 400:
        return _without_status(error, causes, said)
    body = body_of(causes)
    return _refusal(status, said, value_of(body.encode()) if body else said, response.headers)


#: The next step if what answers at the address is not a model server.
ADDRESS = "check the address of the server: a base URL mostly ends in /v1"


def _refusal(
    status: int | None, said: str, body: Any, headers: Mapping[str, str], *, in_stream: bool = False
) -> Failure:
    """A failure that the server itself told, as a status or inside its stream."""
    if is_too_long(status, body):
        return Failure("final", said, status, is_too_long=True, window=window_in(body))
    pause = pause_in(headers, body)
    if is_spent(status, body):
        return Failure("final", said, status, pause, is_spent=True)
    if status in (429, 503, 529):
        return Failure("overloaded", said, status, pause)
    if status is None or status == 408 or status >= 500:
        # A word such as invalid_request_error alone is not a status; what came after the stream had
        # begun is asked for again.
        return Failure("broken", said or "the stream was cut", status, pause if in_stream else None)
    return Failure("final", said, status, is_no_model=is_no_model(status, body), hint=_hint(said))


#: Words of refusals with a next step of their own.
_HINTS = (
    (r"enable-auto-tool-choice|tool-call-parser", "start vLLM with --enable-auto-tool-choice "
     "--tool-call-parser (hermes, or the model's own)"),
    (r"does not support (?:tools|tool use|function)|tools? (?:use )?(?:is|are) not supported|"
     r"no endpoints found that support tool", "choose a model that can call tools"),
    (r"--jinja|jinja", "start llama-server with --jinja"),
    (r"roles must alternate", "the model's chat template takes no two messages of one role in a "
     "row: start the server with another template, or choose another model"),
)  # fmt: skip


def _hint(said: str) -> str:
    return next((hint for words, hint in _HINTS if re.search(words, said, re.IGNORECASE)), "")


def _is_refused(causes: list[BaseException]) -> bool:
    """httpx keeps of a refused connection only its words."""
    import httpx

    refused = re.compile(r"Connection refused|All connection attempts failed", re.IGNORECASE)
    return any(isinstance(e, httpx.ConnectError) and refused.search(str(e)) for e in causes)


def _without_status(error: Exception, causes: list[BaseException], said: str) -> Failure:
    """A failure that no HTTP status tells about."""
    import httpx

    timeouts: tuple[type[BaseException], ...] = (httpx.TimeoutException, TimeoutError)
    exceptions: Any = None
    if "litellm" in sys.modules:
        exceptions = load().exceptions
        timeouts = (*timeouts, exceptions.Timeout)
    if any(isinstance(e, timeouts) for e in causes):
        return Failure("broken", "no answer in time")
    # litellm gives a lost connection its own status making; so the transport's own
    # exception is looked for first.
    lost = next((e for e in causes if isinstance(e, httpx.TransportError | OSError)), None)
    secure = next((e for e in causes if isinstance(e, ssl.SSLError)), None)
    if secure is not None or (isinstance(lost, httpx.ConnectError) and "[SSL" in str(lost)):
        why = next((w for e in causes if isinstance(w := getattr(e, "reason", 0), str)), str(lost))
        return Failure("broken", f"no secure connection: {why}")
    if isinstance(lost, httpx.ConnectError):
        return Failure("broken", f"no connection: {_where(lost, said)}")
    if lost is not None:
        return Failure("broken", "the connection was cut")
    if isinstance(error, StreamCut):
        return Failure("broken", said or "the stream was cut")
    return _of_litellm(error, said, exceptions)


def _where(lost: httpx.ConnectError, said: str) -> str:
    """The host that cannot be reached, and why."""
    said = re.sub(r" ssl:(<.*?>|\S+)|\[Errno -?\d+\] ", "", said)
    try:
        url = lost.request.url
    except RuntimeError:
        return said
    host = f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"
    return said if host in said else f"{host}: {said}"


def _of_litellm(error: Exception, said: str, exceptions: Any) -> Failure:
    """litellm's own exceptions, of requests that reached no one or broke off."""
    if exceptions is not None:
        import openai

        if isinstance(error, exceptions.MidStreamFallbackError):
            if is_too_long(None, said):
                return Failure("final", said, is_too_long=True, window=window_in(said))
            return Failure("broken", said or "the stream was cut")
        never_sent = (
            exceptions.BadRequestError,
            exceptions.AuthenticationError,
            exceptions.NotFoundError,
        )
        if isinstance(error, never_sent):
            too_long = isinstance(error, exceptions.ContextWindowExceededError)
            return Failure("final", said, error.status_code, is_too_long=too_long)
        if isinstance(error, openai.APIError):
            return Failure("broken", said or type(error).__name__)
    return Failure("final", f"{type(error).__name__}: {said}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _http_response(error: BaseException) -> httpx.Response | None:
    import httpx

    return error.response if isinstance(error, httpx.HTTPStatusError) else None
