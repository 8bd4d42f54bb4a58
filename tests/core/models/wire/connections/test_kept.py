"""Connections that are kept for the next request, and those that are not."""

import asyncio
import socket
import threading
import time
from contextlib import aclosing
from typing import Any

import pytest

from core.models.wire.transport import exchange
from tests.core.models.wire.connections.serving import (
    OK,
    asked,
    port_of,
    read_body,
    server,
)


async def test_two_at_once_have_a_connection_each_and_both_are_kept() -> None:
    ports, both = [], asyncio.Barrier(2)

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        ports.append(port_of(writer))
        if len(ports) <= 2:
            await both.wait()
        writer.write(OK + b'{"a":1}')

    async with server(answer) as url:
        assert await asyncio.gather(asked(url), asked(url)) == [[{"a": 1}]] * 2
        await asked(url)
        await asked(url)
    assert len(set(ports)) == 2


@pytest.mark.parametrize("behind", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3"])
async def test_a_connection_that_says_more_than_its_answer_is_not_used_again(behind: bytes) -> None:
    """The next answer would be one that the server gave before it was asked."""
    ports = []

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        ports.append(port_of(writer))
        writer.write(OK + b'{"a":1}' + behind)
        if not behind:
            writer.close()

    async with server(answer) as url:
        for _ in range(2):
            assert await asked(url) == [{"a": 1}]
            await asyncio.sleep(0.05)
    assert len(set(ports)) == 2


async def test_an_answer_that_was_left_in_the_middle_gives_nothing_to_the_next() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b'{"a":1}\n{"b":2}\n')

    async with server(answer) as url:
        for _ in range(2):
            async with aclosing(exchange(url, {}, {}, 20.0)) as events:
                assert (await anext(events))[1] == {"a": 1}


async def test_a_server_that_closed_while_no_one_looked() -> None:
    """The event loop had no time since, so only the socket knows."""
    ports = []

    def serve(listening: socket.socket) -> None:
        for _ in range(2):
            with listening.accept()[0] as accepted:
                ports.append(accepted.getpeername()[1])
                while not accepted.recv(65536).endswith(b"{}"):
                    pass
                accepted.sendall(OK + b'{"a":1}')

    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        served = threading.Thread(target=serve, args=(listening,), daemon=True)
        served.start()
        assert await asked(url) == [{"a": 1}]
        time.sleep(0.05)
        assert await asked(url) == [{"a": 1}]
        served.join()
    assert len(set(ports)) == 2


async def test_who_stops_waiting_leaves_no_connection() -> None:
    closed = asyncio.Event()

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        assert await reader.read() == b""
        closed.set()

    async with server(answer) as url:
        asking = asyncio.ensure_future(asked(url))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.wait_for(closed.wait(), 5)
        with pytest.raises(asyncio.CancelledError):
            await asking
