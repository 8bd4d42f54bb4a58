"""What holds wherever commands run and files live: the same calls over both backends."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.backend import CommandRequest
from core.tool import ToolResult
from tests.tools.bench import Bench, sleeper, sleeps, until


async def soon(ready: Callable[[], object]) -> object:
    return await asyncio.to_thread(until, ready)


@pytest.mark.parametrize(
    ("command", "text", "ok"),
    [
        ("echo out; echo err >&2; exit 3", "out\nerr\n[exit code 3]", False),
        ("kill -9 $$", "[exit code 137, SIGKILL]", False),
        (r"printf 'ab\377'", "ab\\xff\n[exit code 0]", True),
        ("cat", "[exit code 0]", True),
        ("echo $AI_AGENT $HF_HUB_TOKEN", "ml-agent\n[exit code 0]", True),
    ],
)
async def test_output_then_exit_code(there: Bench, command: str, text: str, ok: bool) -> None:
    result = await there.call("bash", command=command)
    assert result == ToolResult(text, ok, "done" if ok else "failed")


async def test_output_is_told_while_it_runs(there: Bench) -> None:
    call = asyncio.create_task(
        there.call("bash", command="echo one; until [ -e gate ]; do sleep 0.02; done; echo two")
    )
    await soon(lambda: there.logs() == ["one"])
    assert not call.done()
    (there.cwd / "gate").touch()
    assert (await call).text == "one\ntwo\n[exit code 0]"
    assert there.logs() == ["one", "two"]


async def test_a_long_output_keeps_head_and_tail(there: Bench) -> None:
    result = await there.call("bash", command="seq 100000")
    assert result.text.startswith("1\n2\n3\n")
    assert result.text.endswith("\n100000\n[exit code 0]")
    assert "bytes left out; all of it: " in result.text


async def test_a_timeout_kills_all_it_started(there: Bench) -> None:
    seconds = sleeper()
    result = await there.call(
        "bash", command=f"echo begun; (sleep {seconds} &); sleep 600", timeout=1
    )
    assert result.text.startswith("begun\n[killed after its timeout of 1 s")
    await soon(lambda: not sleeps(seconds))


async def test_an_interrupt_kills_and_tells_what_there_was(there: Bench) -> None:
    call = asyncio.create_task(there.call("bash", command="echo begun; sleep 600"))
    await soon(lambda: there.logs() == ["begun"])
    there.services.stop.set()
    result = await call
    assert result.outcome == "interrupted"
    assert result.text == "begun\n[interrupted by the user, killed]"


async def test_a_folder_to_run_in(there: Bench) -> None:
    (there.cwd / "sub").mkdir()
    assert (await there.call("bash", command="pwd", cwd="sub")).text.startswith(
        str(there.cwd / "sub")
    )
    missing = await there.call("bash", command="pwd", cwd="nowhere")
    assert missing.text == f"there is no folder {there.cwd}/nowhere to run in"


async def test_background_commands(there: Bench) -> None:
    started = await there.call(
        "bash", command="echo hi; until [ -e gate ]; do sleep 0.02; done; exit 4", background=True
    )
    assert started.text.startswith("Started in the background, id ")
    (line,) = (await there.call("process", operation="list")).text.splitlines()
    handle = line.split()[0]
    assert "alive" in line
    (there.cwd / "gate").touch()
    done = await there.call("process", operation="wait", id=handle)
    assert done.text == "hi\n[exit code 4]"
    await there.call("bash", command="sleep 600", background=True)
    lines = (await there.call("process", operation="list")).text.splitlines()
    other = next(line.split()[0] for line in lines if not line.startswith(handle))
    killed = await there.call("process", operation="kill", id=other)
    assert killed.text == "[killed]"


async def test_a_command_goes_on_alone_and_is_found_again(there: Bench) -> None:
    """What a later process sees that finds the call begun."""
    call_id = there.new_id()
    command, note = await there.services.backend.prepare("t1", call_id)
    await there.begun(call_id, "bash", note)
    line = "echo one; until [ -e gate ]; do sleep 0.02; done; echo two >>twice; cat twice"
    await there.services.backend.start(
        command, CommandRequest(line, str(there.cwd), timeout=100.0, background=False)
    )
    again = asyncio.create_task(there.call("bash", call_id=call_id, command=line))
    await soon(lambda: there.logs() == ["one"])
    (there.cwd / "gate").touch()
    assert (await again).text == "one\ntwo\n[exit code 0]"


async def test_a_command_that_had_not_begun_is_run(there: Bench) -> None:
    call_id = there.new_id()
    _, note = await there.services.backend.prepare("t1", call_id)
    if "host" in note:
        await there.begun(call_id, "bash", note)
        again = await there.call("bash", call_id=call_id, command="echo ran")
        assert again.text == "ran\n[exit code 0]"
        return
    # In a sandbox the directory is made with the start: without it no one can tell.
    await there.begun(call_id, "bash", note)
    assert (await there.call("bash", call_id=call_id, command="echo ran")).outcome == "unknown"


async def test_write_read_edit(there: Bench) -> None:
    made = await there.call("write", path="deep/a.txt", content="one\ntwo\n")
    assert made.text == f"Created {there.cwd}/deep/a.txt (2 lines)."
    assert (there.cwd / "deep/a.txt").read_text() == "one\ntwo\n"
    shown = await there.call("read", path="deep/a.txt")
    assert shown.text == "     1\tone\n     2\ttwo"
    edited = await there.call("edit", path="deep/a.txt", old="two", new="drei")
    assert edited.text.startswith(f"Changed 1 place in {there.cwd}/deep/a.txt.")
    assert (there.cwd / "deep/a.txt").read_text() == "one\ndrei\n"
    (there.cwd / "deep/a.txt").write_text("somebody else\n")
    refused = await there.call("write", path="deep/a.txt", content="x")
    assert "has changed since it was read" in refused.text


async def test_a_file_keeps_its_mode_and_a_link_stays_one(there: Bench) -> None:
    script = there.cwd / "run.sh"
    script.write_text("echo 1\n")
    script.chmod(0o754)
    (there.cwd / "link.sh").symlink_to("run.sh")
    await there.call("read", path="link.sh")
    assert (await there.call("edit", path="link.sh", old="1", new="2")).ok
    assert script.read_text() == "echo 2\n"
    assert script.stat().st_mode & 0o777 == 0o754
    assert (there.cwd / "link.sh").is_symlink()
    assert sorted(p.name for p in there.cwd.iterdir()) == ["link.sh", "run.sh"]


async def test_odd_bytes_and_a_large_file(there: Bench) -> None:
    (there.cwd / "latin").write_bytes("größe\r\n".encode("latin-1"))
    assert (await there.call("read", path="latin")).text == "     1\tgröße"
    assert (await there.call("edit", path="latin", old="größe", new="maß")).ok
    assert (there.cwd / "latin").read_bytes() == "maß\r\n".encode("latin-1")
    long = "x" * 99 + "\n"
    assert (await there.call("write", path="large", content=long * 30_000)).ok
    assert (there.cwd / "large").stat().st_size == 3_000_000
    assert (await there.call("read", path="large", limit=1)).text.startswith("     1\txxx")


async def test_a_folder_is_listed_and_what_is_not_there_is_named(there: Bench) -> None:
    (there.cwd / "sub").mkdir()
    (there.cwd / ".hidden").write_text("abc")
    (there.cwd / "some file.txt").write_text("")
    (there.cwd / "nowhere").symlink_to("gone")
    listed = await there.call("read", path=".")
    assert listed.text.splitlines() == [
        ".hidden  3 bytes", "nowhere  4 bytes", "some file.txt  0 bytes", "sub/",
    ]  # fmt: skip
    missing = await there.call("read", path="som file.txt")
    assert missing.text.endswith("; near it: some file.txt")
    assert (await there.call("edit", path="sub", old="a", new="b")).text.endswith("is a folder")
    device = await there.call("read", path="/dev/zero")
    assert device.text == "/dev/zero is not a regular file"


async def test_a_write_that_was_cut_off_is_found_done(there: Bench) -> None:
    from tools.local.files import digest

    path, call_id = there.cwd / "a.txt", there.new_id()
    path.write_text("new")
    note = {"path": str(path), "before": None, "after": digest(b"new")}
    await there.begun(call_id, "write", note)
    result = await there.call("write", call_id=call_id, path="a.txt", content="new")
    assert "found done" in result.text
    call_id = there.new_id()
    path.unlink()
    await there.begun(call_id, "write", note)
    result = await there.call("write", call_id=call_id, path="a.txt", content="new")
    assert result.text.startswith("Created")


@pytest.fixture
def tree(searched: Bench) -> Path:
    for age, name in enumerate(
        ("a.py", "b.txt", "src/c.py", "src/deep/d.py", ".hidden/f.py", "ignored.py", ".git/i.py")
    ):
        path = searched.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x = {age}\nprint(x)\n")
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    (searched.cwd / ".gitignore").write_text("ignored.py\n")
    return searched.cwd


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("*.py", "", ["src/deep/d.py", "src/c.py", "a.py"]),
        ("src/*.py", "", ["src/c.py"]),
        ("*.py", "src", ["src/deep/d.py", "src/c.py"]),
        (".hidden/*", "", [".hidden/f.py"]),
        ("*.rs", "", ["no file fits *.rs"]),
    ],
)
async def test_glob(searched: Bench, tree: Path, pattern: str, path: str, found: list[str]) -> None:
    result = await searched.call("glob", pattern=pattern, path=path)
    assert result.text.split("\n") == found


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"pattern": "^x = 2"}, ["src/c.py:1: x = 2"]),
        ({"pattern": r"^x = \d", "glob": "*.txt"}, ["b.txt:1: x = 1"]),
        ({"pattern": "^x", "path": "src"}, ["src/c.py:1: x = 2", "src/deep/d.py:1: x = 3"]),
        ({"pattern": "^x", "path": "ignored.py"}, ["ignored.py:1: x = 5"]),
        ({"pattern": "x = 0", "context": 1}, ["a.py-2- print(x)", "a.py:1: x = 0"]),
        ({"pattern": "X = 0", "ignore_case": True, "output": "files"}, ["a.py"]),
        ({"pattern": "-x"}, ["no match for -x"]),
        ({"pattern": "x", "glob": "src/*.py", "output": "count"}, ["src/c.py: 2"]),
    ],
)
async def test_grep(
    searched: Bench, tree: Path, arguments: dict[str, object], found: list[str]
) -> None:
    result = await searched.call("grep", **arguments)
    assert sorted(result.text.split("\n")) == found


async def test_a_bad_expression_and_a_place_that_is_not_there(searched: Bench, tree: Path) -> None:
    bad = await searched.call("grep", pattern="(open")
    assert (bad.ok, bad.text.startswith("the pattern is not a regular expression: ")) == (
        False,
        True,
    )
    missing = await searched.call("grep", pattern="x", path="scr")
    assert missing.text == "there is no scr; near it: src"
