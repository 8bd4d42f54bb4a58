"""The JSON of a request's body, of which only what is new since the last request is made."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from core.text import encodable_in

T = TypeVar("T")


class Same(Generic[T]):
    """A value as a key: the same object, since its content cannot be hashed."""

    def __init__(self, it: T) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.it is other.it


class Sent(dict[str, Any]):
    """A message or tool as it is sent. It does not change, and keeps its JSON."""

    @cached_property
    def json(self) -> bytes:
        return _dumped(dict(self))


def encoded(body: Mapping[str, Any]) -> bytes:
    """`body` as UTF-8 JSON. A lone surrogate in any field of it is replaced."""
    parts: list[bytes] = []
    for name, value in body.items():
        parts += (b"," if parts else b"{", _dumped(name), b":")
        if not isinstance(value, list):
            parts.append(_dumped(value))
            continue
        # Joined once: to copy a long history again takes longer than to make its newest message.
        items = [item.json if type(item) is Sent else _dumped(item) for item in value]
        between = [b","] * (2 * len(items) - 1)
        between[::2] = items
        parts += (b"[", *between, b"]")
    return b"".join((*parts, b"}")) if parts else b"{}"


def _dumped(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return _dumped(encodable_in(value))
