"""Ways to a server: proxies, passwords, certificates, ports on which no one listens."""

import asyncio
import base64
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.models.wire.transport import exchange
from tests.core.models.wire.connections.serving import (
    OK,
    asked,
    port_of,
    read_body,
    server,
    trusted,
)
from tests.stand_ins.model_server import closed_port


async def test_a_name_and_a_password_in_the_address() -> None:
    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        said = head.lower().partition(b"authorization: basic ")[2].partition(b"\r\n")[0]
        wanted = base64.b64encode(b"ann:secret").lower()
        writer.write(OK + (b'{"a":1}' if said == wanted else b'{"a":0}'))

    async with server(answer) as url:
        assert await asked(url.replace("://", "://ann:secret@")) == [{"a": 1}]


async def test_a_proxy_gets_what_goes_to_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = []

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        targets.append(head.split()[1])
        writer.write(OK + b'{"a":1}')

    async with server(answer) as url:
        for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", url)
        assert await asked("http://model.example/v1") == [{"a": 1}]
        assert await asked(f"{url}/v1") == [{"a": 1}]
    assert targets == [b"http://model.example/v1", b"/v1"]


async def test_a_port_on_which_no_one_listens() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(httpx.ConnectError, match="All connection attempts failed") as refused:
        await asked(url)
    assert str(refused.value.request.url) == url


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_servers_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    ports = []

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        ports.append(port_of(writer))
        writer.write(OK + b'{"a":1}')

    secure = trusted(tmp_path, monkeypatch)
    if not is_trusted:
        monkeypatch.delenv("SSL_CERT_FILE")
    async with server(answer, secure) as url:
        if is_trusted:
            assert await asked(url) == await asked(url) == [{"a": 1}]
            assert len(set(ports)) == 1
        else:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await asked(url)


async def test_a_secure_answer_whose_end_is_the_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many servers close without saying so in TLS."""
    secure = trusted(tmp_path, monkeypatch)

    def serve(listening: socket.socket) -> None:
        accepted = secure.wrap_socket(listening.accept()[0], server_side=True)
        while not accepted.recv(65536).endswith(b"{}"):
            pass
        accepted.sendall(b'HTTP/1.0 200 OK\r\n\r\n{"a":')
        accepted.sendall(b"1}")
        accepted.close()  # not unwrapped

    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = threading.Thread(target=serve, args=(listening,), daemon=True)
        served.start()
        assert await asked(f"https://127.0.0.1:{listening.getsockname()[1]}") == [{"a": 1}]
        served.join()


async def test_a_server_that_does_not_answer_in_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(httpx.ConnectTimeout) as late:
            await anext(exchange(url, {}, {}, 0.2))
        await asyncio.sleep(0.01)
        accepted = listening.accept()[0]
        accepted.settimeout(5)
        assert accepted.recv(1) == b"\x16", "the handshake was begun"
        while accepted.recv(65536):
            pass  # until the client closes
        accepted.close()
    assert str(late.value.request.url) == url
