"""The execution backend, in its smallest form: commands in run directories, and files."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from graph.store.runs import Run


class Backend(Protocol):
    """Where the local tools act. File methods raise OSError as the system gives it."""

    async def start(
        self, folder: Path, command: str, *, cwd: str, timeout: float | None, background: bool
    ) -> Run:
        """Start a command whose directory is `folder`."""
        ...

    async def read(self, path: str) -> bytes:
        """A file's whole content."""
        ...

    async def write(self, path: str, content: bytes) -> None:
        """Put `content` in the file's place, atomically; its mode is kept, parents are made."""
        ...
