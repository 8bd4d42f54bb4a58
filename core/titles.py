"""A tool call in a few words: what the chat, the page and an approval show behind the tool's name.

Arguments are told as the model sent them, valid or not, so nothing here relies on their types.
"""

from collections.abc import Mapping, Sequence
from typing import Any

#: What a call of a tool that names nothing else is about, the most telling first.
USUAL = ("command", "pattern", "path", "operation", "question", "query", "url", "task")
#: Arguments that are words to look for.
QUOTED = ("query", "keyword", "where")


def title_of(arguments: Mapping[str, Any], names: Sequence[str] = ()) -> str:
    """The arguments `names` that are there, in this order; without names, the most telling one, or
    all."""
    if names:
        parts = [_part(name, arguments[name]) for name in names if arguments.get(name)]
        return " ".join(part for part in parts if part)
    for name in USUAL:
        if name in arguments:
            extra = f" {arguments['id']}" if name == "operation" and arguments.get("id") else ""
            return f"{arguments[name]}{extra}"
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _part(name: str, value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return f'"{value}"' if name in QUOTED else str(value)


def count_lines(text: Any) -> str:
    """`1 line`, `44 lines`."""
    count = len(str(text).splitlines())
    return f"{count} line{'' if count == 1 else 's'}"
