"""What went wrong with a request: litellm's exceptions, read by type and status.

litellm renames statuses (529, 502 to 504 come as 500 over OpenAI's format, 402 as a bad
request over Anthropic's); the truth is the HTTP response in the exception's causes.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from graph.errors import (
    ContextTooLong,
    ModelError,
    ModelUnavailable,
    NotAuthenticated,
    PaymentRequired,
    RequestRefused,
    UnknownModel,
)
from graph.models.catalogue import Route
from graph.models.loading import load
from graph.models.words import sentence, without
from graph.redaction import redacted

if TYPE_CHECKING:
    import httpx

#: Which row of the attempts table a failure belongs to (graph/models/attempts.py).
Kind = Literal["overloaded", "broken", "refused", "final"]


@dataclass(frozen=True)
class Failure:
    """A failed attempt. `retry_after`: seconds the provider asked for. `final`: the error to
    raise if it is the last one."""

    kind: Kind
    said: str
    status: int | None = None
    retry_after: float | None = None


class StreamCut(Exception):
    """The stream ended without a finish reason: a cut that looks like a success."""


def classify(error: Exception, secret: str = "") -> Failure:
    """Which kind of failure `error` is, with the provider's words and without `secret`."""
    causes = list(_causes(error))
    response = next((r for e in causes if (r := _http_response(e)) is not None), None)
    status = response.status_code if response is not None else None
    said = redacted(without(sentence(causes, status), secret))
    if any(isinstance(e, ConnectionRefusedError) for e in causes):
        return Failure("refused", "the connection was refused")
    if status is None or status < 400:
        return _without_status(error, causes, said)
    if status in (429, 503, 529):
        assert response is not None
        return Failure("overloaded", said, status, _retry_after(response.headers))
    if status == 408 or status >= 500:
        return Failure("broken", said, status)
    return Failure("final", said, status)


def _without_status(error: Exception, causes: list[BaseException], said: str) -> Failure:
    """A failure that no HTTP status tells about."""
    import httpx
    import openai

    exceptions = load().exceptions
    timeouts = (exceptions.Timeout, httpx.TimeoutException, TimeoutError)
    if any(isinstance(e, timeouts) for e in causes):
        return Failure("broken", "no answer in time")
    # litellm gives a lost connection a status of its own making; so the transport's own
    # exception is looked for first.
    lost = next((e for e in causes if isinstance(e, httpx.TransportError | OSError)), None)
    if any(isinstance(e, ssl.SSLError) for e in causes):
        why = next((w for e in causes if isinstance(w := getattr(e, "reason", 0), str)), "")
        return Failure("broken", f"no secure connection: {why}")
    if isinstance(lost, httpx.ConnectError):
        where = re.sub(r" ssl:(<.*?>|\S+)", "", said)
        return Failure("broken", f"no connection: {where}")
    if lost is not None:
        return Failure("broken", "the connection was cut")
    if isinstance(error, StreamCut | exceptions.MidStreamFallbackError):
        return Failure("broken", said or "the stream was cut")
    asked_nobody = (
        exceptions.BadRequestError,
        exceptions.AuthenticationError,
        exceptions.NotFoundError,
    )
    if isinstance(error, asked_nobody):
        return Failure("final", said, error.status_code)
    if isinstance(error, openai.APIError):
        return Failure("broken", said or type(error).__name__)
    return Failure("final", f"{type(error).__name__}: {said}")


def raised(error: Exception, failure: Failure, route: Route, attempts: int) -> ModelError:
    """The error of ours for a request that is given up."""
    status, said = failure.status, failure.said
    who = route.describe()
    facts: dict[str, Any] = {"status": status, "attempts": attempts}
    if isinstance(error, load().exceptions.ContextWindowExceededError):
        return ContextTooLong(f"the request is longer than the window of {who}: {said}", **facts)
    if status in (401, 403):
        return NotAuthenticated(
            f"{who} refused the credential: {said}", route.credential_hint(), **facts
        )
    if status == 402:
        return PaymentRequired(f"{who} wants payment: {said}", **facts)
    if status == 404:
        return UnknownModel(f"{who} does not know this model: {said}", **facts)
    if failure.kind == "final" and status is None:
        hint = "this is a defect: please report it"
        return ModelError(f"the request to {who} failed: {said}", hint, **facts)
    if failure.kind == "final":
        return RequestRefused(f"{who} refused the request: {said}", **facts)
    return _unavailable(failure, route, facts)


def _unavailable(failure: Failure, route: Route, facts: dict[str, Any]) -> ModelUnavailable:
    attempts = facts["attempts"]
    tried = f"{attempts} attempts" if attempts > 1 else "1 attempt"
    words = f"{route.describe()} gave no answer after {tried}: {failure.said}"
    if failure.retry_after:
        words += f" (it asks to wait {failure.retry_after:.0f} s)"
    hint = ""
    if failure.kind == "refused":
        where = route.base_url or "its address"
        hint = f"start the server at {where}, or choose another model with -m"
    return ModelUnavailable(words, hint, **facts)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _http_response(error: BaseException) -> httpx.Response | None:
    import httpx

    return error.response if isinstance(error, httpx.HTTPStatusError) else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of the header: a number, or a date."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
