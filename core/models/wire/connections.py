"""Sends a request to a model server over HTTP/1.1, on connections that are kept.

httpx's client finds the proxies. Without one, a request goes straight over httpcore's streams and
h11, which httpx uses as well: its own layers cost more processor time than all the rest of a
request. Imports httpx: only late.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.request import getproxies

import h11
import httpcore
import httpx

from core.http import certificates, no_cookies

#: Requests to this machine never go through a proxy.
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: Seconds that a connection is kept for the next request, as httpx does.
KEPT = 5.0
#: Bytes of one read, and of a header at most; httpcore's.
READ, LARGEST_HEAD = 64 * 1024, 100 * 1024


class Connections:
    """Those of one event loop. `headers`: what httpx sends with each request."""

    def __init__(self) -> None:
        own = (f"[{host}]" if ":" in host else host for host in _LOOPBACK)
        # A redirect is not followed: the conversation and the key go where the user said, only.
        self._client = httpx.AsyncClient(
            mounts=dict.fromkeys(f"all://{host}" for host in own),
            verify=certificates(),
            follow_redirects=False,
            cookies=no_cookies(),
        )
        self.headers = dict(self._client.headers)
        self._has_proxies = any(name != "no" for name in getproxies())
        self._network = httpcore.AnyIOBackend()
        self._idle: list[_Connection] = []

    async def send(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer; it must be closed. Raises httpx's errors."""
        url = request.url
        if url.userinfo or (self._has_proxies and url.host not in _LOOPBACK):
            return await self._client.send(request, stream=True)
        with _errors_of_httpx(request):
            connection = await self._connected(url, request.extensions["timeout"]["connect"])
            return await connection.ask(request)

    async def _connected(self, url: httpx.URL, patience: float) -> "_Connection":
        origin = (url.scheme, url.raw_host.decode("ascii"), url.port)
        over = [kept for kept in self._idle if kept.is_over()]
        for kept in over:
            self._idle.remove(kept)
        for kept in over:
            await kept.close()
        found = next((kept for kept in reversed(self._idle) if kept.origin == origin), None)
        if found is not None:
            self._idle.remove(found)
            return found
        is_secure, host = url.scheme == "https", origin[1]
        port = url.port or (443 if is_secure else 80)
        stream = await self._network.connect_tcp(host, port, patience)
        if is_secure:
            secure = certificates()
            secure.set_alpn_protocols(["http/1.1"])
            stream = await stream.start_tls(secure, host, patience)
        return _Connection(origin, stream, self._idle)


class _Connection(httpx.AsyncByteStream):
    """One connection, and the body of the answer that comes over it."""

    def __init__(self, origin: Any, stream: httpcore.AsyncNetworkStream, idle: list[Any]) -> None:
        self.origin = origin
        self._stream = stream
        self._idle = idle
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        self._until = 0.0

    def is_over(self) -> bool:
        """Whether an idle one waited for too long, or the server closed it."""
        return time.monotonic() > self._until or self._stream.get_extra_info("is_readable")

    async def ask(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer; its body is this. Raises httpcore's errors, and h11's."""
        timeouts = request.extensions["timeout"]
        self._silence = timeouts["read"]
        try:
            sent = self._message(request)
            # A server may refuse a request before it has read all of it: its answer is there.
            with suppress(httpcore.WriteError):
                await self._stream.write(sent, timeouts["write"])
            while not isinstance(head := self._http.next_event(), h11.Response):
                if head is h11.NEED_DATA:
                    await self._read()
        except BaseException:
            await self.close()
            raise
        return httpx.Response(
            head.status_code, headers=head.headers.raw_items(), stream=self, request=request
        )

    def _message(self, request: httpx.Request) -> bytes:
        url, http = request.url, self._http
        head = h11.Request(method=request.method, target=url.raw_path, headers=request.headers.raw)
        body = h11.Data(data=request.content)
        events = (head, body, h11.EndOfMessage())
        return b"".join(part for e in events for part in http.send_with_data_passthrough(e) or ())

    async def _read(self) -> None:
        data = await self._stream.read(READ, self._silence)
        if not data and self._http.their_state is h11.SEND_RESPONSE:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        self._http.receive_data(data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """What came with one read is one piece, in however many chunks it was sent."""
        with _errors_of_httpx():
            while True:
                came, is_whole, broken = self._came()
                if came:
                    yield came
                if broken is not None:
                    raise broken
                if is_whole:
                    return
                await self._read()

    def _came(self) -> tuple[bytes, bool, Exception | None]:
        """(what has come of the body, whether it is whole, what is wrong behind it)."""
        came: list[bytes] = []
        try:
            while isinstance(event := self._http.next_event(), h11.Data):
                came.append(bytes(event.data))
        except h11.RemoteProtocolError as error:
            return b"".join(came), False, error
        return b"".join(came), event is not h11.NEED_DATA, None

    async def aclose(self) -> None:
        """The answer is over: keep the connection if all of it was read."""
        http = self._http
        is_whole = http.our_state is h11.DONE and http.their_state is h11.DONE
        if is_whole and not http.trailing_data[0]:
            http.start_next_cycle()
            self._until = time.monotonic() + KEPT
            self._idle.append(self)
        else:
            await self.close()

    async def close(self) -> None:
        await self._stream.aclose()


#: What httpx has under the same names.
_ERRORS = (
    httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, h11.ProtocolError
)  # fmt: skip


@contextmanager
def _errors_of_httpx(request: httpx.Request | None = None) -> Iterator[None]:
    try:
        yield
    except _ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error), request=request) from error
