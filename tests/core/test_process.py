"""Shell commands as processes, on both event loops that the program uses."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest
import uvloop

from core.process import Process

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    run: Run = request.param
    return run


class Said:
    """What it said by descriptor."""

    def __init__(self) -> None:
        self.out, self.err = b"", b""

    def __call__(self, descriptor: int, data: bytes) -> None:
        if descriptor == 1:
            self.out += data
        else:
            self.err += data


async def started(line: str, said: Said, cwd: Path) -> Process:
    return await Process.start(line, said, cwd=cwd, stdin=PIPE, stdout=PIPE, stderr=PIPE)


def test_what_it_reads_and_says(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        said, content = Said(), b"x" * 300_000
        process = await started("cat; echo no >&2; exit 3", said, tmp_path)
        process.feed(content)
        assert await process.wait() == 3
        assert await process.drain()
        assert (said.out, said.err) == (content, b"no\n")

    run(main())


def test_many_that_end_at_once_and_read_nothing(run: Run, tmp_path: Path) -> None:
    async def one(number: int) -> int:
        process = await started(f"exit {number}", Said(), tmp_path)
        await asyncio.sleep(0.1 * (number % 2))
        process.feed(b"x" * 300_000)
        code = await process.wait()
        assert await process.drain()
        return code

    async def main() -> None:
        async with asyncio.timeout(60):
            assert await asyncio.gather(*map(one, range(20))) == [*range(20)]

    run(main())


def test_what_it_leaves_behind_goes_on_and_may_speak(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        said = Said()
        left = "(until [ -e go ]; do sleep 0.05; done; echo late; echo late; touch done) &"
        process = await Process.start(
            f"{left} echo begun", said, cwd=tmp_path, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(60):
            assert await process.wait() == 0
            assert not await process.drain()
            (tmp_path / "go").touch()
            while not (tmp_path / "done").exists():
                await asyncio.sleep(0.02)
        assert said.out == b"begun\n"

    run(main())


def test_a_loop_that_ends_does_not_wait_for_it(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        process = await started("sleep 1000 & echo $! > left", Said(), tmp_path)
        assert await process.wait() == 0
        assert not await process.drain()

    run(main())
    os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)


def test_a_signal_reaches_what_it_started(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        process = await started("sleep 1000; sleep 1000", Said(), tmp_path)
        assert not process.has_ended
        process.send_signal(signal.SIGKILL)
        async with asyncio.timeout(60):
            assert await process.wait() == -signal.SIGKILL
            assert await process.drain()
        assert process.has_ended
        process.send_signal(signal.SIGKILL)

    run(main())
