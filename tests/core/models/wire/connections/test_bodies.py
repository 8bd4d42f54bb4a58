"""Requests that are long, and answers that come in pieces, late, packed or never."""

import asyncio
import json
import socket
import struct
import zlib
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from core.models.wire.failures import StreamCut, WireError
from core.models.wire.transport import exchange
from tests.core.models.wire.connections.serving import (
    OK,
    asked,
    port_of,
    read_body,
    server,
)


async def test_a_refusal_that_comes_before_the_request_was_read() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        await writer.drain()
        writer.write_eof()
        await read_body(head, reader)

    async with server(answer) as url:
        with pytest.raises(WireError) as refused:
            await asked(url, {"x": "y" * 3_000_000})
    assert (refused.value.status, refused.value.body) == (413, "big")


async def test_a_server_that_reads_nothing_of_a_long_request() -> None:
    """The time of silence holds for a request, too."""

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await asyncio.sleep(20)

    async with server(answer) as url:
        with pytest.raises(httpx.WriteTimeout) as late:
            await anext(exchange(url, {}, {"x": "y" * 30_000_000}, 0.2))
    assert str(late.value.request.url) == url


@pytest.mark.parametrize("body", [{"x": "y" * 10_000_000}, {"x": ["y" * 999] * 9000}])
async def test_a_server_that_reads_a_long_request_slowly(body: Any) -> None:
    """More bytes, or more parts, than one system call takes."""
    read = []

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await asyncio.sleep(0.1)
        read.append(json.loads(await read_body(head, reader)))
        writer.write(OK + b'{"a":1}')

    async with server(answer) as url:
        for _ in range(2):
            assert await asked(url, body) == [{"a": 1}]
    assert read == [body] * 2


async def test_what_came_before_the_server_hung_up_is_read() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(hints + head + b'8\r\n{"a":1}\n\r\n' + b"zz")
        writer.close()

    async with server(answer) as url, aclosing(exchange(url, {}, {}, 20.0)) as events:
        assert (await anext(events))[1] == {"a": 1}
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(events)


async def test_a_server_that_hangs_up_at_once() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        writer.close()

    async with server(answer) as url:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response") as lost:
            await asked(url)
    assert str(lost.value.request.url) == url


async def test_a_silent_server() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"a":1}\n')

    async with server(answer) as url:
        with pytest.raises(httpx.ReadTimeout):
            [value async for value in exchange(url, {}, {}, 0.2)]


async def test_a_body_whose_end_is_the_connections() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        writer.write(b'HTTP/1.0 200 OK\r\n\r\n{"a":')
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"1}")
        writer.close()

    async with server(answer) as url:
        assert await asked(url) == await asked(url) == [{"a": 1}]


@pytest.mark.parametrize("name", ["gzip", "deflate"])
async def test_an_answer_that_is_compressed(name: str) -> None:
    bits = {"gzip": 31, "deflate": 15}[name]
    ports = []

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        ports.append(port_of(writer))
        assert name.encode() in head.lower().partition(b"accept-encoding:")[2]
        packer = zlib.compressobj(wbits=bits)
        packed = packer.compress(b'data: {"a":1}\n\n') + packer.flush()
        length = f"Content-Encoding: {name}\r\nContent-Length: {len(packed)}\r\n\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n" + length.encode() + packed)

    async with server(answer) as url:
        assert await asked(url) == await asked(url) == [{"a": 1}]
    assert len(set(ports)) == 1


async def test_a_connection_that_is_reset_in_the_middle() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"a":1}\n')
        await writer.drain()
        await asyncio.sleep(0.05)
        linger = socket.SO_LINGER, struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, *linger)
        writer.transport.abort()

    async with server(answer) as url, aclosing(exchange(url, {}, {}, 20.0)) as events:
        assert (await anext(events))[1] == {"a": 1}
        with pytest.raises(httpx.ReadError) as cut:
            await anext(events)
    assert str(cut.value.request.url) == url


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
#: Two events whose line ends look like a head's, the first in two chunks.
CHUNKS = b'b\r\ndata: {"a":\r\nA\r\n  "x"}\r\n\r\n\r\n010\r\ndata: {"b":2}\n\n\n\r\n'


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "sent",
    [
        HEAD + CHUNKS + b"0\r\n\r\n",
        HINTS + HEAD + CHUNKS + b"0\r\n\r\n",
        HEAD.replace(b"\r", b"") + CHUNKS + b"0\r\n\r\n",
        HEAD + CHUNKS.replace(b"A\r", b"A;an=extension\r") + b"0\r\n\r\n",
        HEAD + CHUNKS + b"000;last\r\nA: trailer\r\n\r\n",
    ],
)
async def test_chunks_however_they_are_cut(sent: bytes, size: int) -> None:
    ports = []

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        ports.append(port_of(writer))
        for at in range(0, len(sent), size):
            writer.write(sent[at : at + size])
            await asyncio.sleep(0)

    async with server(answer) as url:
        for _ in range(2):
            assert await asked(url) == [{"a": "x"}, {"b": 2}]
    assert len(set(ports)) == 1


@pytest.mark.parametrize(
    "cut", [b"", b"5\r\ndat", b"5\r\ndata:", b"0\r\n", b"z\r\n", b"-1\r\n\r\n"]
)
@pytest.mark.parametrize("wait", [0, 0.02])
async def test_chunks_that_do_not_end(cut: bytes, wait: float) -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        writer.write(HEAD + CHUNKS)
        await asyncio.sleep(wait)
        writer.write(cut)
        writer.close()

    async with server(answer) as url, aclosing(exchange(url, {}, {}, 20.0)) as events:
        assert [(await anext(events))[1] for _ in range(2)] == [{"a": "x"}, {"b": 2}]
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(events)


async def test_each_chunk_is_shown_when_it_comes() -> None:
    seen = asyncio.Event()

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        for _ in range(2):
            seen.clear()
            writer.write(HEAD[: len(HEAD) * (not shown)] + CHUNKS)
            await asyncio.wait_for(seen.wait(), 5)
        writer.write(b"0\r\n\r\n")

    shown: list[Any] = []
    async with server(answer) as url:
        async for _, value in exchange(url, {}, {}, 20.0):
            shown.append(value)
            if value == {"b": 2}:
                seen.set()
    assert shown == [{"a": "x"}, {"b": 2}] * 2


async def test_an_answer_without_a_body_that_says_it_has_chunks() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        writer.write(HEAD.replace(b"200 OK", b"204 No Content"))

    async with server(answer) as url:
        with pytest.raises(StreamCut):
            await asked(url)
