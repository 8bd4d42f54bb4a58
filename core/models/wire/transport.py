"""One HTTP exchange with a model server: JSON events of a stream, or one JSON answer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from core.models.wire.failures import NotAnAnswer, WireError, error_in
from core.models.wire.json_body import encoded
from core.models.wire.values import Values, value_of

if TYPE_CHECKING:
    from core.models.wire.connections import Answer, Connections

_HEADERS = {"user-agent": "ml-agent", "Content-Type": "application/json"}
_REDIRECTS = (301, 302, 303, 307, 308)
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
    answer = await connections().post(url, {**_HEADERS, **headers}, encoded(body), silence)
    try:
        if answer.status in _REDIRECTS and "location" in answer.headers:
            raise NotAnAnswer(f"a redirect to {answer.headers['location'][:200]}")
        if answer.status >= 400:
            raise WireError(answer.status, value_of(await _whole(answer)), answer.headers)
        values, is_over = Values(), False
        while not is_over:
            piece = await answer.piece()
            is_over = not piece
            for name, value in values.feed(piece, last=is_over):
                error = error_in(value, name)
                if error is not None:
                    error.headers = dict(answer.headers)
                    raise error
                yield name, value
    finally:
        await answer.aclose()


async def _whole(answer: "Answer") -> bytes:
    pieces = []
    while piece := await answer.piece():
        pieces.append(piece)
    return b"".join(pieces)
