"""edit's changes to whole cells of a notebook: fill, replace, insert, delete."""

from dataclasses import dataclass
from typing import Any

from core.errors import ToolError
from core.parsing.notebook import (
    empty_cells,
    parsed,
    source_of,
    with_cell,
    with_source,
    without_cell,
)
from tools.local.edit_match import replaced


@dataclass(frozen=True)
class CellChange:
    """What `edit` is asked to do with a cell, or with what is empty. `cell`: from 1."""

    action: str
    cell: int | None
    old: str
    new: str
    everywhere: bool

    def applied(self, path: str, text: str) -> tuple[str, int, str]:
        """(the file's new text, number of places, what to say of them). Raises ToolError."""
        notebook = parsed(text) if path.endswith(".ipynb") else None
        if notebook is None:
            return self._to_text(path, text)
        try:
            return self._to_notebook(text, notebook)
        except IndexError as error:
            raise ToolError(str(error)) from None

    def _to_text(self, path: str, text: str) -> tuple[str, int, str]:
        if self.action != "edit" or self.cell is not None:
            raise ToolError(f"{path} is not a notebook of format 4: it has no cells")
        if text.strip():
            raise ToolError("old is empty: give the passage to replace, or use write")
        return self.new, 1, ""

    def _to_notebook(self, text: str, notebook: dict[str, Any]) -> tuple[str, int, str]:
        number = self.cell
        if self.action.startswith("insert"):
            after = len(notebook["cells"]) if number is None else number
            kind = self.action.removeprefix("insert_")
            return with_cell(text, notebook, after, kind, self.new), 1, f", new cell {after + 1}"
        if number is None and self.action == "edit":
            empty = empty_cells(notebook)
            if len(empty) != 1:
                raise ToolError(f"old is empty, and so are {len(empty)} cells: name the cell")
            number = empty[0]
        if not number:
            raise ToolError("name the cell: cells count from 1")
        if self.action == "delete":
            return without_cell(text, notebook, number), 1, f", cell {number} deleted"
        source, count = self.new, 1
        if self.old:
            here = source_of(notebook["cells"][number - 1])
            source, count, _ = replaced(here, self.old, self.new, self.everywhere)
        done = with_source(text, notebook, number, source)
        return done, count, f", cell {number}; its outputs are cleared, as it has not run since"
