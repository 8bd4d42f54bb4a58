"""What went wrong with a request: litellm's exceptions, read by type and status.

litellm renames statuses (529, 502 to 504 come as 500 over OpenAI's format, 402 as a bad
request over Anthropic's); the truth is the HTTP response in the exception's causes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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


def classify(error: Exception) -> Failure:
    """Which kind of failure `error` is, with the provider's words."""
    exceptions = load().exceptions
    chain = list(_causes(error))
    response = next((r for e in chain if (r := _http_response(e)) is not None), None)
    status = response.status_code if response is not None else None
    said = _words(chain, response)
    if any(isinstance(e, ConnectionRefusedError) for e in chain):
        return Failure("refused", "the connection was refused")
    if isinstance(error, StreamCut | exceptions.MidStreamFallbackError):
        return Failure("broken", said or "the stream was cut", status)
    if status is None:
        if isinstance(error, exceptions.Timeout | TimeoutError):
            return Failure("broken", "no answer in time")
        if _is_ours_to_give_up(error):
            return Failure("final", said, getattr(error, "status_code", None))
        return Failure("broken", said or type(error).__name__)
    if status in (429, 503, 529):
        return Failure("overloaded", said, status, _retry_after(response.headers))  # type: ignore[union-attr]
    if status == 408 or status >= 500:
        return Failure("broken", said, status)
    return Failure("final", said, status)


def raised(error: Exception, failure: Failure, route: Route, attempts: int) -> ModelError:
    """The error of ours for a request that is given up."""
    status, said = failure.status, failure.said
    who = route.describe()
    if isinstance(error, load().exceptions.ContextWindowExceededError):
        return ContextTooLong(
            f"the request is longer than the window of {who}: {said}", status=status
        )
    if status in (401, 403):
        return NotAuthenticated(
            f"{who} refused the credential: {said}", route.credential_hint(), status=status
        )
    if status == 402:
        return PaymentRequired(f"{who} wants payment: {said}", status=status)
    if status == 404:
        return UnknownModel(f"{who} does not know this model: {said}", status=status)
    if failure.kind == "final":
        return RequestRefused(f"{who} refused the request: {said}", status=status)
    tried = f"{attempts} attempts" if attempts > 1 else "1 attempt"
    hint = ""
    if failure.kind == "refused":
        hint = f"start the server at {route.base_url or 'its address'}, or choose another model with -m"
    return ModelUnavailable(
        f"{who} gave no answer after {tried}: {said}", hint, status=status, attempts=attempts
    )


def _is_ours_to_give_up(error: Exception) -> bool:
    """Errors that litellm raises without asking anybody: another attempt gives the same."""
    exceptions = load().exceptions
    return isinstance(
        error,
        exceptions.BadRequestError | exceptions.AuthenticationError | exceptions.NotFoundError,
    ) or not isinstance(error, exceptions.APIError | exceptions.APIConnectionError | OSError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _http_response(error: BaseException):  # type: ignore[no-untyped-def]
    import httpx

    return error.response if isinstance(error, httpx.HTTPStatusError) else None


def _retry_after(headers) -> float | None:  # type: ignore[no-untyped-def]
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def _words(chain: list[BaseException], response) -> str:  # type: ignore[no-untyped-def]
    """The provider's own sentence, without JSON, bytes and class names around it."""
    text = str(getattr(chain[0], "message", "") or chain[0])
    start = min((i for i in (text.find("{"), text.find("b'{")) if i >= 0), default=-1)
    if start >= 0:
        found = re.search(r'"message"\s*:\s*("(?:[^"\\]|\\.)*")', text[start:])
        if found:
            try:
                return _one_line(json.loads(found.group(1)))
            except ValueError:
                pass
    text = text.split(" Original exception:")[0]
    text = re.sub(r"^(?:litellm\.)?(?:\w+(?:Error|Exception)(?: -|:)\s*)+", "", text)
    text = re.sub(
        r"^(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout)(?: -|:)?\s*)+(?:- )?", "", text
    )
    if response is not None and not text.strip():
        text = f"HTTP {response.status_code}"
    return _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
