"""The JSON of a request's body, of which only what is new since the last request is made."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from core.text import encodable_in

T = TypeVar("T")
BLOCK = 16_384


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

    block: tuple[list[Any], bytes] | None = None

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
            items = _items(value)
            parts += (b"[", items[0][1:], *items[1:], b"]")
        else:
            parts.append(_dumped(value))
    return [*parts, b"}"]


def _items(values: list[Any]) -> list[bytes]:
    """Each behind a comma. What is in blocks is looked at by block."""
    parts: list[bytes] = []
    at = 0
    while at < len(values):
        first = values[at]
        if type(first) is not Sent:
            parts.append(b"," + _dumped(first))
            at += 1
            continue
        block = first.block
        if block is None or values[at : at + len(block[0])] != block[0]:
            block = _block(values[at:])
            if block is None:
                parts.append(first.json)
                at += 1
                continue
            first.block = block
        parts.append(block[1])
        at += len(block[0])
    return parts


def _block(values: list[Any]) -> tuple[list[Any], bytes] | None:
    """The first of `values` that together are long enough; None if they are not."""
    taken: list[bytes] = []
    size = 0
    for value in values:
        if type(value) is not Sent:
            return None
        taken.append(value.json)
        size += len(taken[-1])
        if size >= BLOCK:
            return values[: len(taken)], b"".join(taken)
    return None


#: `json.dumps` makes an encoder for each value.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _dumped(value: Any) -> bytes:
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        return _dumped(encodable_in(value))
