"""A host has several addresses, of which some lead nowhere."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from core.models.wire import addresses
from core.models.wire.addresses import Found, connect, connect_first
from tests.stand_ins.model_server import closed_port


def found(port: int, host: str = "127.0.0.1") -> Found:
    return socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port on which no connection is made, and none is refused: its queue is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        queue = [socket.socket() for _ in range(3)]
        for one in queue:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in queue:
            one.close()


async def test_one_that_refuses_is_followed_by_the_next_at_once(
    listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "HEAD_START", 3600.0)
    refusing = [found(closed_port()) for _ in range(3)]
    async with asyncio.timeout(60):
        with await connect_first([*refusing, found(listening)]) as connected:
            assert connected.getpeername()[1] == listening


async def test_one_that_does_not_answer_does_not_keep_the_next(silent: int, listening: int) -> None:
    with await connect_first([found(silent), found(listening)]) as connected:
        assert connected.getpeername()[1] == listening
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


async def test_none_that_answers() -> None:
    with pytest.raises(OSError, match="All connection attempts failed") as failed:
        await connect_first([found(closed_port()), found(closed_port())])
    assert isinstance(failed.value.__cause__, ConnectionRefusedError)


async def test_who_stops_waiting_leaves_no_attempt(silent: int) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connect_first([found(silent), found(silent)])
    await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) == 1


async def test_a_name(listening: int) -> None:
    with await connect("localhost", listening) as connected:
        assert connected.getpeername()[1] == listening


def test_both_kinds_take_turns() -> None:
    four = [found(n) for n in range(3)]
    six: list[Found] = [(socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", n)) for n in range(2)]
    assert addresses._in_turns([*four, *six]) == [six[0], four[0], six[1], four[1], four[2]]
