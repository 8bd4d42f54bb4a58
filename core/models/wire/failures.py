"""What a server answered instead of an answer: raised by the wire, classified by the client."""

from collections.abc import Mapping
from typing import Any


class WireError(Exception):
    """A refusal, with all that the server said.

    Args:
        status: the HTTP status, or the one that the body names; None if there is none.
        body: the JSON value or the text. headers: of the response, lower-case names.
        in_stream: it came after the stream had begun, or as the answer of a 200.
    """

    def __init__(
        self,
        status: int | None,
        body: Any,
        headers: Mapping[str, str] | None = None,
        *,
        in_stream: bool = False,
    ) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        self.in_stream = in_stream


class StreamCut(Exception):
    """The answer ended before it was whole: no finish reason, or nothing at all."""


class NotAnAnswer(Exception):
    """A success (200) that is not an answer of a model: a web page, or text of some other kind.

    Args:
        what: it in a few words, for the user.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def error_in(event: Any, name: str = "") -> WireError | None:
    """The error that an event of a stream (or a whole body) reports; None if it is none.

    Known shapes: {"error": {...}} or {"error": "..."}, Anthropic's {"type": "error"},
    vLLM's {"object": "error", "message"}, OpenRouter's error next to `choices`, {"detail": ...},
    and any object in an event named `error`.
    """
    if not isinstance(event, dict):
        return WireError(None, event, in_stream=True) if name == "error" else None
    error = event.get("error")
    is_error = bool(error) or name == "error"
    is_error = is_error or "error" in (event.get("object"), event.get("type"))
    if not is_error and "detail" in event and "choices" not in event:
        is_error = not {"message", "content", "response"} & set(event)
    if not is_error:
        return None
    inner = error if isinstance(error, dict) else event
    return WireError(_status(inner), event, in_stream=True)


def _status(error: Mapping[str, Any]) -> int | None:
    for name in ("code", "status", "status_code", "http_code"):
        value = error.get(name)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None
