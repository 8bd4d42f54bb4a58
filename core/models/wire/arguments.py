"""A call's arguments as the model wrote them → an object, if they have exactly one reading."""

import json
from typing import Any

from core.text import encodable_in

MISSING = "the call came without arguments. Send it again, with {} if it takes none."
#: Characters of the model's own text that a reason quotes.
QUOTED = 200
#: How often a text within a text is read: servers encode twice, not more.
DEPTH = 2


def read_arguments(raw: Any, *, takes_none: bool = False) -> tuple[dict[str, Any], str]:
    """(the arguments, what is wrong with them; "" if nothing is).

    Read are: an object; an object as text, with raw line breaks in its strings; that text encoded
    once more; null. Nothing that was cut off is completed, and an object that names a key twice
    has two readings.

    Args:
        takes_none: the tool has no parameters, so that no text at all can only mean none.
    """
    value: Any = raw
    for _ in range(DEPTH + 1):
        if value is None:
            return {}, ""
        if isinstance(value, dict):
            return encodable_in(value), ""
        if not isinstance(value, str):
            break
        text = value.strip().removeprefix("\ufeff")
        if not text:
            return {}, "" if takes_none else MISSING
        try:
            value = json.loads(
                text, strict=False, parse_constant=_refuse, object_pairs_hook=_without_twins
            )
        except ValueError as error:
            return {}, f"the arguments are not valid JSON ({error}): {_quoted(raw)}"
        except RecursionError:
            return {}, f"the arguments are nested too deeply: {_quoted(raw)}"
        if isinstance(value, str) and not value.lstrip().startswith(("{", '"', "null")):
            break
    return {}, f"the arguments are not a JSON object: {_quoted(raw)}"


def is_whole(raw: str) -> bool:
    """Whether `raw` is one whole JSON value: what follows it belongs to another call."""
    try:
        json.loads(raw, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _quoted(raw: Any) -> str:
    return (raw if isinstance(raw, str) else json.dumps(raw))[:QUOTED]


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"{twice!r} is named twice")
    return found
