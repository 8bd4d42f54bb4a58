"""Running the server: a socket, uvicorn, and an end that leaves every thread valid."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from core.errors import UsageError
from server.app import create_app
from server.site import Site

#: Seconds for turns to end in, and for connections.
PATIENCE = 20


class _Server(uvicorn.Server):
    """uvicorn, whose streams end with the first signal: it waits for every connection."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stop = stop
        #: The signal that ended it.
        self.ended_by = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not uvicorn's own: it raises the signal again when it is done, at a moment when turns may
        # still be stored.
        self.force_exit = self.force_exit or (self.should_exit and sig == signal.SIGINT)
        self.should_exit = True
        self.ended_by = sig
        self._stop()


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at this address. Raises UsageError: the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Linux lets two programs bind a port with SO_REUSEADDR as long as neither listens there.
        listener.listen()
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Cannot listen on {host}:{port}: {error.strerror}.", "choose another with --port"
        ) from None
    return listener


async def serve(site: Site, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; then every turn is interrupted and stored. SIGINT raises
    KeyboardInterrupt after that, SIGTERM ends the process.

    Args:
        ready: called when requests are answered.
    """
    loop = asyncio.get_running_loop()
    ending: list[asyncio.Task[None]] = []

    def stop() -> None:
        # From a signal handler: the loop's own callbacks run later.
        loop.call_soon_threadsafe(lambda: ending.append(asyncio.ensure_future(site.users.close())))

    config = uvicorn.Config(
        create_app(site),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=PATIENCE,
        limit_concurrency=site.users.limits.streams + 200,
        h11_max_incomplete_event_size=32 * 1024,
        http="h11",
        ws="none",
        loop="asyncio",
    )
    server = _Server(config, ready, stop)
    await server.serve([listener])
    for task in ending:
        await task
    if server.ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    if server.ended_by:
        signal.raise_signal(server.ended_by)
