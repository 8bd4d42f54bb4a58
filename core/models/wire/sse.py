"""Server-sent events out of bytes, as servers really write them.

Follows the HTML standard's rules for event streams, and forgives what servers do beyond them.
`str.splitlines` (which httpx's `aiter_lines` uses) is not used: it also splits at U+2028 and
U+0085, which JSON strings may hold.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """One event: its name ("" if the server gave none) and its data."""

    name: str
    data: str


class Lines:
    """Lines out of bytes: CRLF, LF or CR; UTF-8 that is cut between chunks; a leading BOM."""

    def __init__(self) -> None:
        # utf-8-sig drops the mark; what is not UTF-8 is replaced and does not end the answer.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest: list[str] = []
        self._ended_with_cr = False

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[str]:
        """The lines that are whole after `chunk`, without their ends; `last`: also the rest."""
        text = self._decoder.decode(chunk, last)
        if self._ended_with_cr and text.startswith("\n"):
            text = text[1:]
        if text:
            self._ended_with_cr = text.endswith("\r")
        start = 0
        for found in _LINE_END.finditer(text):
            yield "".join([*self._rest, text[start : found.start()]])
            self._rest.clear()
            start = found.end()
        if start < len(text):
            self._rest.append(text[start:])
        if last and self._rest:
            yield "".join(self._rest)
            self._rest.clear()


class Events:
    """Events out of lines."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []

    def feed(self, line: str) -> Iterator[Event]:
        """The events that `line` completes."""
        if not line:
            yield from self.end()
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        # A comment (": keep-alive"), id, retry and fields that no one defined say nothing.

    def end(self) -> Iterator[Event]:
        """What was not closed by an empty line; some servers leave out the last one."""
        name, data = self._name, self._data
        self._name, self._data = "", []
        if not data or not any(data):
            return
        # Several data lines are one text. Servers that forget the empty line between events
        # send several JSON texts so; each of them begins an object or is [DONE].
        if len(data) > 1 and all(part.startswith(("{", "[DONE]")) for part in data):
            for part in data:
                yield Event(name, part)
        else:
            yield Event(name, "\n".join(data))
