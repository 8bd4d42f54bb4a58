"""This machine as an execution backend."""

from __future__ import annotations

import asyncio
import os
import tempfile
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
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
