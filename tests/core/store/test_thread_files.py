"""Results that are too long: what stays, what is told about the rest, and where it is."""

import re
from pathlib import Path

import pytest

from core.store.files.thread_files import Outputs


@pytest.mark.parametrize("length", [1001, 1100, 5000, 300_000])
async def test_head_and_tail_stay_and_the_rest_is_in_a_file(tmp_path: Path, length: int) -> None:
    whole = "".join(chr(ord("a") + i % 26) for i in range(length))
    text = await Outputs(tmp_path).bounded("t1", "call_1", whole, 1000)
    assert len(text) <= 1000
    found = re.fullmatch(
        r"([a-z]+)\n\[\.\.\. ([\d,]+) characters left out; .* (/.*) \.\.\.\]\n(.*)", text
    )
    assert found is not None
    head, left_out, path, tail = found.groups()
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + int(left_out.replace(",", "")) + len(tail) == length
    assert Path(path).read_text() == whole


async def test_half_a_character_is_stored_as_an_escape(tmp_path: Path) -> None:
    await Outputs(tmp_path).bounded("t1", "call_1", "\ud83d" + "x" * 2000, 1000)
    stored = (tmp_path / "threads/t1/results/call_1.txt").read_text()
    assert stored.startswith("\\ud83dxx")


def test_places(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    assert outputs.run("t1", "call_1") == tmp_path / "threads/t1/runs/call_1"
    assert outputs.run("t1", "call_1").parent == outputs.runs("t1")
