"""grep: matches, their bounds, and what is not shown."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.tools.bench import Bench, alive, until
from tools.workspace import ripgrep


@pytest.fixture
def tree(workdir: Path) -> Path:
    (workdir / "src").mkdir()
    (workdir / "a.py").write_text("import os\nx = 1\nprint(x)\n")
    (workdir / "src/b.py").write_text("x = 2\n# X marks\n")
    (workdir / "notes.txt").write_text("x = 3\n")
    (workdir / "ignored.py").write_text("x = 4\n")
    (workdir / ".gitignore").write_text("ignored.py\n")
    return workdir


def lines(text: str) -> list[str]:
    return sorted(text.split("\n"))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"pattern": "^x = "}, ["a.py:2: x = 1", "notes.txt:1: x = 3", "src/b.py:1: x = 2"]),
        ({"pattern": "^x", "glob": "*.py"}, ["a.py:2: x = 1", "src/b.py:1: x = 2"]),
        ({"pattern": "^x", "path": "src"}, ["src/b.py:1: x = 2"]),
        ({"pattern": "^x", "path": "a.py"}, ["a.py:2: x = 1"]),
        ({"pattern": "^x", "path": "ignored.py"}, ["ignored.py:1: x = 4"]),
        ({"pattern": "x =", "output": "files", "glob": "*.py"}, ["a.py", "src/b.py"]),
        ({"pattern": "x", "output": "count", "glob": "a.py"}, ["a.py: 2"]),
        (
            {"pattern": "marks", "ignore_case": True, "context": 1},
            ["src/b.py-1- x = 2", "src/b.py:2: # X marks"],
        ),
        ({"pattern": "MARKS"}, ["no match for MARKS"]),
        ({"pattern": "-x", "glob": "src/*"}, ["no match for -x"]),
    ],
)
async def test_what_is_found(
    arguments: dict[str, object], found: list[str], bench: Bench, tree: Path
) -> None:
    result = await bench.call("grep", **arguments)
    assert result.ok
    assert lines(result.text) == sorted(found)


async def test_a_bad_expression_in_one_line(bench: Bench, tree: Path) -> None:
    result = await bench.call("grep", pattern="(open")
    assert (result.ok, result.outcome) == (False, "failed")
    assert result.text == "the pattern is not a regular expression: unclosed group"
    missing = await bench.call("grep", pattern="x", path="scr")
    assert missing.text == "there is no scr; near it: src"


async def test_many_matches_are_counted_and_long_lines_cut(bench: Bench, workdir: Path) -> None:
    (workdir / "log").write_text("hit\n" * 250 + "hit " + "y" * 1000 + "\n")
    result = await bench.call("grep", pattern="hit")
    told = result.text.split("\n")
    assert (len(told), told[-1]) == (101, "[151 more; narrow the pattern or raise limit]")
    last = (await bench.call("grep", pattern="yyy", path="log")).text
    assert last.endswith("[... 704 more characters]")


async def test_secrets_are_left_out_unless_named(bench: Bench, workdir: Path) -> None:
    (workdir / "server.pem").write_text("KEY=secret\n")
    (workdir / "code.py").write_text("KEY=code\n")
    (workdir / "link.txt").symlink_to("server.pem")
    found = await bench.call("grep", pattern="KEY")
    assert found.text == "code.py:1: KEY=code\n[left out, known to hold secrets: 1 files]"
    # Policy decides on a call that names it.
    assert "secret" in (await bench.call("grep", pattern="KEY", path="server.pem")).text


async def test_binary_and_strange_files(bench: Bench, workdir: Path) -> None:
    (workdir / "weights.bin").write_bytes(b"needle\n" + b"\0" * 100 + b"needle\n")
    (workdir / "latin").write_bytes(b"needle \xe9t\xe9\n")
    os.close(os.open(os.fsencode(workdir) + b"/\xff", os.O_CREAT))
    result = await bench.call("grep", pattern="needle")
    assert result.text == "latin:1: needle \\xe9t\\xe9"
    named = await bench.call("grep", pattern="needle", path="weights.bin")
    assert named.text == "[binary file matches: weights.bin]"


async def test_a_pipe_makes_nobody_wait(bench: Bench, workdir: Path) -> None:
    os.mkfifo(workdir / "pipe")  # opening it would wait for a writer that never comes
    result = await asyncio.wait_for(bench.call("grep", pattern="x", path="pipe"), 60)
    assert result.text == f"{workdir}/pipe is not a regular file"


async def test_an_interrupt_ends_the_search(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a ripgrep that never ends."""
    slow = tmp_path / "bin" / "rg"
    slow.parent.mkdir()
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=os.pathsep)
    ripgrep.binary.cache_clear()
    try:
        call = asyncio.ensure_future(bench.call("grep", pattern="x"))
        pid = await asyncio.to_thread(until, lambda: _number(tmp_path / "pid"))
        bench.services.stop.set()
        assert (await asyncio.wait_for(call, 60)).outcome == "interrupted"
        await asyncio.to_thread(until, lambda: not alive(pid))
    finally:
        ripgrep.binary.cache_clear()


def _number(file: Path) -> int:
    return int(file.read_text() or 0) if file.exists() else 0
