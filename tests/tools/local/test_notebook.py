"""Notebooks: read as cells, edited within a cell, everything else as it was written."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from configs.settings import Settings
from core.store import open_store
from nodes.services import build_services
from tests.tools.bench import Bench


def png() -> str:
    target = io.BytesIO()
    Image.new("RGB", (2, 2)).save(target, "PNG")
    return base64.b64encode(target.getvalue()).decode()


def code(source: Any, outputs: list[Any] | None = None, count: int | None = 1) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {"tags": ["x"]},
        "outputs": outputs or [],
        "source": source,
    }


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "words"]},
        code(
            ["import numpy as np\n", "x = 1"],
            [
                {"output_type": "stream", "text": ["one\n", "\x1b[31mtwo\x1b[0m"]},
                {
                    "output_type": "display_data",
                    "data": {"image/png": png(), "text/plain": ["<Figure>"]},
                },
            ],
        ),
        code(
            "raise ValueError('é')",
            [
                {
                    "output_type": "error",
                    "ename": "ValueError",
                    "traceback": ["\x1b[0;31mValueError\x1b[0m: é"],
                }
            ],
            2,
        ),
        code("x = 1\ny = 2", count=None),
    ],
    "metadata": {"kernelspec": {"name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


async def test_cells_with_their_outputs(bench: Bench) -> None:
    bench.file("n.ipynb", json.dumps(NOTEBOOK, indent=1))
    text = (await bench.call("read", path="n.ipynb")).text
    assert text.startswith(
        "[cell 1, markdown]\n     1\t# Title\n     2\twords\n\n[cell 2, code, run 1]"
    )
    assert "[output of cell 2]\none\ntwo\n<Figure>\n[image/png]" in text
    assert "[output of cell 3]\nValueError: é" in text
    assert "[cell 4, code, not run]\n     1\tx = 1\n     2\ty = 2" in text
    assert "kernelspec" not in text
    part = (await bench.call("read", path="n.ipynb", offset=2, limit=1)).text
    assert part.startswith("[cell 2, code")
    assert part.endswith("[2 more cells; continue with offset=3]")
    beyond = (await bench.call("read", path="n.ipynb", offset=9)).text
    assert beyond == "[the notebook has 4 cells; cell 9 is beyond its end]"


async def test_its_pictures_are_shown_to_a_model_that_sees(
    settings: Settings, workdir: Path
) -> None:
    able = settings.model_copy(update={"vision": True})
    async with await open_store(able) as store:
        bench = Bench(build_services(able, store), workdir)
        bench.file("n.ipynb", json.dumps(NOTEBOOK))
        (shown,) = (await bench.call("read", path="n.ipynb")).images
    assert shown == {"mime_type": "image/png", "base64": png()}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(NOTEBOOK, indent=1, ensure_ascii=False) + "\n",
        json.dumps(NOTEBOOK, indent=2),
        json.dumps(NOTEBOOK),
        json.dumps(NOTEBOOK, separators=(",", ":")),
        json.dumps(NOTEBOOK, indent="\t") + "\n",
    ],
    ids=["jupyter", "escaped", "one line", "compact", "tabs"],
)
async def test_an_edit_changes_nothing_else(content: str, bench: Bench) -> None:
    path = bench.file("n.ipynb", content)
    await bench.call("read", path="n.ipynb")
    result = await bench.call("edit", path="n.ipynb", old="import numpy as np", new="import math")
    assert result.text.startswith(f"Changed 1 place in {path}, cell 2; outputs cleared")
    wanted = json.loads(content)
    wanted["cells"][1] |= {
        "source": ["import math\n", "x = 1"], "outputs": [], "execution_count": None,
    }  # fmt: skip
    assert json.loads(path.read_text()) == wanted
    # Byte for byte, but for that cell.
    head, tail = content.index('"cells"'), content.index("raise ValueError")
    written = path.read_text()
    assert written[:head] == content[:head]
    assert written.endswith(content[tail:])


async def test_where_a_passage_stands(bench: Bench) -> None:
    path = bench.file("n.ipynb", json.dumps(NOTEBOOK))
    await bench.call("read", path="n.ipynb")
    twice = await bench.call("edit", path="n.ipynb", old="x = 1", new="x = 3")
    assert "old occurs 2 times" in twice.text
    across = await bench.call("edit", path="n.ipynb", old="x = 1\nraise", new="y")
    assert "does not occur" in across.text
    both = await bench.call("edit", path="n.ipynb", old="x = 1", new="x = 3", replace_all=True)
    assert "Changed 2 places" in both.text
    assert "cell 2, 4; outputs" in both.text
    loose = await bench.call("edit", path="n.ipynb", old="  x   = 3\n  y = 2", new="x = 4\ny = 5")
    assert loose.ok
    cells = json.loads(path.read_text())["cells"]
    assert cells[3]["source"] == "x = 4\ny = 5"
    assert cells[2] == NOTEBOOK["cells"][2]  # type: ignore[index]


@pytest.mark.parametrize(
    "content",
    [
        "{not json",
        json.dumps({"nbformat": 3, "worksheets": []}),
        json.dumps({"cells": [1], "nbformat": 4}),
    ],
)
async def test_what_is_no_notebook_is_text(content: str, bench: Bench) -> None:
    path = bench.file("n.ipynb", content)
    result = await bench.call("read", path="n.ipynb")
    assert result.text == f"[no notebook of format 4: shown as text]\n     1\t{content}"
    edited = await bench.call("edit", path="n.ipynb", old=content[:5], new="12345")
    assert edited.ok
    assert path.read_text() == "12345" + content[5:]


async def test_an_edit_that_was_cut_off_is_found(bench: Bench) -> None:
    path = bench.file("n.ipynb", json.dumps(NOTEBOOK))
    await bench.call("read", path="n.ipynb")
    arguments = {"path": "n.ipynb", "old": "words", "new": "prose"}
    await bench.call("edit", **arguments)
    written = path.read_bytes()
    again = await bench.call("edit", call_id=bench.last_id, **arguments)
    assert "Changed 1 place" in again.text
    assert path.read_bytes() == written


# --- whole cells --------------------------------------------------------------------------


def sources(path: Path) -> list[tuple[str, str]]:
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text())["cells"]]


SMALL = {**NOTEBOOK, "cells": [code(["a = 1"]), code([], count=None)]}


@pytest.mark.parametrize(
    ("asked", "after"),
    [
        ({"old": "", "new": "b = 2"}, [("code", "a = 1"), ("code", "b = 2")]),
        ({"old": "", "new": "a = 9", "cell": 1}, [("code", "a = 9"), ("code", "")]),
        ({"old": "1", "new": "7", "cell": 1}, [("code", "a = 7"), ("code", "")]),
        ({"old": "", "new": "# T\nx", "cell": 0, "action": "insert_markdown"},
         [("markdown", "# T\nx"), ("code", "a = 1"), ("code", "")]),
        ({"old": "", "new": "c", "cell": 1, "action": "insert_code"},
         [("code", "a = 1"), ("code", "c"), ("code", "")]),
        ({"old": "", "new": "z", "action": "insert_code"},
         [("code", "a = 1"), ("code", ""), ("code", "z")]),
        ({"old": "", "new": "", "cell": 2, "action": "delete"}, [("code", "a = 1")]),
    ],
    ids=["fill", "replace", "a passage", "at the start", "behind one", "at the end", "delete"],
)  # fmt: skip
async def test_cells_are_filled_added_and_removed(
    bench: Bench, asked: dict[str, Any], after: list[tuple[str, str]]
) -> None:
    path = bench.file("n.ipynb", json.dumps(SMALL, indent=1))
    await bench.call("read", path="n.ipynb")
    result = await bench.call("edit", path="n.ipynb", **asked)
    assert result.ok, result.text
    assert sources(path) == after
    added = [c for c in json.loads(path.read_text())["cells"] if "id" in c]
    assert len(added) == (1 if "insert" in asked.get("action", "") else 0)
    assert path.read_text().startswith('{\n "cells": [')


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("n.ipynb", {"old": "", "new": "x", "cell": 3}, "has 2 cells; there is no cell 3"),
        ("n.ipynb", {"old": "", "new": "", "action": "delete"}, "name the cell"),
        ("n.ipynb", {"old": "", "new": "x", "cell": 0}, "name the cell"),
        ("a.py", {"old": "", "new": "x"}, "old is empty"),
        ("a.py", {"old": "", "new": "x", "cell": 1}, "is not a notebook"),
    ],
)
async def test_what_names_no_cell_is_one_line(
    bench: Bench, name: str, asked: dict[str, Any], said: str
) -> None:
    path = bench.file(name, json.dumps(SMALL) if name.endswith("b") else "a = 1\n")
    before = path.read_bytes()
    await bench.call("read", path=name)
    result = await bench.call("edit", path=name, **asked)
    assert not result.ok
    assert said in result.text
    assert path.read_bytes() == before


async def test_a_notebook_of_pictures_opens_without_them(bench: Bench) -> None:
    picture = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": "A" * 21_000_000},
    }
    path = bench.file("n.ipynb", json.dumps({**SMALL, "cells": [code(["a = 1"], [picture])]}))
    text = (await bench.call("read", path="n.ipynb")).text
    assert "a = 1" in text
    assert "outputs are left out: the notebook has 21,0" in text
    assert (await bench.call("edit", path="n.ipynb", old="a = 1", new="a = 2")).ok
    assert sources(path) == [("code", "a = 2")]
