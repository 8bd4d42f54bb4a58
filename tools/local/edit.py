"""edit: replace a passage of a file, exactly or, where only white space differs, tolerantly."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.parsing.notebook import changed, parsed
from core.tool import AgentTool, ToolContext, ToolResult
from tools.local.edit_cells import CellChange
from tools.local.edit_match import replaced
from tools.local.files import absolute, content_of, decoded, diff, known, put, recovered
from tools.local.write_effect import write_effect

#: No cell is named.
NO_CELL = -1


class EditArguments(BaseModel, extra="forbid"):
    path: str = Field(min_length=1)
    old: str = Field(description="the passage")
    new: str = Field(description="what replaces it")
    replace_all: bool = Field(False, description="every occurrence")
    cell: int = Field(NO_CELL, description="of a notebook; old empty: all of it")
    action: Literal["edit", "insert_code", "insert_markdown", "delete"] = Field(
        "edit", description="insert goes behind cell"
    )


class Edit(AgentTool):
    name: str = "edit"
    description: str = (
        "Replace a passage of a file that was read in this thread. `old` must occur exactly once, "
        "unless replace_all; if only its white space differs from the file's, the file's "
        "indentation is kept. In a notebook it is a passage of a cell's source. Returns the diff."
    )
    args_schema: type[BaseModel] = EditArguments
    in_backend: bool = True

    def effect(self, arguments: EditArguments, cwd: str) -> Effect:
        preview = diff(arguments.path, arguments.old, arguments.new)
        if arguments.action != "edit":
            preview = f"{arguments.action.replace('_', ' ')}, cell {arguments.cell}\n{preview}"
        return write_effect(arguments.path, cwd, preview)

    async def execute(self, arguments: EditArguments, ctx: ToolContext) -> ToolResult:
        path = await absolute(arguments.path, ctx)
        content = await content_of(path, ctx)
        if content is None:
            raise ToolError(f"there is no {path}: create it with write")
        await known(path, content, ctx)
        file = decoded(path, content)
        # The model may quote a CRLF file either way.
        old, new = arguments.old.replace("\r\n", "\n"), arguments.new.replace("\r\n", "\n")
        if old == new and arguments.action != "delete":
            raise ToolError("old and new are the same")
        if old and arguments.action == "edit" and arguments.cell == NO_CELL:
            text, count, how = await asyncio.to_thread(
                _changed, path, file.text, lambda t: replaced(t, old, new, arguments.replace_all)
            )
        else:
            cell = None if arguments.cell == NO_CELL else arguments.cell
            change = CellChange(arguments.action, cell, old, new, arguments.replace_all)
            text, count, how = await asyncio.to_thread(change.applied, path, file.text)
        await put(path, content, file.encoded(text), ctx)
        shown = await asyncio.to_thread(diff, path, file.text, text)
        ctx.log(shown)
        places = "1 place" if count == 1 else f"{count} places"
        return ToolResult(f"Changed {places} in {path}{how}.\n{shown[:4000]}")

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
