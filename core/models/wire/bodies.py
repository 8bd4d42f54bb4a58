"""What a refusal says: its sentence, code and type, out of the many shapes of error bodies."""

from collections.abc import Iterator, Mapping
from typing import Any

#: Names under which servers give a code, a type or a kind of error.
_CODES = ("code", "type", "status", "error_type", "error_code", "reason", "object")
_DEPTH = 6


def sentences(body: Any) -> str:
    """All text of an error body, nested ones included, on one line; for words to be found in."""
    return " ".join(" ".join(_strings(body, _DEPTH)).split())


def codes(body: Any) -> set[str]:
    """Codes and types that the body names, in lower case."""
    return {str(v).lower() for v in _fields(body, _CODES, _DEPTH) if isinstance(v, str | int)}


def numbers(body: Any, name: str) -> list[int]:
    """The numbers under `name`, wherever they are in the body."""
    found = _fields(body, (name,), _DEPTH)
    return [int(v) for v in found if isinstance(v, int | float) and not isinstance(v, bool)]


def texts(body: Any, name: str) -> list[str]:
    """The texts under `name`, wherever they are in the body."""
    return [v for v in _fields(body, (name,), _DEPTH) if isinstance(v, str)]


def _strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item, depth - 1)
    elif depth and isinstance(value, list):
        for item in value:
            yield from _strings(item, depth - 1)


def _fields(value: Any, names: tuple[str, ...], depth: int) -> Iterator[Any]:
    if not depth:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in names:
                yield item
            yield from _fields(item, names, depth - 1)
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item, names, depth - 1)
