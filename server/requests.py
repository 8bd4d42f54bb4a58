"""What requests may hold, checked; and how errors are answered."""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.errors import AgentError, NoSuchThread, StoreError, ThreadBusy, UsageError
from core.secrets.redaction import redacted
from server.hints import hint_for
from server.limits import TooMany

log = logging.getLogger(__name__)

Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]


class NotSignedIn(AgentError):
    """The request has no cookie of a signed-in user."""


class ServerFailed(AgentError):
    """A fault of ours, not of the request."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NoFields(_Body):
    """A request that says everything with its address."""


class NewThread(_Body):
    text: str
    model: str | None = None
    mode: Literal["ask", "auto", "read-only", "yolo"] | None = None
    key: str = Field("", max_length=100)


class Message(_Body):
    text: str
    key: str = Field("", max_length=100)


class OneDecision(_Body):
    id: str
    type: Literal["approve", "edit", "reject", "respond"]
    message: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    always: bool = False


class Decisions(_Body):
    decisions: list[OneDecision] = Field(max_length=200)


class Undo(_Body):
    turns: int = Field(1, ge=1, le=10_000)
    dry_run: bool = False


class Redo(_Body):
    dry_run: bool = False


class Fork(_Body):
    at: int | None = None


class Number(_Body):
    number: int


class Title(_Body):
    title: str = Field(min_length=1, max_length=500)


class Model(_Body):
    model: str = Field(min_length=1, max_length=300)


class Mode(_Body):
    mode: Literal["ask", "auto", "read-only", "yolo"]


class Cap(_Body):
    dollars: float = Field(gt=0, le=10_000)


async def body_of(request: Request, kind: type[Body]) -> Body:
    """The request's JSON object. Raises UsageError."""
    try:
        return kind.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise UsageError(f"{where}: {first['msg']}", "reload the page") from None


def answering(handler: Handler) -> Handler:
    """`handler`, whose errors become answers that say what to do."""

    @functools.wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except AgentError as error:
            return failure(error)
        except Exception as error:  # a route's boundary: the page gets an answer, we a traceback
            log.exception("%s %s failed", request.method, request.url.path)
            said = ServerFailed(f"the server failed: {type(error).__name__}", "try again")
            return failure(said)

    return answered


def failure(error: AgentError) -> JSONResponse:
    """An error of ours as an answer."""
    statuses: tuple[tuple[type[AgentError], int], ...] = (
        (NotSignedIn, 401),
        (NoSuchThread, 404),
        (TooMany, 429),
        (ThreadBusy, 409),
        (StoreError, 503),
        (ServerFailed, 500),
    )
    status = next((status for kind, status in statuses if isinstance(error, kind)), 400)
    told = {
        "kind": error.kind,
        "message": redacted(error.message),
        "hint": redacted(hint_for(error.kind, error.hint)),
    }
    wait = {"retry-after": "30"} if status in (429, 503) else {}
    return JSONResponse({"error": told}, status, wait)
