"""This machine as an execution backend."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import stat as modes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.folders import make_private_folder
from configs.settings import Settings
from graph.context import ToolRun
from graph.policy.paths import resolved
from graph.store import runs
from graph.store.outputs import Outputs
from tools.backend.environment import child_environment
from tools.backend.protocol import Command, Entry, Quote, Search, Spending
from tools.backend.ripgrep import LocalSearch


class LocalBackend:
    """`Backend` here. All blocking work is done in threads: the event loop never waits."""

    about = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outputs = Outputs(settings.state_path())

    def folder(self, cwd: str) -> str:
        return cwd

    async def quote(self, run: ToolRun) -> Quote | None:
        return None

    async def begin(self, run: ToolRun, spending: Spending) -> str:
        return ""

    async def end(self) -> str:
        return ""

    async def close(self) -> None:
        """Nothing is held."""

    async def resolve(self, path: str, cwd: str) -> str:
        return await asyncio.to_thread(resolved, path, cwd)

    async def stat(self, path: str) -> Entry:
        return await asyncio.to_thread(_entry, Path(path), follow=True)

    async def list(self, path: str) -> Sequence[Entry]:
        return await asyncio.to_thread(_entries, Path(path))

    async def read(self, path: str) -> bytes:
        return await asyncio.to_thread(Path(path).read_bytes)

    async def write(self, path: str, content: bytes) -> None:
        await asyncio.to_thread(_replace, Path(path), content)

    async def modified(self, paths: Sequence[str]) -> dict[str, float]:
        return await asyncio.to_thread(_modified, paths)

    def search(self, arguments: Sequence[str], cwd: str, separator: bytes = b"\n") -> Search:
        return LocalSearch(arguments, cwd, separator)

    async def prepare(self, thread: str, call_id: str) -> tuple[Command, dict[str, Any]]:
        folder = self._outputs.run(thread, call_id)
        # Before the note that tells of it: where a later process does not find it, it looks on
        # another machine, or under another home.
        await asyncio.to_thread(make_private_folder, folder)
        return runs.Run(folder), {"run": str(folder), "host": socket.gethostname()}

    async def start(
        self, command: Command, line: str, *, cwd: str, timeout: float | None, background: bool
    ) -> Command:
        assert isinstance(command, runs.Run)
        environment = child_environment(
            self._settings.child_tokens, also=self._settings.child_environment
        )
        return await asyncio.to_thread(
            runs.start,
            command.folder,
            line,
            cwd=cwd,
            env=environment,
            timeout=timeout,
            background=background,
        )

    async def found(self, note: dict[str, Any]) -> Command | str:
        if "sandbox" in note:
            return f"It was begun in the sandbox {note['sandbox']}, and this thread left it"
        run = runs.Run(Path(note["run"]))
        if note["host"] == socket.gethostname() and await asyncio.to_thread(run.exists):
            return run
        return (
            f"It was begun on {note['host']}, in {run.folder}, which is not here, and may still "
            "run there"
        )

    async def commands(self, thread: str) -> Sequence[Command]:
        return await asyncio.to_thread(runs.runs_of, self._outputs.runs(thread))


def _entry(path: Path, *, follow: bool) -> Entry:
    try:
        status = path.stat() if follow else path.lstat()
        is_link = not follow and modes.S_ISLNK(status.st_mode)
        mode = path.stat().st_mode if is_link else status.st_mode
    except FileNotFoundError:
        if follow:
            raise
        status, mode = path.lstat(), 0  # a link that leads nowhere
    kind = "folder" if modes.S_ISDIR(mode) else "file" if modes.S_ISREG(mode) else "other"
    return Entry(path.name, kind, status.st_size, status.st_mtime)  # type: ignore[arg-type]


def _entries(path: Path) -> list[Entry]:
    found = []
    for one in sorted(path.iterdir(), key=lambda p: p.name):
        try:
            found.append(_entry(one, follow=False))
        except OSError:
            found.append(Entry(one.name, "other", 0, 0.0))
    return found


def _modified(paths: Sequence[str]) -> dict[str, float]:
    found = {}
    for path in paths:
        try:
            found[path] = os.lstat(path).st_mtime
        except OSError:
            continue
    return found


def _replace(path: Path, content: bytes) -> None:
    # The file behind a link is replaced, not the link.
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # A new file takes its mode from the umask, which can only be read by setting it.
    name = path.parent / f".{path.name[:40]}.{secrets.token_hex(4)}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(name, path.stat().st_mode & 0o7777)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
