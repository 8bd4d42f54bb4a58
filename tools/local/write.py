"""write: a whole file, in the form of the one it replaces; never over one that was not read."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.titles import count_lines
from core.tool import AgentTool, ToolContext, ToolResult
from tools.local.files import absolute, content_of, decoded, diff, known, put, recovered
from tools.local.write_effect import write_effect

#: Lines of a new file that are shown.
SHOWN = 40


class WriteArguments(BaseModel, extra="forbid"):
    path: str = Field(min_length=1)
    content: str = Field(description="the whole file")


class Write(AgentTool):
    name: str = "write"
    description: str = (
        "Create a file, or replace a whole one that was read in this thread. Folders are made. "
        "To change a part of a file use edit."
    )
    args_schema: type[BaseModel] = WriteArguments
    in_backend: bool = True

    def title(self, arguments: Mapping[str, Any]) -> str:
        return f"{arguments['path']} ({count_lines(arguments['content'])})"

    def effect(self, arguments: WriteArguments, cwd: str) -> Effect:
        return write_effect(arguments.path, cwd, arguments.content)

    async def execute(self, arguments: WriteArguments, ctx: ToolContext) -> ToolResult:
        path = await absolute(arguments.path, ctx)
        before = await content_of(path, ctx)
        after = _in_the_form_of(path, before, arguments.content)
        count = len(arguments.content.splitlines())
        lines = "1 line" if count == 1 else f"{count} lines"
        if before is None:
            await put(path, None, after, ctx)
            shown = "".join(arguments.content.splitlines(keepends=True)[:SHOWN])
            ctx.log(diff(path, "", shown))
            return ToolResult(f"Created {path} ({lines}).")
        await known(path, before, ctx)
        await put(path, before, after, ctx)
        ctx.log(await asyncio.to_thread(_change, path, before, arguments.content))
        return ToolResult(f"Replaced {path} ({lines}).")

    async def recover(
        self, arguments: WriteArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        return await recovered(ctx, note)


def _in_the_form_of(path: str, before: bytes | None, text: str) -> bytes:
    """`text` with the encoding, byte order mark and line ends of the file that it replaces. Text
    that brings its own line ends keeps them. Raises ToolError."""
    if before:
        with suppress(ToolError):  # no text, or an encoding that lacks these characters
            file = decoded(path, before)
            if "\r\n" in text:
                file = replace(file, ends=())
            return file.encoded(text.removeprefix("\ufeff") if file.mark else text)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ToolError("the content holds half a character and cannot be stored") from None


def _change(path: str, before: bytes, after: str) -> str:
    try:
        return diff(path, decoded(path, before).text, after)
    except ToolError:
        return f"[{path} was not a text file]"
