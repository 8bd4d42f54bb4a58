"""The JSON values of an answer, out of its bytes.

What was asked for as a stream may come as a whole JSON answer, as lines of JSON, as a web page, or
not at all; what comes decides, not the Content-Type.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from core.models.wire.failures import NotAnAnswer, StreamCut
from core.models.wire.sse import Event, Events, Lines

#: The event that some servers end a stream with.
DONE = "[DONE]"
#: Takes raw line breaks in strings. With that option, `json.loads` makes a decoder for each text.
_parse = json.JSONDecoder(strict=False).decode


class Values:
    """Those of one answer as it comes, each with its event's name."""

    def __init__(self) -> None:
        self._head = b""
        self._kind = ""
        self._lines, self._events = Lines(), Events()
        #: Whether a value was found; text that is a part of one.
        self._found, self._waiting = False, ""

    def feed(self, piece: bytes, *, last: bool = False) -> Iterable[tuple[str, Any]]:
        """What `piece` completes; `last`: nothing follows. The last value may be DONE.

        Raises NotAnAnswer, StreamCut: behind the values that came before.
        """
        if not self._kind:
            self._head += piece
            start = self._head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
            if not start:
                if last:
                    raise StreamCut("the server closed the connection without an answer")
                return ()
            self._kind = {b"{": "json", b"[": "json", b"<": "page"}.get(start, "events")
            piece = self._head
        elif self._kind == "page":
            self._head += piece
        if self._kind == "events":
            return self._of_events(piece, last)
        if self._kind == "json":
            return self._of_lines(piece, last)
        if last:
            raise NotAnAnswer(page_title(self._head.decode("utf-8", "replace")))
        return ()

    def _of_events(self, piece: bytes, last: bool) -> Iterator[tuple[str, Any]]:
        for event in self._events.feed(self._lines.feed(piece, last=last)):
            self._found = True
            yield from _values(event)
        if not last:
            return
        for event in self._events.end():
            self._found = True
            yield from _values(event)
        if not self._found:
            text = self._head.decode("utf-8", "replace").strip()
            if text.startswith((":", "event:", "data:", "id:", "retry:")):
                raise StreamCut("the stream ended without an answer")
            raise NotAnAnswer(f"text that is not an answer ({text[:80]!r})")

    def _of_lines(self, piece: bytes, last: bool) -> Iterator[tuple[str, Any]]:
        """The values of an answer in JSON: one, or one per line (shown as they come)."""
        for line in self._lines.feed(piece, last=last):
            text = self._waiting = f"{self._waiting}\n{line}" if self._waiting else line
            # A line that ends no value is a part of one that is printed over many lines.
            if not text.rstrip().endswith(("}", "]")):
                continue
            try:
                value = _parse(text)
            except ValueError:
                continue
            self._waiting, self._found = "", True
            yield "", value
        if last and (self._waiting.strip() or not self._found):
            raise StreamCut("the answer was cut off")


def _values(event: Event) -> Iterable[tuple[str, Any]]:
    """The JSON value of an event. One that is not JSON is an error's text, or was cut off."""
    name, data = event
    try:
        return ((name, _parse(data)),)
    except ValueError:
        if data.strip() == DONE:
            return ((name, DONE),)
        if name == "error":
            return ((name, {"error": {"message": data}}),)
        if data.lstrip().startswith(("{", "[")):
            raise StreamCut("an event of the stream was cut off") from None
        return ()  # words of a proxy ("ping", "OPENROUTER PROCESSING") between the events


def value_of(raw: bytes) -> Any:
    """A body's JSON value; its text if it is not JSON."""
    text = raw.decode("utf-8-sig", "replace")
    try:
        return _parse(text)
    except ValueError:
        return text


def page_title(text: str) -> str:
    """A web page in a few words."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
    words = " ".join(title[1].split()) if title else ""
    return f"an HTML page ({words[:80]!r})" if words else "an HTML page"
