"""edit: replace a passage of a file, exactly or, where only white space differs, tolerantly."""

import asyncio
import difflib
import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.effects import Effect
from core.errors import ToolError
from core.parsing.notebook import changed, parsed
from core.tool import AgentTool, ToolContext, ToolResult
from tools.local.edit_indent import reindented
from tools.local.files import absolute, content_of, decoded, diff, known, put, recovered


class EditArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1)
    old: str = Field(min_length=1, description="the passage as it stands, whole lines best")
    new: str = Field(description="what takes its place")
    replace_all: bool = Field(False, description="every occurrence, not only one")


class Edit(AgentTool):
    name: str = "edit"
    description: str = (
        "Replace a passage of a file that was read in this thread. `old` must occur exactly once, "
        "unless replace_all; if only its white space differs from the file's, the file's "
        "indentation is kept. In a notebook it is a passage of a cell's source. Returns how many "
        "places changed, and the diff."
    )
    args_schema: type[BaseModel] = EditArguments
    in_backend: bool = True

    def effect(self, arguments: EditArguments, cwd: str) -> Effect:
        preview = diff(arguments.path, arguments.old, arguments.new)
        return Effect("write", paths=(arguments.path,), preview=preview)

    async def execute(self, arguments: EditArguments, ctx: ToolContext) -> ToolResult:
        path = await absolute(arguments.path, ctx)
        content = await content_of(path, ctx)
        if content is None:
            raise ToolError(f"there is no {path}: create it with write")
        await known(path, content, ctx)
        file = decoded(path, content)
        # The model may quote a CRLF file either way.
        old, new = arguments.old.replace("\r\n", "\n"), arguments.new.replace("\r\n", "\n")
        if old == new:
            raise ToolError("old and new are the same")
        text, count, how = await asyncio.to_thread(
            _changed, path, file.text, lambda t: replaced(t, old, new, arguments.replace_all)
        )
        await put(path, content, file.encoded(text), ctx)
        change = await asyncio.to_thread(diff, path, file.text, text)
        ctx.log(change)
        places = "1 place" if count == 1 else f"{count} places"
        return ToolResult(f"Changed {places} in {path}{how}.\n{change[:4000]}")

    async def recover(
        self, arguments: EditArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        return await recovered(ctx, note)


def _changed(
    path: str, text: str, replace: Callable[[str], tuple[str, int, str]]
) -> tuple[str, int, str]:
    """(the file's new text, number of places, what to say of them); a notebook changes within
    its cells' sources."""
    notebook = parsed(text) if path.endswith(".ipynb") else None
    if notebook is None:
        return replace(text)
    written, cells, count, how = changed(text, notebook, replace)
    numbers = ", ".join(map(str, cells))
    said = f", cell {numbers}{how}; outputs cleared, as it has not run since"
    return written, count, said


def replaced(text: str, old: str, new: str, everywhere: bool) -> tuple[str, int, str]:
    """(the new text, number of places, how it was matched). Raises ToolError with what helps."""
    count = text.count(old)
    if count == 1 or (count and everywhere):
        return text.replace(old, new), count, ""
    if count:
        raise ToolError(
            f"old occurs {count} times: add lines around it until it is unique, or set replace_all"
        )
    found = _loose_matches(text, old)
    if not found:
        raise ToolError(f"old does not occur in the file{_nearest(text, old)}")
    if len(found) > 1 and not everywhere:
        raise ToolError(f"old occurs {len(found)} times if white space is ignored: add lines")
    for start, end in reversed(found):
        if not new:
            # The lines go, not only what stands on them.
            start, end = (start, end + 1) if end < len(text) else (max(start - 1, 0), end)
            text = text[:start] + text[end:]
            continue
        text = text[:start] + reindented(text[start:end], old, new) + text[end:]
    return text, len(found), " (matched although white space differs)"


def _loose_matches(text: str, old: str) -> list[tuple[int, int]]:
    """Where the lines of `old` stand if indentation, trailing and inner runs of white space
    count as equal. Whole lines only."""
    wanted = [_squeezed(line) for line in old.strip("\n").split("\n")]
    if not any(wanted):
        return []
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    squeezed = [_squeezed(line) for line in lines]
    found: list[tuple[int, int]] = []
    i = 0
    while i + len(wanted) <= len(lines):
        if squeezed[i : i + len(wanted)] == wanted:
            last = i + len(wanted) - 1
            found.append((starts[i], starts[last] + len(lines[last])))
            i += len(wanted)
        else:
            i += 1
    return found


def _squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", line.strip())


def _nearest(text: str, old: str) -> str:
    """The line of the file that is most like the first line of `old`."""
    first = next((line for line in old.split("\n") if line.strip()), "")
    near = difflib.get_close_matches(first, text.split("\n")[:20_000], 1, 0.6)
    if not first or not near:
        return ": read it again"
    number = text.split("\n").index(near[0]) + 1
    return f"; line {number} is near it: {near[0].strip()[:200]}"
