"""What went wrong, in one line: the provider's own sentence, out of whatever is around it.

Bodies come as JSON of many shapes, as HTML of a proxy, as Python's bytes in litellm's
messages; OpenAI quotes the key that was sent. None of that is for a user.
"""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

LONGEST = 300
_CLASSES = re.compile(r"^(?:(?:litellm\.)?\w*(?:Error|Exception|Timeout)\b[\s:-]*)+")


def sentence(causes: Sequence[BaseException], status: int | None) -> str:
    """The provider's words, from an exception and its causes; else the status, else ""."""
    body = body_of(causes)
    said = _of_body(body) if body is not None else _of_text(_message(causes[0]))
    return _one_line(said) or (f"HTTP {status}" if status else "")


def without(text: str, secret: str) -> str:
    """`text` without the key. A short one is not a secret ("none" for a server of one's own)."""
    return text.replace(secret, "[key]") if len(secret) >= 8 else text


def of_value(body: Any, status: int | None) -> str:
    """The provider's words in a body that was read already; else the status, else ""."""
    said = _of_json(body) if not isinstance(body, str) else _of_body(body)
    return _one_line(said) or (f"HTTP {status}" if status else "")


def body_of(causes: Sequence[BaseException]) -> str | None:
    """The body of the answer, kept by litellm as the `message` of its HTTP error."""
    import httpx

    for error in causes:
        message = getattr(error, "message", None)
        if isinstance(error, httpx.HTTPStatusError) and isinstance(message, bytes | str):
            return message.decode("utf-8", "replace") if isinstance(message, bytes) else message
    return None


def _message(error: BaseException) -> str:
    return str(getattr(error, "message", "") or error)


def _of_body(body: str) -> str:
    try:
        return _of_json(json.loads(body))
    except ValueError:
        pass
    if body.lstrip().startswith("<"):
        title = re.search(r"<title>(.*?)</title>", body, re.DOTALL | re.IGNORECASE)
        return title.group(1) if title else ""
    return _without_classes(body)


def _of_json(value: Any) -> str:
    """The sentence in an error body: {"error": {"message"}}, {"error": "…"}, {"detail": …}."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _of_json(value[0]) if value else ""
    if isinstance(value, dict):
        for name in ("error", "message", "detail", "msg", "errors"):
            if found := _of_json(value.get(name)):
                return found
    return ""


def _of_text(text: str) -> str:
    """From a message of litellm's, which may have the body somewhere inside."""
    text = text.split(" Original exception:")[0]
    for found in re.finditer(r"b'.*'|b\".*\"|\{", text, re.DOTALL):
        inner = _bytes(found.group()) if found.group() != "{" else _leading(text[found.start() :])
        if inner is not None:
            return _of_body(inner)
    return _without_classes(text)


def _bytes(literal: str) -> str | None:
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None


def _leading(text: str) -> str | None:
    """The JSON value that `text` begins with."""
    try:
        return text[: json.JSONDecoder().raw_decode(text)[1]]
    except ValueError:
        return None


def _without_classes(text: str) -> str:
    text = text.partition("Traceback (most recent call last)")[0]
    text = re.sub(r"\.? Handle with `[\w.]+`\.?", "", text)
    return _CLASSES.sub("", text.strip()).replace("litellm.", "")


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
