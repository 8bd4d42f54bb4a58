"""OAuth for servers that want it: the SDK's own provider, with tokens kept on disk.

A server that answers 401 and has no Authorization header of ours is asked how to sign in. That
takes a user and a browser, so it happens in `ml-agent mcp test NAME`; a run uses the tokens.
"""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from configs.trust import write_json
from tools.extension import SignIn
from tools.mcp.errors import Trouble

PATH = "/callback"


async def provider(url: str, place: Path, name: str, sign_in: SignIn | None) -> Any:
    """An httpx.Auth for the server at `url`; tokens are kept in `place`."""
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import OAuthClientMetadata

    storage = Storage(place)
    port = await storage.port() or (_free_port() if sign_in else 1)
    redirect = f"http://127.0.0.1:{port}{PATH}"

    back = _Return(port)

    async def show(page: str) -> None:
        if sign_in is None:
            raise Trouble(f"it requires you to sign in: run ml-agent mcp test {name}")
        await back.listen()
        await sign_in(page)

    return OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata.model_validate(
            {"client_name": "ml-agent", "redirect_uris": [redirect]}
        ),
        storage=storage,
        redirect_handler=show,
        callback_handler=back.answer,
    )


class Storage:
    """The SDK's TokenStorage over one private file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def get_tokens(self) -> Any:
        from mcp.shared.auth import OAuthToken

        return await self._get("tokens", OAuthToken)

    async def set_tokens(self, tokens: Any) -> None:
        await self._set("tokens", tokens)

    async def get_client_info(self) -> Any:
        from mcp.shared.auth import OAuthClientInformationFull

        return await self._get("client", OAuthClientInformationFull)

    async def set_client_info(self, client_info: Any) -> None:
        await self._set("client", client_info)

    async def port(self) -> int | None:
        """Where a sign-in came back the first time: servers remember it."""
        client = await self.get_client_info()
        return urlsplit(str(client.redirect_uris[0])).port if client else None

    async def _get(self, key: str, kind: Any) -> Any:
        found = (await asyncio.to_thread(self._read)).get(key)
        return kind.model_validate(found) if found else None

    async def _set(self, key: str, value: Any) -> None:
        data = await asyncio.to_thread(self._read)
        data[key] = value.model_dump(mode="json", exclude_none=True)
        await asyncio.to_thread(write_json, self._path, data)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class _Return:
    """Where the browser comes back to: one request on this machine's own address."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._came: asyncio.Future[dict[str, list[str]]] | None = None

    async def listen(self) -> None:
        self._came = asyncio.get_running_loop().create_future()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def answer(self) -> tuple[str, str | None]:
        """(code, state), once the browser has come."""
        assert self._server is not None
        assert self._came is not None
        try:
            query = await self._came
        finally:
            self._server.close()
        if "code" not in query:
            raise Trouble(f"the sign-in was refused: {query.get('error', ['no code came'])[0]}")
        return query["code"][0], query.get("state", [None])[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode("latin-1").split()
        parts = urlsplit(line[1] if len(line) > 1 else "")
        here = parts.path == PATH
        body = b"Signed in; this page can be closed.\n" if here else b"Nothing is here.\n"
        status = "200 OK" if here else "404 Not Found"
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        if here and self._came is not None and not self._came.done():
            self._came.set_result(parse_qs(parts.query))
