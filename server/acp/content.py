"""What an editor sends along, in our words: a message's blocks, and MCP servers."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from acp.schema import (
    EmbeddedResourceContentBlock,
    HttpMcpServer,
    ImageContentBlock,
    McpServerStdio,
    ResourceContentBlock,
    TextContentBlock,
    TextResourceContents,
)
from pydantic import ValidationError

from configs.mcp import McpServer
from core.errors import UsageError
from graph.server_contents import resource_blocks
from graph.session import Session

#: Characters of an attached text that the model gets at once; a file holds the rest.
MOST_TEXT = 40_000
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


async def text_of(blocks: Sequence[Any], session: Session) -> str:
    """A message as text. Pictures become files that the model can read, texts stay in it. Raises
    UsageError for a block it cannot take; then it sends no part of the message."""
    parts = [await _part(block, session) for block in blocks]
    text = "".join(parts).strip()
    if not text:
        raise UsageError("the message is empty", "write something")
    return text


async def _part(block: Any, session: Session) -> str:
    match block:
        case TextContentBlock():
            resources = await resource_blocks(session, block.text)
            return "\n\n".join([block.text, *resources, ""]) if resources else block.text
        case ResourceContentBlock():
            return f" {_place(block.uri, session.thread.cwd)} "
        case EmbeddedResourceContentBlock(resource=TextResourceContents() as resource):
            return await _attached(resource, session)
        case ImageContentBlock():
            return await _picture(block.data, block.mime_type, session)
        case EmbeddedResourceContentBlock(resource=resource):
            return await _picture(resource.blob, resource.mime_type or "", session)
    raise UsageError("Cannot read an attached sound", "attach text, pictures or files")


def _place(uri: str, cwd: str) -> str:
    """A file's path, relative inside of the folder; any other address as it is."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return uri
    path = Path(unquote(parts.path))
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)


async def _attached(resource: TextResourceContents, session: Session) -> str:
    text, place = resource.text, _place(resource.uri, session.thread.cwd)
    if len(text) > MOST_TEXT:
        text, _ = await session.keep_text("attached", text, MOST_TEXT)
    return f"\n\nAttached, {place}:\n<attached>\n{text}\n</attached>\n\n"


async def _picture(data: str, kind: str, session: Session) -> str:
    suffix = SUFFIXES.get(kind)
    if suffix is None:
        what = kind or "an unknown type"
        raise UsageError(
            f"Cannot read an attachment of {what}", "name the file in your message instead"
        )
    if not await session.sees():
        raise UsageError(
            f"{session.thread.model} does not take pictures",
            "choose another model",
        )
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise UsageError("Cannot read a picture: it is not base64", "attach it again") from None
    return f"\n\nAttached picture: {await session.keep_file(f'picture.{suffix}', content)}\n\n"


def with_servers(own: Mapping[str, McpServer], sent: Sequence[Any] | None) -> dict[str, McpServer]:
    """The user's MCP servers and the editor's. An editor may read its list from the folder, so a
    program runs in the command sandbox, as a folder's does, and replaces none of the user's.
    Raises UsageError."""
    return {**{server.name: _server(server) for server in sent or ()}, **own}


def _server(server: Any) -> McpServer:
    given: dict[str, Any]
    if isinstance(server, McpServerStdio):
        env = {one.name: _literal(one.value) for one in server.env}
        args = [_literal(word) for word in server.args]
        command = _literal(server.command)
        given = {"command": command, "args": args, "env": env, "sandbox": True}
    elif isinstance(server, HttpMcpServer):
        headers = {one.name: _literal(one.value) for one in server.headers}
        given = {"url": _literal(server.url), "headers": headers}
    else:
        raise UsageError(
            f"Cannot use MCP server {server.name!r}: only stdio and streamable HTTP are supported",
            "remove it from the editor's settings",
        )
    try:
        return McpServer.model_validate(given)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UsageError(f"Cannot use MCP server {server.name!r}: {reason}") from None


def _literal(value: str) -> str:
    """A value of the editor's. Raises UsageError for `${VAR}`: it would read our environment."""
    if "${" in value:
        raise UsageError(
            "Cannot use an MCP server of the editor with ${...} in its settings",
            "write the value, or move the server to ml-agent's own settings",
        )
    return value
