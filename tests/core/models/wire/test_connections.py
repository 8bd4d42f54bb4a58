"""How requests travel: connections that are kept, proxies, certificates, servers that hang up."""

import asyncio
import base64
import datetime
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.models.wire.failures import WireError
from core.models.wire.transport import exchange

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
Answer = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def server(answer: Answer, secure: Any = None) -> AbstractAsyncContextManager[Any]:
    """A server that gives each request's head to `answer`, as long as the connection is there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await answer(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    class Served:
        async def __aenter__(self) -> str:
            self._server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=secure)
            port = self._server.sockets[0].getsockname()[1]
            return f"{'https' if secure else 'http'}://127.0.0.1:{port}"

        async def __aexit__(self, *_: object) -> None:
            self._server.close()

    return Served()


async def asked(url: str, body: Any = None) -> list[Any]:
    return [value async for _, value in exchange(url, {}, body or {}, 20.0)]


def port_of(writer: asyncio.StreamWriter) -> int:
    port: int = writer.get_extra_info("peername")[1]
    return port


async def read_body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


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


def certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(own, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, kind, plain))
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_servers_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    ports = []

    async def answer(head: bytes, reader: Any, writer: Any) -> None:
        await read_body(head, reader)
        ports.append(port_of(writer))
        writer.write(OK + b'{"a":1}')

    cert, key = certificate(tmp_path)
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(cert, key)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    async with server(answer, secure) as url:
        if is_trusted:
            assert await asked(url) == await asked(url) == [{"a": 1}]
            assert len(set(ports)) == 1
        else:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await asked(url)
