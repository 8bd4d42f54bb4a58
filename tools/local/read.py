"""read: a file's lines with their numbers, a notebook's cells, a picture, a folder's entries.

The shortest whole example of a tool: arguments, effect, execution. Copy it for a new one.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from pydantic import BaseModel, Field

from core.backend import Entry
from core.effects import Effect
from core.errors import ToolError
from core.parsing.images import kind_of, prepared
from core.parsing.notebook import parsed, shown
from core.tool import AgentTool, ToolContext, ToolResult
from tools.local.files import LARGEST, absolute, content_of, decoded, is_folder, near
from tools.local.skill_files import bring_skill

#: A longer line is cut.
LINE_CHARACTERS = 2000
#: What is said instead of a picture.
BLIND = "The model cannot see pictures; set `vision` if it can."
#: Entries of a folder that are listed.
ENTRIES = 500


class ReadArguments(BaseModel, extra="forbid"):
    path: str = Field(min_length=1, description="a file or folder")
    offset: int = Field(1, ge=1, description="first line")
    limit: int = Field(2000, ge=1, description="number of lines")


class Read(AgentTool):
    name: str = "read"
    description: str = (
        "Read a text file as numbered lines, a notebook as cells, a picture, or list a folder. "
        "Read a file before you edit or overwrite it. offset and limit count lines or "
        "cells."
    )
    args_schema: type[BaseModel] = ReadArguments
    looks_up: bool = True
    in_backend: bool = True

    def effect(self, arguments: ReadArguments, cwd: str) -> Effect:
        return Effect("read", paths=(arguments.path,))

    async def execute(self, arguments: ReadArguments, ctx: ToolContext) -> ToolResult:
        await bring_skill(arguments.path, ctx)
        path = await absolute(arguments.path, ctx)
        if await is_folder(path, ctx):
            return ToolResult(_entries(await ctx.services.backend.list(path)))
        content = await content_of(path, ctx)
        if content is None:
            raise ToolError(f"there is no {path}{await near(path, ctx)}")
        if kind_of(content):
            return await _picture(arguments.path, content, ctx)
        file = decoded(path, content)
        await ctx.services.files_seen.mark(ctx.thread, path, file.sha256)
        if path.endswith(".ipynb"):
            return await _notebook(file.text, arguments, ctx)
        return ToolResult(_numbered(file.text, arguments.offset, arguments.limit))


async def _picture(name: str, content: bytes, ctx: ToolContext) -> ToolResult:
    told, picture = await prepared(name, content)
    if not await _sees(ctx):
        return ToolResult(f"{told}. {BLIND}")
    return ToolResult(told, images=[picture])


async def _sees(ctx: ToolContext) -> bool:
    await ctx.services.models.ready(ctx.model)
    return ctx.services.models.sees(ctx.model)


async def _notebook(text: str, arguments: ReadArguments, ctx: ToolContext) -> ToolResult:
    notebook = await asyncio.to_thread(parsed, text)
    if notebook is None:
        as_text = _numbered(text, arguments.offset, arguments.limit)
        return ToolResult(f"[no notebook of format 4: shown as text]\n{as_text}")
    large = len(text) > LARGEST
    cells, pictures = shown(notebook, arguments.offset, arguments.limit, outputs=not large)
    if large:
        cells += f"\n\n[outputs are left out: the notebook has {len(text):,} characters]"
    images = []
    if pictures and await _sees(ctx):
        for picture in pictures:
            with contextlib.suppress(ToolError):  # one that is broken is named all the same
                images.append((await prepared("", picture))[1])
    return ToolResult(cells, images=images)


def _numbered(text: str, offset: int, limit: int) -> str:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return "[the file is empty]"
    chosen = lines[offset - 1 : offset - 1 + limit]
    if not chosen:
        return f"[the file has {len(lines)} lines; line {offset} is beyond its end]"
    shown = [f"{n:6}\t{_cut(line)}" for n, line in enumerate(chosen, offset)]
    after = len(lines) - (offset - 1 + len(chosen))
    if after > 0:
        shown.append(f"[{after} more lines; continue with offset={offset + len(chosen)}]")
    return "\n".join(shown)


def _cut(line: str) -> str:
    if len(line) <= LINE_CHARACTERS:
        return line
    return f"{line[:LINE_CHARACTERS]}[... {len(line) - LINE_CHARACTERS} more characters]"


def _entries(entries: Sequence[Entry]) -> str:
    names = [
        f"{one.name}/" if one.kind == "folder" else f"{one.name}  {one.size:,} bytes"
        for one in entries[:ENTRIES]
    ]
    if len(entries) > ENTRIES:
        names.append(f"[{len(entries) - ENTRIES} more]")
    return "\n".join(names) or "[the folder is empty]"
