"""Notebooks (.ipynb, format 4): shown as cells, changed within a cell's source.

What is changed is the JSON around nothing else: key order, indentation, and the form of each
source stay unchanged. A cell that was changed has not run: its outputs go.
"""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Callable
from typing import Any

#: Characters of a cell's output that are shown; pictures of a notebook that are.
OUTPUT, PICTURES = 2000, 4
#: Stands between the sources of two cells while they are searched as one text.
BETWEEN = "\n\0\n"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def parsed(text: str) -> dict[str, Any] | None:
    """The notebook that `text` is; None for anything else (format 3 among them)."""
    try:
        notebook = json.loads(text)
    except ValueError:
        return None
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        return None
    cells = notebook.get("cells")
    fits = isinstance(cells, list) and all(_is_cell(cell) for cell in cells)
    return notebook if fits else None


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and isinstance(cell.get("source"), str | list)


def source_of(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(map(str, source))


def shown(
    notebook: dict[str, Any], offset: int, limit: int, *, outputs: bool = True
) -> tuple[str, list[bytes]]:
    """(cells from `offset` on as text, the PNG and JPEG pictures of their outputs)."""
    cells = notebook["cells"]
    chosen = cells[offset - 1 : offset - 1 + limit]
    if not chosen:
        return f"[the notebook has {len(cells)} cells; cell {offset} is beyond its end]", []
    pictures: list[bytes] = []
    if not outputs:
        chosen = [{**cell, "outputs": []} for cell in chosen]
    blocks = [_cell(cell, number, pictures) for number, cell in enumerate(chosen, offset)]
    after = len(cells) - (offset - 1 + len(chosen))
    if after > 0:
        blocks.append(f"[{after} more cells; continue with offset={offset + len(chosen)}]")
    return "\n\n".join(blocks), pictures[:PICTURES]


def _cell(cell: dict[str, Any], number: int, pictures: list[bytes]) -> str:
    kind = cell.get("cell_type", "raw")
    count = cell.get("execution_count")
    ran = f", run {count}" if count is not None else ", not run" if kind == "code" else ""
    lines = source_of(cell).split("\n")
    told = [f"[cell {number}, {kind}{ran}]", *(f"{n:6}\t{line}" for n, line in enumerate(lines, 1))]
    output = "\n".join(_output(o, pictures) for o in cell.get("outputs") or ()).strip()
    if output:
        if len(output) > OUTPUT:
            rest = len(output) - OUTPUT
            output = f"{output[:OUTPUT]}\n[... {rest} more characters of output]"
        told += [f"[output of cell {number}]", output]
    return "\n".join(told)


def _output(output: dict[str, Any], pictures: list[bytes]) -> str:
    if output.get("output_type") == "error":
        trace = "\n".join(map(str, output.get("traceback") or ()))
        return ANSI.sub("", trace) or f"{output.get('ename')}: {output.get('evalue')}"
    if output.get("output_type") == "stream":
        return ANSI.sub("", _joined(output.get("text", "")))
    data = output.get("data") or {}
    told = [_joined(data["text/plain"])] if "text/plain" in data else []
    for kind in data:
        if kind in ("image/png", "image/jpeg"):
            try:
                pictures.append(base64.b64decode(_joined(data[kind])))
            except binascii.Error:
                continue
        if kind.startswith("image/"):
            told.append(f"[{kind}]")
    return ANSI.sub("", "\n".join(told))


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(map(str, value))


def changed(
    text: str, notebook: dict[str, Any], replace: Callable[[str], tuple[str, int, str]]
) -> tuple[str, list[int], int, str]:
    """The notebook's file with `replace` applied to the sources of its cells.

    Args:
        text: the file. replace: from all sources as one text to (new text, places, how).

    Returns (new file, numbers of the cells that changed, places, how).
    """
    cells = notebook["cells"]
    before = [source_of(cell) for cell in cells]
    joined, places, how = replace(BETWEEN.join(before))
    after = re.split(r"\n?\0\n?", joined)
    touched = []
    for number, (cell, old, new) in enumerate(zip(cells, before, after, strict=True), 1):
        if old == new:
            continue
        touched.append(number)
        _set_source(cell, new)
    return _as_it_was_written(text, notebook), touched, places, how


def with_source(text: str, notebook: dict[str, Any], number: int, source: str) -> str:
    """The file with the whole source of cell `number` (from 1) replaced. Raises IndexError."""
    _set_source(_cell_at(notebook, number), source)
    return _as_it_was_written(text, notebook)


def with_cell(text: str, notebook: dict[str, Any], after: int, kind: str, source: str) -> str:
    """The file with a new cell behind cell `after`; 0: at the start. `kind`: code or markdown.
    Raises IndexError."""
    if after:
        _cell_at(notebook, after)
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": []}
    if notebook.get("nbformat_minor", 0) >= 5:
        cell = {"cell_type": kind, "id": secrets.token_hex(4), "metadata": {}, "source": []}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    _set_source(cell, source)
    notebook["cells"].insert(after, cell)
    return _as_it_was_written(text, notebook)


def without_cell(text: str, notebook: dict[str, Any], number: int) -> str:
    """The file without cell `number`. Raises IndexError."""
    _cell_at(notebook, number)
    del notebook["cells"][number - 1]
    return _as_it_was_written(text, notebook)


def empty_cells(notebook: dict[str, Any]) -> list[int]:
    """Numbers of the cells that have no source."""
    return [n for n, cell in enumerate(notebook["cells"], 1) if not source_of(cell).strip()]


def _cell_at(notebook: dict[str, Any], number: int) -> dict[str, Any]:
    cells = notebook["cells"]
    if not 1 <= number <= len(cells):
        raise IndexError(f"the notebook has {len(cells)} cells; there is no cell {number}")
    found: dict[str, Any] = cells[number - 1]
    return found


def _set_source(cell: dict[str, Any], source: str) -> None:
    cell["source"] = source if isinstance(cell["source"], str) else source.splitlines(keepends=True)
    if cell.get("cell_type") == "code":
        cell["outputs"], cell["execution_count"] = [], None


def _as_it_was_written(text: str, notebook: dict[str, Any]) -> str:
    """The JSON with the indentation, escapes and last line end that `text` has."""
    indent = re.match(r"\s*\{\n([ \t]+)", text)
    step: Any = None if indent is None else indent[1]
    separators = (",", ":") if indent is None and '":' in text and '": ' not in text else None
    written = json.dumps(notebook, indent=step, ensure_ascii=text.isascii(), separators=separators)
    return written + "\n" * text.endswith("\n")
