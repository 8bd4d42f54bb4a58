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
        """It as an item of a list, behind another."""
        return b"," + _dumped(dict(self))


def encoded(body: Mapping[str, Any]) -> list[bytes]:
    """`body` as UTF-8 JSON, in parts. A lone surrogate in any field of it is replaced.

    Not joined: memory for a body that grows with each step is new each time, and to get it takes
    longer than to make the newest message.
    """
    parts = [b"{"]
    for name, value in body.items():
        parts.append(b'%s"%s":' % (b"," if len(parts) > 1 else b"", name.encode()))
        if isinstance(value, list) and value:
            items = [item.json if type(item) is Sent else b"," + _dumped(item) for item in value]
            parts += (b"[", items[0][1:], *items[1:], b"]")
        else:
            parts.append(_dumped(value))
    return [*parts, b"}"]


#: `json.dumps` makes an encoder for each value.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _dumped(value: Any) -> bytes:
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        return _dumped(encodable_in(value))
