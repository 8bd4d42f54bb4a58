"""Names and ids in the form that providers take; each maps to one thing, the same every time."""

import re
from collections.abc import Iterable
from hashlib import sha256

#: What every provider takes as a tool's name, and as a call's id.
SENDABLE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
#: OpenAI takes ids of at most 40 characters.
ID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
#: What providers take as a name of a tool's parameter.
PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_NINE = re.compile(r"[a-zA-Z0-9]{9}")
#: Models whose servers take ids of exactly nine letters or digits, whoever serves them.
_MISTRAL = re.compile(r"mistral|mixtral|codestral|devstral|magistral|ministral|pixtral|mathstral")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def sendable(name: str) -> str:
    """`name` as every provider takes it; unchanged if it is so already."""
    if SENDABLE.fullmatch(name):
        return name
    plain = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_") or "unnamed"
    # Two names that differ must not become one.
    return f"{plain[:55]}_{_digest(name, 8)}"


def wants_nine(provider: str, model: str) -> bool:
    """Whether ids of calls must have exactly nine letters or digits."""
    return provider == "mistral" or _MISTRAL.search(model.lower()) is not None


def sendable_id(id: str, *, nine: bool = False) -> str:
    """The id of a call as the provider takes it; calls and results get the same one."""
    if nine:
        return id if _NINE.fullmatch(id) else _digest(id, 9)
    return id if ID.fullmatch(id) else f"call_{_digest(id, 24)}"


def sendable_properties(names: Iterable[str]) -> dict[str, str]:
    """Name of a parameter as it is offered → as the tool knows it; only those that differ."""
    taken = set(names)
    changed: dict[str, str] = {}
    for name in sorted(taken):
        if PROPERTY.fullmatch(name):
            continue
        plain = re.sub(r"[^a-zA-Z0-9_.-]+", "_", name).strip("_")[:64] or "parameter"
        if plain in taken or plain in changed:
            plain = f"{plain[:55]}_{_digest(name, 8)}"
        changed[plain] = name
    return changed


def _digest(text: str, length: int) -> str:
    number = int.from_bytes(sha256(text.encode("utf-8", "replace")).digest(), "big")
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
