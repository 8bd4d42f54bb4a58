"""One HTTP exchange with a model server: JSON events of a stream, or one JSON answer.

What was asked for as a stream may come as a whole JSON answer, as lines of JSON, as a web page, or
not at all; what comes decides, not the Content-Type.
"""

import asyncio
import codecs
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from core.models.wire.failures import NotAnAnswer, StreamCut, WireError, error_in
from core.models.wire.json_body import encoded
from core.models.wire.sse import Event, Events, Lines

if TYPE_CHECKING:
    import httpx

    from core.models.wire.connections import Connections

#: Seconds that a connection may take to be made.
CONNECT = 30.0
_HEADERS = {"user-agent": "ml-agent", "Content-Type": "application/json"}
#: The event that some servers end a stream with.
DONE = "[DONE]"
_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


def connections() -> "Connections":
    """The event loop's own: they are kept from one request to the next."""
    from core.models.wire.connections import Connections

    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Connections()
    return _of_loop[loop]  # type: ignore[no-any-return]


async def exchange(
    url: str,
    headers: Mapping[str, str],
    body: Mapping[str, Any],
    silence: float,
) -> AsyncGenerator[tuple[str, Any]]:
    """(event name, JSON value) of each event of the answer; of a whole answer, its one value.

    The last pair may be ("", DONE). Raises WireError, NotAnAnswer, StreamCut, httpx's errors.

    Args:
        silence: seconds without a byte after which httpx.ReadTimeout is raised.
    """
    import httpx

    timeout = httpx.Timeout(silence, connect=min(CONNECT, silence), pool=None)
    request = httpx.Request(
        "POST",
        _parsed_url(url),
        headers={**connections().headers, **_HEADERS, **headers},
        content=encoded(body),
        extensions={"timeout": timeout.as_dict()},
    )
    response = await connections().send(request)
    try:
        if response.has_redirect_location:
            raise NotAnAnswer(f"a redirect to {response.headers['location'][:200]}")
        if response.status_code >= 400:
            raw = await response.aread()
            raise WireError(response.status_code, value_of(raw), response.headers)
        async for name, value in _values(response.aiter_bytes()):
            error = error_in(value, name)
            if error is not None:
                error.headers = dict(response.headers)
                raise error
            yield name, value
    finally:
        await response.aclose()


@lru_cache(maxsize=16)
def _parsed_url(url: str) -> "httpx.URL":
    import httpx

    return httpx.URL(url)


def value_of(raw: bytes) -> Any:
    """A body's JSON value; its text if it is not JSON."""
    text = raw.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return text


async def _values(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Any]]:
    """Events, or the values of an answer that is not an event stream; by its first character."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if head.removeprefix(codecs.BOM_UTF8).lstrip():
            break
    first = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if not first:
        raise StreamCut("the server closed the connection without an answer")
    if first in b"{[":
        async for value in _json(head, chunks):
            yield "", value
        return
    if first == b"<":
        rest = head + b"".join([chunk async for chunk in chunks])
        raise NotAnAnswer(page_title(rest.decode("utf-8", "replace")))
    seen = False
    async for found in _events(head, chunks):
        seen = True
        for event in found:
            if event.data.strip() == DONE:
                yield event.name, DONE
                continue
            for value in _parsed(event):
                yield event.name, value
    if not seen:
        text = head.decode("utf-8", "replace").strip()
        if text.startswith((":", "event:", "data:", "id:", "retry:")):
            raise StreamCut("the stream ended without an answer")
        raise NotAnAnswer(f"text that is not an answer ({text[:80]!r})")


async def _events(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Event]]:
    """The events that each chunk completes; none of these lists is empty."""
    lines, events = Lines(), Events()

    def fed(chunk: bytes, *, last: bool = False) -> list[Event]:
        return [event for line in lines.feed(chunk, last=last) for event in events.feed(line)]

    if found := fed(head):
        yield found
    async for chunk in chunks:
        if found := fed(chunk):
            yield found
    if found := [*fed(b"", last=True), *events.end()]:
        yield found


def _parsed(event: Event) -> list[Any]:
    """The JSON value of an event. One that is not JSON is an error's text, or was cut off."""
    try:
        return [json.loads(event.data, strict=False)]
    except ValueError:
        if event.name == "error":
            return [{"error": {"message": event.data}}]
        if event.data.lstrip().startswith(("{", "[")):
            raise StreamCut("an event of the stream was cut off") from None
        return []  # words of a proxy ("ping", "OPENROUTER PROCESSING") between the events


async def _json(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """The values of an answer in JSON: one, or one per line (shown as they come)."""
    lines, waiting = Lines(), ""
    found = False

    async def pieces() -> AsyncIterator[str]:
        for line in lines.feed(head):
            yield line
        async for chunk in chunks:
            for line in lines.feed(chunk):
                yield line
        for line in lines.feed(b"", last=True):
            yield line

    async for line in pieces():
        waiting = f"{waiting}\n{line}" if waiting else line
        # A line that ends no value is a part of one that is printed over many lines.
        if not waiting.rstrip().endswith(("}", "]")):
            continue
        try:
            value = json.loads(waiting, strict=False)
        except ValueError:
            continue
        waiting, found = "", True
        yield value
    if waiting.strip() or not found:
        raise StreamCut("the answer was cut off")


def page_title(text: str) -> str:
    """A web page in a few words."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
    words = " ".join(title[1].split()) if title else ""
    return f"an HTML page ({words[:80]!r})" if words else "an HTML page"
