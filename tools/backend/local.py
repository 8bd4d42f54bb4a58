"""This machine as an execution backend."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

from configs.settings import Settings
from graph.store import runs
from tools.backend.environment import child_environment


class LocalBackend:
    """`Backend` here. All blocking work is done in threads: the event loop never waits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def start(
        self, folder: Path, command: str, *, cwd: str, timeout: float | None, background: bool
    ) -> runs.Run:
        environment = child_environment(self._settings.child_tokens)
        return await asyncio.to_thread(
            runs.start,
            folder,
            command,
            cwd=cwd,
            env=environment,
            timeout=timeout,
            background=background,
        )

    async def read(self, path: str) -> bytes:
        return await asyncio.to_thread(Path(path).read_bytes)

    async def write(self, path: str, content: bytes) -> None:
        await asyncio.to_thread(_replace, Path(path), content)


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
