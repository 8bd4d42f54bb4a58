"""write: whole files, atomically; nothing that this thread does not know is written over."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from core.store.files import no_links
from tests.tools.bench import Bench
from tools.local.files import digest


async def test_a_new_file_with_its_folders(bench: Bench) -> None:
    result = await bench.call("write", path="a/b/c.txt", content="one\ntwo\n")
    path = bench.cwd / "a/b/c.txt"
    assert result.text == f"Created {path} (2 lines)."
    assert path.read_text() == "one\ntwo\n"
    mask = os.umask(0o022)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    assert os.listdir(path.parent) == ["c.txt"]


async def test_again_over_its_own(bench: Bench) -> None:
    await bench.call("write", path="a.txt", content="one\n")
    result = await bench.call("write", path="a.txt", content="two\n")
    assert result.text == f"Replaced {bench.cwd}/a.txt (1 line)."
    assert (bench.cwd / "a.txt").read_text() == "two\n"
    assert "-one\n+two" in bench.logs()[-1]


async def test_again_over_its_own_that_is_no_text(bench: Bench) -> None:
    await bench.call("write", path="a.txt", content="a\0b")
    assert (await bench.call("write", path="a.txt", content="c")).ok


async def test_not_over_what_was_not_read(bench: Bench) -> None:
    path = bench.file("a.txt", "theirs")
    refused = await bench.call("write", path="a.txt", content="ours")
    assert refused.text == f"{path} exists and was not read in this thread: read it first"
    await bench.call("read", path="a.txt")
    assert (await bench.call("write", path="a.txt", content="ours")).ok


async def test_not_over_what_has_changed_since(bench: Bench) -> None:
    path = bench.file("a.txt", "one")
    await bench.call("read", path="a.txt")
    path.write_text("changed")
    refused = await bench.call("write", path="a.txt", content="ours")
    assert refused.text == f"{path} has changed since it was read: read it again"
    assert path.read_text() == "changed"


@pytest.mark.parametrize(
    ("before", "content", "after"),
    [
        (b"@echo off\r\na\r\n", "@echo off\nb\n", b"@echo off\r\nb\r\n"),
        (b"one\n", "one\r\ntwo\r\n", b"one\r\ntwo\r\n"),
        (b"a\r\nb\r\nc\n", "a\nnew\nb\nc\n", b"a\r\nnew\r\nb\r\nc\n"),
        (b"\xef\xbb\xbfname\n", "name\nJos\u00e9\n", b"\xef\xbb\xbfname\nJos\xc3\xa9\n"),
        (b"\xef\xbb\xbfname\n", "\ufeffother\n", b"\xef\xbb\xbfother\n"),
        ("a\n".encode("utf-16"), "b\n", "b\n".encode("utf-16")),
        (b"caf\xe9\n", "th\u00e9\n", b"th\xe9\n"),
        (b"caf\xe9\n", "5 \u20ac\n", "5 \u20ac\n".encode()),
        (b"", "a\r\nb\n", b"a\r\nb\n"),
    ],
    ids=["crlf", "its own ends", "mixed", "bom", "bom given", "utf-16", "latin-1", "not latin-1",
         "empty"],
)  # fmt: skip
async def test_the_form_of_the_file_stays(
    bench: Bench, before: bytes, content: str, after: bytes
) -> None:
    path = bench.file("a.txt", before)
    await bench.call("read", path="a.txt")
    result = await bench.call("write", path="a.txt", content=content)
    assert result.ok, result.text
    assert path.read_bytes() == after


async def test_the_mode_stays(bench: Bench) -> None:
    path = bench.file("run.sh", "one")
    path.chmod(0o751)
    await bench.call("read", path="run.sh")
    await bench.call("write", path="run.sh", content="two")
    assert path.stat().st_mode & 0o7777 == 0o751


async def test_the_file_behind_a_link(bench: Bench) -> None:
    path, link = bench.file("real.txt", "one"), bench.cwd / "link.txt"
    link.symlink_to("real.txt")
    await bench.call("read", path="link.txt")
    await bench.call("write", path="link.txt", content="two")
    assert link.is_symlink()
    assert path.read_text() == "two"


@pytest.mark.parametrize("path", ["/proc/none/a.txt", "file/a.txt", "sub", "x" * 300])
async def test_what_cannot_be_written_is_one_clear_line(bench: Bench, path: str) -> None:
    bench.file("file", "")
    (bench.cwd / "sub").mkdir()
    result = await bench.call("write", path=path, content="x")
    assert result.outcome == "failed"
    assert path in result.text
    assert "\n" not in result.text
    assert "Errno" not in result.text


async def test_an_interrupt_during_the_write_is_not_half_a_truth(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    really = no_links.replace_file

    def slow(path: str, content: bytes) -> None:
        writing.set()
        go_on.wait(30)
        really(path, content)

    monkeypatch.setattr(no_links, "replace_file", slow)
    call = asyncio.create_task(bench.call("write", path="a.txt", content="x"))
    await asyncio.to_thread(writing.wait, 30)
    bench.services.stop.set()
    await asyncio.sleep(0.05)
    go_on.set()
    assert (await call).outcome == "done"
    assert (bench.cwd / "a.txt").read_text() == "x"


# --- a later process finds the call -------------------------------------------------------

BEFORE, AFTER = b"one\n", b"two\n"
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("write", {"path": "a.txt", "content": "two\n"}),
    ("edit", {"path": "a.txt", "old": "one", "new": "two"}),
]


async def cut_off(bench: Bench, tool: str, *, noted: bool = True) -> tuple[Path, str]:
    """A call on a file that was read, begun by a process that is gone."""
    path = bench.file("a.txt", BEFORE)
    await bench.call("read", path="a.txt")
    call_id = bench.new_id()
    note = {"path": str(path), "before": digest(BEFORE), "after": digest(AFTER)}
    await bench.begun(call_id, tool, note if noted else None)
    return path, call_id


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
@pytest.mark.parametrize("noted", [False, True])
async def test_killed_before_the_effect(
    bench: Bench, tool: str, arguments: dict[str, Any], noted: bool
) -> None:
    path, call_id = await cut_off(bench, tool, noted=noted)
    assert (await bench.call(tool, call_id=call_id, **arguments)).ok
    assert path.read_bytes() == AFTER


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_killed_after_the_effect(bench: Bench, tool: str, arguments: dict[str, Any]) -> None:
    path, call_id = await cut_off(bench, tool)
    path.write_bytes(AFTER)
    result = await bench.call(tool, call_id=call_id, **arguments)
    assert result.text == f"Wrote {path} (found done after the session was cut off)."
    assert (await bench.call("edit", path="a.txt", old="two", new="three")).ok


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
@pytest.mark.parametrize("now", [b"something else", None])
async def test_killed_and_changed_by_somebody_else(
    bench: Bench, tool: str, arguments: dict[str, Any], now: bytes | None
) -> None:
    path, call_id = await cut_off(bench, tool)
    path.unlink() if now is None else path.write_bytes(now)
    result = await bench.call(tool, call_id=call_id, **arguments)
    assert (result.ok, result.outcome) == (False, "unknown")
    assert (path.read_bytes() if path.exists() else None) == now


async def test_killed_before_a_new_file_was_there(bench: Bench) -> None:
    call_id, path = bench.new_id(), bench.cwd / "new.txt"
    note = {"path": str(path), "before": None, "after": digest(b"x")}
    await bench.begun(call_id, "write", note)
    assert (await bench.call("write", call_id=call_id, path="new.txt", content="x")).ok
    assert path.read_text() == "x"
