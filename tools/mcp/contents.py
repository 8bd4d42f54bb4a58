"""What a user takes from the servers into a message: prompts and resources.

It is untrusted: secrets are replaced here, and graph/server_contents.py marks it in the message.
"""

import asyncio
import base64
import binascii
import logging
import re
from collections.abc import Mapping
from typing import Any

from pydantic import AnyUrl, TypeAdapter, ValidationError

from configs.visible import inline
from core.errors import AgentError, ToolError, UsageError
from core.parsing.images import kind_of
from core.secrets.redaction import redacted
from core.text import encodable
from tools.extension import Piece, ServerPrompt
from tools.mcp.cache import Cache, Listed
from tools.mcp.call import Request
from tools.mcp.connection import Connection
from tools.mcp.errors import Lost, Refused, TimedOut, Trouble

log = logging.getLogger(__name__)

#: Seconds that a user waits for a prompt or a resource of a server that runs.
LIMIT = 30.0
#: Bytes of a file, and characters of a text, that are taken.
LARGEST, LONGEST = 20_000_000, 20_000_000
#: Characters that are shown of an error of the server's.
SAID = 300
LISTS = "/mcp SERVER in the chat lists what it has"
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


class Contents:
    """`tools.extension.ServerContents`, over the connections of a session."""

    def __init__(self, connections: Mapping[str, Connection], cache: Cache) -> None:
        self._connections = connections
        self._cache = cache

    def names(self) -> list[str]:
        return sorted(self._connections)

    async def prompts(self, server: str = "") -> list[ServerPrompt]:
        if server:
            what = f"list the prompts of {server}"
            try:
                found = await self._of(server, what).listed("prompts")
            except Exception as error:  # whatever a server or the SDK can raise
                raise _in_words(error, what) from error
            return [_prompt(server, one) for one in found]
        return [
            _prompt(name, one)
            for name in self._connections
            for one in await self._known(name, "prompts")
        ]

    async def resources(self) -> list[tuple[str, str]]:
        return [
            (f"{name}:{one['uri']}", one.get("title") or one.get("description") or one["name"])
            for name in self._connections
            for one in await self._known(name, "resources")
        ]

    async def counted(self, server: str) -> str:
        """How many prompts and resources are known, for behind the number of its tools."""
        told = ""
        for what in ("prompts", "resources"):
            if number := len(await self._known(server, what)):
                told += f", {number} {what if number > 1 else what[:-1]}"
        return told

    async def get_prompt(self, prompt: ServerPrompt, arguments: dict[str, str]) -> list[Piece]:
        asked = Request("prompts/get", {"name": prompt.name, "arguments": arguments})
        what = f"get the prompt {prompt.name} of {prompt.server}"
        answer = await self._ask(prompt.server, asked, what)
        roles = {message.role for message in answer.messages}
        found: list[Piece] = []
        for message in answer.messages:
            said = f"{message.role}:" if len(roles) > 1 else ""
            piece = _of_content(message.content, what)
            found += [Piece(f"{said} {piece.text}".lstrip())] if piece.data is None else [piece]
        if not found:
            raise UsageError(f"Cannot {what}: it is empty", "try other arguments")
        return found

    async def read_resource(self, server: str, uri: str) -> list[Piece]:
        what = f"read @{server}:{uri}"
        self._of(server, what)
        try:
            TypeAdapter(AnyUrl).validate_python(uri)
        except ValidationError:
            raise UsageError(f"Cannot {what}: {uri} is not a URI", LISTS) from None
        answer = await self._ask(server, Request("resources/read", {"uri": uri}), what)
        return [_of_resource(one, what) for one in answer.contents]

    async def _ask(self, server: str, request: Request, what: str) -> Any:
        connection = self._of(server, what)
        try:
            return await connection.call(request, log=_quiet(server), again=True, limit=LIMIT)
        except Exception as error:  # whatever a server or the SDK can raise
            raise _in_words(error, what) from error

    def _of(self, server: str, what: str) -> Connection:
        if server not in self._connections:
            known = ", ".join(self.names()) or "none"
            raise UsageError(
                f"Cannot {what}: no MCP server is named {server!r} (configured: {known})",
                "ml-agent mcp list",
            )
        return self._connections[server]

    async def _known(self, server: str, what: str) -> list[Listed]:
        connection = self._connections[server]
        if what in connection.more:
            return connection.more[what]
        return await asyncio.to_thread(self._cache.list_of, connection.digest, what) or []


def _prompt(server: str, listed: Listed) -> ServerPrompt:
    said = listed.get("title") or listed.get("description") or ""
    return ServerPrompt(server, listed["name"], said, tuple(listed.get("arguments") or ()))


def _of_content(content: Any, what: str) -> Piece:
    """A content block of a prompt's message."""
    match content.type:
        case "text":
            return _text(content.text, what)
        case "image":
            return _file(content.data, "picture", what)
        case "resource":
            return _of_resource(content.resource, what)
        case "resource_link":
            return _text(f"[resource {content.name}: {content.uri}]", what)
    return Piece(f"[{content.type}: not shown]")


def _of_resource(content: Any, what: str) -> Piece:
    if hasattr(content, "text"):
        return _text(content.text, what)
    return _file(content.blob, str(content.uri).rstrip("/").rpartition("/")[2], what)


def _text(text: str, what: str) -> Piece:
    if len(text) > LONGEST:
        raise ToolError(f"Cannot {what}: it has {len(text):,} characters", "name a smaller part")
    return Piece(redacted(encodable(text)))


def _file(data: str, name: str, what: str) -> Piece:
    """The bytes of a blob, under a name of harmless characters that tells a picture's kind."""
    try:
        content = base64.b64decode(data)
    except binascii.Error:
        raise ToolError(f"Cannot {what}: its content is not base64", "ask its author") from None
    if len(content) > LARGEST:
        raise ToolError(f"Cannot {what}: it has {len(content):,} bytes", "name a smaller one")
    name = re.sub(r"[^A-Za-z0-9._-]", "_", name).strip(".")[-80:] or "file"
    suffix = SUFFIXES.get(kind_of(content) or "")
    if suffix and not name.lower().endswith(f".{suffix}"):
        name = f"{name}.{suffix}"
    return Piece(data=content, name=name)


def _in_words(error: Exception, what: str) -> AgentError:
    """Why it failed, in one line with the next step."""
    if isinstance(error, AgentError):
        return error
    if isinstance(error, Refused):
        said = inline(redacted(str(error)))[:SAID]
        return UsageError(f"Cannot {what}: the server answered: {said}", LISTS)
    if isinstance(error, TimedOut | TimeoutError):
        why = str(error) or "no answer in time"
    elif isinstance(error, Trouble | Lost):
        why = str(error) or "the server ended"
    elif isinstance(error, ValueError):  # pydantic's: the SDK does not take it
        why = "the server's answer does not fit the protocol"
    else:
        log.debug("%s", what, exc_info=error)
        why = f"{type(error).__name__}: {error}"
    return ToolError(f"Cannot {what}: {inline(redacted(why))[:SAID]}", "ml-agent mcp test tries it")


def _quiet(server: str) -> Any:
    return lambda text: log.debug("%s: %s", server, text)
