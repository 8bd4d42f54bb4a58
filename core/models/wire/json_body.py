"""The JSON of a request's body, of which only what is new since the last request is made."""

import json
from collections.abc import Mapping
from typing import Any

from core.text import encodable_in


class Sent(dict[str, Any]):
    """A message or tool as it is sent. It does not change, and keeps its JSON."""

    __slots__ = ("_json",)
    _json: bytes

    def json(self) -> bytes:
        try:
            return self._json
        except AttributeError:
            self._json = _dumped(dict(self))
            return self._json


def encoded(body: Mapping[str, Any]) -> bytes:
    """`body` as UTF-8 JSON. A lone surrogate in any field of it is replaced."""
    fields = (_dumped(name) + b":" + _value(value) for name, value in body.items())
    return b"{" + b",".join(fields) + b"}"


def _value(value: Any) -> bytes:
    if not isinstance(value, list):
        return _dumped(value)
    items = (item.json() if isinstance(item, Sent) else _dumped(item) for item in value)
    return b"[" + b",".join(items) + b"]"


def _dumped(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return _dumped(encodable_in(value))
