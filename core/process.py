"""Runs a shell command, which has ended when its own process has.

A program that it left in the background can keep its pipes open for hours, and asyncio's
`Process.wait()` waits for that in most versions of Python:
https://github.com/python/cpython/issues/119710.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

#: Seconds in which the pipes of a process that has ended are read.
DRAIN = 1.0


class Process(asyncio.SubprocessProtocol):
    """A shell command in its own session (setsid).

    Args:
        said: gets its output as it comes: the file descriptor (1 or 2) and bytes.
    """

    _transport: asyncio.SubprocessTransport

    def __init__(self, said: Callable[[int, bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self._said = said
        self._exited: asyncio.Future[int] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._held: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, line: str, said: Callable[[int, bytes], None], **options: Any
    ) -> "Process":
        """Start the command. `options`: those of subprocess.Popen. Raises OSError, ValueError."""
        loop = asyncio.get_running_loop()
        _, process = await loop.subprocess_shell(
            lambda: cls(said), line, start_new_session=True, **options
        )
        return process

    def feed(self, content: bytes) -> None:
        """Write all of its input. A command that does not read it is not an error."""
        pipe = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        if not pipe.is_closing():
            pipe.write(content)
            pipe.close()

    @property
    def has_ended(self) -> bool:
        return self._transport.get_returncode() is not None

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the command and what it started, except programs that left its process group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._transport.get_pid(), number)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await asyncio.shield(self._exited)

    async def drain(self) -> bool:
        """Read its last output, after it has ended. False: a program that it left in the background
        still has its pipes. What that program writes is read and dropped; a closed pipe would kill
        it."""
        await asyncio.wait({self._closed}, timeout=DRAIN)
        if self._closed.done():
            return True
        self._said = lambda descriptor, data: None
        self._held = asyncio.ensure_future(self._hold())
        return False

    async def _hold(self) -> None:
        """Ends with that program, or with the event loop, which cancels it."""
        try:
            await self._closed
        finally:
            self._transport.close()

    # What the event loop calls, also while `start` waits for it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's has the methods, and is not of the class.
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._said(fd, data)

    def process_exited(self) -> None:
        if not self._exited.done():
            self._exited.set_result(self._transport.get_returncode() or 0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport.close()
        if not self._closed.done():
            self._closed.set_result(None)
