"""Server-sent events out of bytes, as servers really write them.

Follows the HTML standard's rules for event streams, and forgives what servers do beyond them.
`str.splitlines` (which httpx's `aiter_lines` uses) is not used: it also splits at U+2028 and
U+0085, which JSON strings may hold.
"""

import codecs
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Event(NamedTuple):
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

    def feed(self, chunk: bytes, *, last: bool = False) -> list[str]:
        """The lines that are whole after `chunk`, without their ends; `last`: also the rest."""
        text = self._decoder.decode(chunk, last)
        if self._ended_with_cr and text.startswith("\n"):
            text = text[1:]
        if text:
            self._ended_with_cr = text.endswith("\r")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        if len(lines) > 1 and self._rest:
            lines[0] = "".join((*self._rest, lines[0]))
            self._rest.clear()
        if rest := lines.pop():
            self._rest.append(rest)
        if last and self._rest:
            lines.append("".join(self._rest))
            self._rest.clear()
        return lines


class Events:
    """Events out of lines."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []

    def feed(self, lines: Iterable[str]) -> Iterator[Event]:
        """The events that `lines` complete."""
        for line in lines:
            if not line:
                yield from self.end()
                continue
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                self._data.append(value)
            elif field == "event":
                self._name = value
            # A comment (": keep-alive"), id, retry and fields that no one defined say nothing.

    def end(self) -> Iterable[Event]:
        """What was not closed by an empty line; some servers leave out the last one."""
        name, data = self._name, self._data
        self._name, self._data = "", []
        if not data or not any(data):
            return ()
        # Several data lines are one text. Servers that forget the empty line between events
        # send several JSON texts so; each of them begins an object or is [DONE].
        if len(data) > 1 and all(part.startswith(("{", "[DONE]")) for part in data):
            return [Event(name, part) for part in data]
        return (Event(name, "\n".join(data)),)
