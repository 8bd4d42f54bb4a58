"""read: what is shown of a file or folder, and what is said where there is nothing to show."""

import os

import pytest

from tests.tools.bench import THREAD, Bench
from tools.local.files import digest


async def test_lines_with_numbers(bench: Bench) -> None:
    path = bench.file("a.txt", "one\ntwo\n\nfour")
    result = await bench.call("read", path="a.txt")
    assert result.text == "     1\tone\n     2\ttwo\n     3\t\n     4\tfour"
    assert await bench.services.files_seen.get(THREAD, str(path)) == digest(path.read_bytes())


async def test_offset_and_limit(bench: Bench) -> None:
    bench.file("a.txt", "".join(f"{n}\n" for n in range(1, 11)))
    result = await bench.call("read", path="a.txt", offset=4, limit=2)
    assert result.text == "     4\t4\n     5\t5\n[5 more lines; continue with offset=6]"
    result = await bench.call("read", path="a.txt", offset=10)
    assert result.text == "    10\t10"
    result = await bench.call("read", path="a.txt", offset=11)
    assert result.text == "[the file has 10 lines; line 11 is beyond its end]"


async def test_a_long_line_is_cut(bench: Bench) -> None:
    bench.file("a.txt", "x" * 2010 + "\nnext\n")
    text = (await bench.call("read", path="a.txt")).text
    assert text == f"     1\t{'x' * 2000}[... 10 more characters]\n     2\tnext"


async def test_a_folder(bench: Bench) -> None:
    (bench.cwd / "sub").mkdir()
    bench.file("a.txt", "12345")
    (bench.cwd / "broken").symlink_to("nowhere")
    assert (await bench.call("read", path=".")).text == "a.txt  5 bytes\nbroken  7 bytes\nsub/"
    assert (await bench.call("read", path="sub")).text == "[the folder is empty]"


async def test_nothing_in_it(bench: Bench) -> None:
    path = bench.file("a.txt", "")
    assert (await bench.call("read", path="a.txt")).text == "[the file is empty]"
    assert await bench.services.files_seen.get(THREAD, str(path))


async def test_missing_with_near_names(bench: Bench) -> None:
    bench.file("train.py", "")
    missing = await bench.call("read", path="trian.py")
    assert missing.text == f"there is no {bench.cwd}/trian.py; near it: train.py"
    assert missing.outcome == "failed"
    missing = await bench.call("read", path="none/a.py")
    assert missing.text.endswith(f"; there is no folder {bench.cwd}/none")


@pytest.mark.parametrize(
    "content", [b"\x7fELF\0\0", b"\xff\xfe\0\0a\0\0\0", b"\xff\xfea\0b"], ids=["elf", "32", "odd"]
)
async def test_what_is_no_text(bench: Bench, content: bytes) -> None:
    path = bench.file("a.bin", content)
    result = await bench.call("read", path="a.bin")
    assert result.text == f"{path} is not a text file ({len(content)} bytes)"


@pytest.mark.parametrize(
    "content",
    [
        "grün\n".encode("latin-1"),
        b"\xef\xbb\xbf" + "grün\n".encode(),
        b"\xff\xfe" + "grün\n".encode("utf-16-le"),
        b"\xfe\xff" + "grün\n".encode("utf-16-be"),
        "grün\r\n".encode(),
    ],
    ids=["latin-1", "utf-8-sig", "utf-16-le", "utf-16-be", "crlf"],
)
async def test_encodings(bench: Bench, content: bytes) -> None:
    path = bench.file("a.txt", content)
    assert (await bench.call("read", path="a.txt")).text == "     1\tgrün"
    await bench.call("edit", path="a.txt", old="ü", new="ö")
    decoded = content.replace("ü".encode("latin-1"), "ö".encode("latin-1"))
    assert path.read_bytes() in (decoded, content.replace("ü".encode(), "ö".encode()))


async def test_a_huge_file_is_refused_with_help(bench: Bench) -> None:
    path = bench.file("a.txt", "")
    os.truncate(path, 30_000_000)
    result = await bench.call("read", path="a.txt")
    assert "30,000,000 bytes" in result.text
    assert "with a command" in result.text


async def test_what_never_ends_is_refused(bench: Bench) -> None:
    os.mkfifo(bench.cwd / "pipe")
    for path in (f"{bench.cwd}/pipe", "/dev/zero"):
        assert (await bench.call("read", path=path)).text == f"{path} is not a regular file"


async def test_a_loop_of_links(bench: Bench) -> None:
    (bench.cwd / "loop").symlink_to("loop")
    result = await bench.call("read", path="loop")
    assert result.text.startswith(f"cannot read {bench.cwd}/loop: ")
