"""What takes apart the bytes of untrusted sources cannot hold up the program, whatever they are."""

import asyncio
import io
import os
import signal
import struct
import zlib
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from core.errors import ToolError
from core.http import Reply
from core.parsing import child, parser
from core.parsing.images import prepared
from core.parsing.parser import parsed
from tests.tools.bench import alive, until
from tools.web.page import text_of

GOOD = b"<html><head><title>T</title></head><body><p>good words</p></body></html>"
ATTRIBUTES = b"<p " + b" ".join(b"a%d=1" % n for n in range(300_000)) + b">x</p>"


def page(body: bytes, kind: str = "text/html") -> Reply:
    return Reply("https://a.example/x", 200, httpx.Headers({"content-type": kind}), body)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new process that gives a job four seconds: importing the parsers takes two of them on a
    slow machine."""
    parser._process.kill()
    start = "from core.parsing import child; child.SECONDS = 3; child.main()"
    monkeypatch.setattr(parser, "COMMAND", ("-c", start))
    yield
    parser._process.kill()


def running() -> int:
    process = parser._process._running
    assert process is not None
    return process.pid


@pytest.mark.usefixtures("impatient")
async def test_a_page_that_takes_too_long_is_given_up_and_the_loop_goes_on() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    with pytest.raises(ToolError, match=r"^Cannot read https://a\.example/x: it takes more than"):
        await text_of(page(ATTRIBUTES))
    ticking.cancel()
    assert ticks > 10
    assert "good words" in await text_of(page(GOOD))


async def test_spaces_are_no_bomb() -> None:
    form = b"<html><body><p>a" + b" " * 80_000 + b"b</p></body></html>"
    assert (await text_of(page(form))).split() == ["a", "b"]


async def test_cancelling_ends_the_job_and_its_process() -> None:
    await text_of(page(GOOD))
    pid = running()
    before = used(pid)
    job = asyncio.create_task(text_of(page(ATTRIBUTES)))
    await asyncio.to_thread(until, lambda: used(pid) > before + 0.3)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await asyncio.to_thread(until, lambda: not alive(pid))
    assert "good words" in await text_of(page(GOOD))


def used(pid: int) -> float:
    """Seconds of processor time."""
    import psutil

    return float(psutil.Process(pid).cpu_times().user)


async def test_one_process_does_many_jobs_and_a_killed_one_is_replaced() -> None:
    texts = await asyncio.gather(*(text_of(page(GOOD)) for _ in range(5)))
    assert len(set(texts)) == 1
    pid = running()
    await text_of(page(GOOD))
    assert running() == pid
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(until, lambda: not alive(pid))
    assert "good words" in await text_of(page(GOOD))
    assert running() != pid


async def test_the_process_has_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    parser._process.kill()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-the-user")
    await text_of(page(GOOD))
    import psutil

    assert "sk-ant-of-the-user" not in psutil.Process(running()).environ().values()


async def test_it_ends_with_its_input() -> None:
    await text_of(page(GOOD))
    process = parser._process._running
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.to_thread(process.wait, 60) == 0


async def test_memory_is_limited() -> None:
    with pytest.raises(ToolError, match=r"pixels|memory|broke the reader"):
        await prepared("bomb.png", png(60_000, 60_000))
    with pytest.raises(ToolError, match=r"pixels|memory|broke the reader"):
        await prepared("bomb.png", png(13_000, 13_000, bits=16))


def png(width: int, height: int, bits: int = 8) -> bytes:
    """A small file with many pixels."""
    rows = zlib.compressobj()
    line = b"\0" * (1 + width * 4 * bits // 8)
    data = b"".join(rows.compress(line) for _ in range(min(height, 200))) + rows.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    header = struct.pack(">IIBBBBB", width, height, bits, 6, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


async def test_a_file_that_only_begins_like_a_picture_finds_no_other_reader() -> None:
    """Pillow knows many formats, and starts Ghostscript for one of them."""
    target = io.BytesIO()
    Image.new("RGB", (3, 3)).save(target, "EPS")
    with pytest.raises(ToolError, match="is not a picture"):
        await prepared("x.eps", target.getvalue())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html></html>", "has no text in it"),
        (b"<b>" * 200_000 + b"x", "has no text|nested|broken|Cannot read"),
    ],
)
async def test_what_cannot_be_read_is_one_line(body: bytes, said: str) -> None:
    with pytest.raises(ToolError, match=said) as found:
        await text_of(page(body))
    assert "\n" not in found.value.message


async def test_text_is_decoded_there_too() -> None:
    assert (
        await text_of(page("é".encode("latin-1") * 50, "text/plain; charset=latin-1")) == "é" * 50
    )
    assert await text_of(page("é".encode("utf-16"), "text/plain; charset=utf-16")) == "é"


async def test_an_unknown_kind_is_this_programs_mistake() -> None:
    with pytest.raises(ToolError):
        await parsed("none", b"", "x")


def test_messages_come_back_whole() -> None:
    stream = io.BytesIO()
    child.send(stream, {"kind": "page"}, b"a\nb")
    stream.seek(0)
    assert child.receive(stream) == ({"kind": "page"}, b"a\nb")
    assert child.receive(stream) is None
    assert child.receive(io.BytesIO(b'{"size": 5}\nab')) is None
