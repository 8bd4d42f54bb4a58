"""A Hugging Face sandbox as an execution backend: files and commands in a RentedSandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from core.backend import CommandRequest, Entry, RunningCommand, Say, Search
from core.credentials import is_shared
from core.errors import ToolError
from core.tool import Services
from core.units import duration
from tools.workspace.sandbox import files
from tools.workspace.sandbox.commands import SandboxRun
from tools.workspace.sandbox.lifetime import RentedSandbox
from tools.workspace.sandbox.search import SandboxSearch

if TYPE_CHECKING:
    from huggingface_hub import Sandbox

T = TypeVar("T")

#: The folder of the run directories.
RUNS = ".ml-agent-runs"


class SandboxBackend(RentedSandbox):
    """`Backend` in the sandbox of one thread."""

    def __init__(self, services: Services, thread: str, flavor: str, notice: Say) -> None:
        super().__init__(services, thread, flavor, notice)
        settings = services.settings
        idle = duration(settings.sandbox.idle_timeout)
        self.about = (
            f"a Hugging Face sandbox ({flavor}, image {settings.sandbox.image}), not the user's "
            f"machine: bash, read, write, edit, glob and grep act there, in {self._folder}. It is "
            f"empty at first, ends with all its files after {idle} without use, and undo does not "
            "cover it: keep what matters on the Hub, from there. "
            + ("" if is_shared() else "hf_repo and hf_jobs read files of the user's machine")
        ).rstrip(". ")

    def folder(self, cwd: str) -> str:
        return self._folder

    async def resolve(self, path: str, cwd: str) -> str:
        return await self._do(lambda box: files.resolve(box, path, cwd))

    async def stat(self, path: str) -> Entry:
        return await self._do(lambda box: files.stat(box, path))

    async def list(self, path: str) -> Sequence[Entry]:
        return await self._do(lambda box: files.listed(box, path))

    async def read(self, path: str) -> bytes:
        return await self._do(lambda box: files.read(box, path))

    async def write(self, path: str, content: bytes) -> None:
        await self._do(lambda box: files.write(box, path, content))

    async def modified(self, paths: Sequence[str]) -> dict[str, float]:
        return await self._do(lambda box: files.modified(box, paths)) if paths else {}

    def search(self, arguments: Sequence[str], cwd: str, separator: bytes = b"\n") -> Search:
        return SandboxSearch(self, self._beside(".ml-agent-bin"), arguments, cwd, separator)

    async def run(
        self, script: str, arguments: Sequence[str], timeout: float
    ) -> tuple[int, str, str, bool]:
        return await self._do(lambda box: files.run(box, script, arguments, timeout=timeout))

    async def put_program(self, path: str, content: bytes) -> None:
        await self._do(lambda box: box.files.write(path, content, mode="0755"))

    async def prepare(self, thread: str, call_id: str) -> tuple[RunningCommand, dict[str, Any]]:
        box = await self._there()
        folder = self._beside(RUNS) / call_id
        return SandboxRun(box.sandbox, folder), {"run": str(folder), "sandbox": box.id}

    async def start(self, command: RunningCommand, request: CommandRequest) -> RunningCommand:
        assert isinstance(command, SandboxRun)
        await self._do(lambda box: command.start(request))
        return command

    async def found(self, note: dict[str, Any]) -> RunningCommand | str:
        if "sandbox" not in note:
            return f"It was begun on {note['host']}, not in the sandbox"
        gone = f"It was begun in the sandbox {note['sandbox']}, which has ended"
        try:
            box = await self._there()
            if box.id != note["sandbox"]:
                return gone
            return SandboxRun(box.sandbox, PurePosixPath(note["run"]))
        except ToolError:
            return gone

    async def commands(self, thread: str) -> Sequence[RunningCommand]:
        try:
            box = await self._there()
            entries = await self.list(str(self._beside(RUNS)))
        except (ToolError, FileNotFoundError):
            return []
        runs = [SandboxRun(box.sandbox, self._beside(RUNS) / one.name) for one in entries]

        def by_age() -> list[SandboxRun]:
            begun = [(meta.started, run) for run in runs if (meta := run.meta()) is not None]
            return [run for _, run in sorted(begun, key=lambda pair: pair[0])]

        return await asyncio.to_thread(by_age)

    def _beside(self, name: str) -> PurePosixPath:
        """A folder next to the working directory, so that searches do not come by."""
        return PurePosixPath(self._folder).parent / name

    async def _do(self, work: Callable[[Sandbox], T]) -> T:
        """What `work` returns, in a thread. Raises OSError, ToolError (the sandbox has ended)."""
        from httpx2 import HTTPError
        from huggingface_hub.errors import SandboxError

        box = await self._there()
        try:
            return await asyncio.to_thread(work, box.sandbox)
        except (SandboxError, HTTPError, ConnectionError) as error:
            await self._still_there(box)
            status = getattr(error, "status_code", None)
            if status == 404:
                raise FileNotFoundError(2, "there is no such file", "") from error
            raise OSError(5, f"the sandbox says: {error}", "") from error
