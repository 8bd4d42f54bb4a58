"""One connection to a model server: HTTP/1.1 by h11, straight on the event loop's transport.

Layers of streams between the two, each with locks and time limits, cost as much processor time as
the rest of a request. Raises httpx's errors. Imports httpx: only late.
"""

import asyncio
import re
import select
import time
from typing import Any

import h11
import httpx

#: Seconds that a connection is kept for the next request, as httpx does.
KEPT = 5.0
#: Bytes of a header at most; httpcore's.
LARGEST_HEAD = 100 * 1024
#: The beginning of a chunk. One with extensions is left to h11, as everything else is.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
#: What h11 needs to know of every request. Its head is made once per address (connections.py).
_POST = h11.Request(method="POST", target="/", headers=[("Host", "-"), ("Content-Length", "0")])
_END = h11.EndOfMessage()
#: Bytes that may have come and not been asked for, before the server has to wait.
MOST_UNREAD = 1024 * 1024


#: Scheme, host, port.
Origin = tuple[str, str, int | None]


class Connection(asyncio.Protocol):
    """Keeps what comes until it is asked for."""

    _transport: asyncio.Transport

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._is_secure = origin[0] == "https"
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        self._came: list[bytes] = []
        self._unread = 0
        self._is_at_end = self._is_full = False
        #: Whether a chunk of the body begins with what comes next, and h11 has no part of it yet.
        self._is_before_chunk = False
        self._lost: Exception | None = None
        self._broken: httpx.TransportError | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._until = 0.0

    # The event loop calls these.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport  # uvloop's are not asyncio's
        # `_is_full` then says whether anything waits. TLS takes 0 for "always".
        transport.set_write_buffer_limits(high=1)

    def data_received(self, data: bytes) -> None:
        self._came.append(data)
        self._unread += len(data)
        if self._unread > MOST_UNREAD:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._is_at_end = True
        self._wake()
        # The server may still read. TLS knows no such half.
        return not self._is_secure

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_at_end, self._lost = True, exc
        self._wake()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    # A request calls these.

    def is_usable(self) -> bool:
        """Whether an idle one takes another request: it did not wait for too long, and the server
        has neither closed it nor sent something since."""
        is_over = self._is_at_end or self._transport.is_closing()
        if is_over or self._came or time.monotonic() > self._until:
            return False
        # The event loop has perhaps not looked since.
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    async def ask(self, url: httpx.URL, request: list[bytes], silence: float) -> Any:
        """Send a request; the head of its answer, an h11.Response."""
        http, self._url, self._silence = self._http, url, silence
        try:
            http.send(_POST)
            http.send(_END)
            if self._transport.is_closing():
                pass  # why is known when the answer is read
            elif self._is_secure:
                self._transport.write(b"".join(request))  # else each part is a record
            else:
                self._transport.writelines(request)
            # A server may refuse a request before it has read all of it: its answer is there.
            while self._is_full and not self._came and not self._is_at_end:
                await self._wait(httpx.WriteTimeout)
            while not isinstance(event := http.next_event(), h11.Response):
                if event is h11.NEED_DATA:
                    await self._more()
            is_chunked = (b"transfer-encoding", b"chunked") in event.headers
            has_body = event.status_code not in (204, 304)
            self._is_before_chunk = is_chunked and has_body and not http.trailing_data[0]
            return event
        except h11.RemoteProtocolError as error:
            self.close()
            raise self._error(httpx.RemoteProtocolError, str(error)) from error
        except BaseException:
            self.close()
            raise

    async def piece(self) -> bytes:
        """What came next of the answer's body, in however many chunks it was sent; b"" after the
        last."""
        if self._is_before_chunk and (chunks := await self._chunks()):
            return chunks
        came: list[bytes] = []
        event: Any = None
        http, error = self._http, self._broken
        while error is None and http.their_state is h11.SEND_BODY:
            try:
                while isinstance(event := http.next_event(), h11.Data):
                    came.append(event.data)
            except h11.RemoteProtocolError as broken:
                # What came before is given first.
                error = self._broken = self._error(httpx.RemoteProtocolError, str(broken))
            if came:
                return b"".join(came)
            if error is None and event is h11.NEED_DATA:
                await self._more()
        if error is not None:
            raise error
        return b""

    def leave(self) -> bool:
        """The answer is over. Whether the connection is kept: only if all of it was read."""
        http = self._http
        is_whole = http.our_state is h11.DONE and http.their_state is h11.DONE
        unasked = self._is_at_end or self._is_full or self._came or http.trailing_data[0]
        if not is_whole or unasked:
            self.close()
            return False
        http.start_next_cycle()
        self._until = time.monotonic() + KEPT
        return True

    def close(self) -> None:
        self._transport.abort()

    async def _chunks(self) -> bytes:
        """The chunks that came whole. h11 takes an event and a state for each, so it gets what
        follows them: the last one, one that is cut, or what is none."""
        data = await self._arrived()
        chunks, at = [], 0
        while (begun := _CHUNK.match(data, at)) is not None:
            start = begun.end()
            end = start + int(begun[1], 16)
            if start == end or data[end : end + 2] != b"\r\n":
                break
            chunks.append(data[start:end])
            at = end + 2
        self._keep(data[at:])
        self._is_before_chunk = bool(chunks)
        return b"".join(chunks)

    async def _more(self) -> None:
        """Give h11 what came since, or wait for it."""
        data, http = await self._arrived(), self._http
        if data and http.their_state is h11.SEND_RESPONSE:
            head, end, body = data.partition(b"\r\n\r\n")
            http.receive_data(head + end)
            self._keep(body)
        elif data:
            http.receive_data(data)
        elif self._lost is not None:
            raise self._error(httpx.ReadError, "") from self._lost
        elif http.their_state is h11.SEND_RESPONSE:
            gone = "Server disconnected without sending a response."
            raise self._error(httpx.RemoteProtocolError, gone)
        else:
            http.receive_data(b"")

    async def _arrived(self) -> bytes:
        """All that came since, at least a byte; b"" if nothing will come."""
        if not self._came and not self._is_at_end:
            await self._wait(httpx.ReadTimeout)
        if self._unread > MOST_UNREAD:
            self._transport.resume_reading()
        data, self._unread = b"".join(self._came), 0
        self._came.clear()
        return data

    def _keep(self, rest: bytes) -> None:
        """Put back the end of what arrived."""
        if rest:
            self._came.append(rest)
            self._unread = len(rest)

    async def _wait(self, late: type[httpx.TimeoutException]) -> None:
        """Until something happens; `late` is raised after the time of silence."""
        loop = asyncio.get_running_loop()
        self._waiting = waiting = loop.create_future()
        timer = loop.call_later(self._silence, self._end, waiting, late)
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting = None

    def _end(self, waiting: asyncio.Future[None], late: type[httpx.TimeoutException]) -> None:
        if not waiting.done():
            waiting.set_exception(self._error(late, ""))

    def _error(self, kind: type[httpx.TransportError], said: str) -> httpx.TransportError:
        return kind(said, request=httpx.Request("POST", self._url))
