"""Sends a request to a model server over HTTP/1.1, on connections that are kept.

httpx's client finds the proxies. Without one, a request goes straight over h11, which httpx uses
as well: its own layers cost more processor time than all the rest of a request. Imports httpx:
only late.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol
from urllib.request import getproxies

import h11
import httpx

from core.http import certificates, no_cookies
from core.models.wire.addresses import connect
from core.models.wire.http1 import Connection, Origin

#: Requests to this machine never go through a proxy.
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: Every httpx decodes these; its further ones come with libraries.
_HEADERS = {
    "accept": "*/*", "accept-encoding": "gzip, deflate", "connection": "keep-alive",
}  # fmt: skip
#: Seconds that a connection may take to be made.
CONNECT = 30.0


class Answer(Protocol):
    """An answer whose head has come. It must be closed."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> httpx.Headers: ...

    async def piece(self) -> bytes:
        """What came next of its body, decoded; b"" after the last. Raises httpx's errors."""
        ...

    async def aclose(self) -> None: ...


class _Place(NamedTuple):
    """Where requests go. head: what each begins with. is_direct: not through a proxy."""

    url: httpx.URL
    is_direct: bool
    origin: Origin
    head: bytes


class Connections:
    """Those of one event loop."""

    def __init__(self) -> None:
        self._has_proxies = any(name != "no" for name in getproxies())
        self._idle: list[Connection] = []
        self._places = lru_cache(maxsize=16)(self._place)

    async def post(
        self, url: str, headers: Mapping[str, str], body: list[bytes], silence: float
    ) -> Answer:
        """The answer to a request. Raises httpx's errors.

        Args:
            body: in parts. silence: seconds without a byte after which httpx.ReadTimeout is raised.
        """
        headers = {**_HEADERS, **headers}
        place = self._places(url, tuple(headers.items()))
        if not place.is_direct:
            return await self._through_httpx(place.url, headers, body, silence)
        connection = await self._connected(place, min(CONNECT, silence))
        head = b"%s%d\r\n\r\n" % (place.head, sum(map(len, body)))
        response = await connection.ask(place.url, [head, *body], silence)
        answer = _Plain(response, connection, self._idle)
        return answer.decoded() if answer.is_encoded else answer

    def _place(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Place:
        """Where requests go, and how they begin: made once, of what it is asked with alone."""
        parsed = httpx.URL(url)
        is_direct = not parsed.userinfo
        is_direct &= not self._has_proxies or parsed.host in _LOOPBACK
        origin = (parsed.scheme, parsed.raw_host.decode("ascii"), parsed.port)
        return _Place(parsed, is_direct, origin, _head(parsed, headers) if is_direct else b"")

    async def _through_httpx(
        self, url: httpx.URL, headers: Mapping[str, str], body: list[bytes], silence: float
    ) -> Answer:
        timeout = httpx.Timeout(silence, connect=min(CONNECT, silence), pool=None)
        request = httpx.Request(
            "POST",
            url,
            headers=headers,
            content=b"".join(body),
            extensions={"timeout": timeout.as_dict()},
        )
        return _Decoded(await self._client.send(request, stream=True))

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        own = (f"[{host}]" if ":" in host else host for host in _LOOPBACK)
        # A redirect is not followed: the conversation and the key go where the user said, only.
        return httpx.AsyncClient(
            mounts=dict.fromkeys(f"all://{host}" for host in own),
            verify=certificates(),
            follow_redirects=False,
            cookies=no_cookies(),
        )

    async def _connected(self, place: _Place, patience: float) -> Connection:
        for kept in [kept for kept in self._idle if not kept.is_usable()]:
            self._idle.remove(kept)
            kept.close()
        for kept in reversed(self._idle):
            if kept.origin == place.origin:
                self._idle.remove(kept)
                return kept
        try:
            return await self._new(place.origin, patience)
        except OSError as error:
            # A certificate that is not trusted is one, too.
            kind = httpx.ConnectTimeout if isinstance(error, TimeoutError) else httpx.ConnectError
            raise kind(str(error), request=httpx.Request("POST", place.url)) from error

    async def _new(self, origin: Origin, patience: float) -> Connection:
        scheme, host, port = origin
        secure = certificates() if scheme == "https" else None
        if secure is not None:
            secure.set_alpn_protocols(["http/1.1"])
        async with asyncio.timeout(patience):
            connected = await connect(host, port or (443 if secure else 80))
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(origin),
                sock=connected,
                ssl=secure,
                server_hostname=host if secure else None,
            )
        return connection


class _Plain:
    """An answer that comes as it is read."""

    def __init__(self, head: h11.Response, connection: Connection, idle: list[Connection]) -> None:
        self.status = head.status_code
        self.piece = connection.piece
        self._raw = head.headers.raw_items()
        self._connection, self._idle = connection, idle

    @property
    def headers(self) -> httpx.Headers:
        return httpx.Headers(self._raw)

    @property
    def is_encoded(self) -> bool:
        return any(name.lower() == b"content-encoding" for name, _ in self._raw)

    async def aclose(self) -> None:
        if self._connection.leave():
            self._idle.append(self._connection)

    def decoded(self) -> "_Decoded":
        return _Decoded(httpx.Response(self.status, headers=self.headers, stream=_Body(self)))


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: _Plain) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._answer.piece():
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


class _Decoded:
    """An answer that httpx decodes, or has read."""

    def __init__(self, response: httpx.Response) -> None:
        self.status, self.headers = response.status_code, response.headers
        self._pieces = response.aiter_bytes()
        self.aclose = response.aclose

    async def piece(self) -> bytes:
        return await anext(self._pieces, b"")


def _head(url: httpx.URL, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The head of a request as far as its length, which is last."""
    sent = [("Host", url.netloc.decode("ascii")), *headers, ("Content-Length", "0")]
    try:
        request = h11.Request(method="POST", target=url.raw_path, headers=sent)
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error), request=httpx.Request("POST", url)) from error
    made = h11.Connection(h11.CLIENT).send(request) or b""
    return made.removesuffix(b"0\r\n\r\n")
