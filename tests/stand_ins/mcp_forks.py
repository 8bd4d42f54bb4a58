"""Real MCP servers, forked from one process that has the SDK imported: its imports are nineteen
twentieths of what a server costs.

`command` gives what starts one. The server that it starts is a process with its own folder,
environment and streams, as `python -m tests.stand_ins.mcp_server` is.
"""

import atexit
import gc
import importlib
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests.cli.fork_server import LARGEST, become, run_to_its_end

ROOT = Path(__file__).resolve().parents[2]
#: What the servers import as they start and serve.
LATE = (
    "mcp.server.auth.handlers.token", "mcp.server.stdio", "mcp.server.streamable_http_manager",
    "sse_starlette", "tests.stand_ins.mcp_library", "tests.stand_ins.mcp_server",
    "tests.stand_ins.mcp_sign_in", "uvicorn.lifespan.on", "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto",
)  # fmt: skip


def command(kind: str, *more: str) -> list[str]:
    """A stand-in as a command; `kind` and `more` as mcp_server.py takes them."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("mcp_forked.py")), _place(),
            kind, *more]  # fmt: skip


@cache
def _place() -> str:
    """The socket of this process's fork server, which ends with this process."""
    folder = tempfile.TemporaryDirectory(prefix="mcp-forks-")
    place = f"{folder.name}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.stand_ins.mcp_forks", place],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stdout.readline(), "the fork server did not start"
    atexit.register(folder.cleanup)
    atexit.register(server.stdin.close)
    return place


def serve(listener: socket.socket) -> dict[str, Any] | None:
    """Fork until the standard input ends. Not None: this is a fork, and that is its request."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[socket.socket, int] = {}
    while True:
        ready, _, _ = select.select([0, listener, ended, *running], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _tell_ended(running)
        for channel in [one for one in ready if one in running]:
            _kill(running.pop(channel))  # its command was killed
            channel.close()
        if listener in ready:
            channel, _ = listener.accept()
            message, descriptors, _, _ = socket.recv_fds(channel, LARGEST, 3)
            running[channel] = os.fork()
            if running[channel] == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (listener, *running):
                    one.close()
                request: dict[str, Any] = marshal.loads(message)
                become(request, descriptors)
                return request
            for descriptor in descriptors:
                os.close(descriptor)
        if 0 in ready:
            for pid in running.values():
                _kill(pid)
            return None


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _tell_ended(running: dict[socket.socket, int]) -> None:
    for channel, pid in [*running.items()]:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            del running[channel]
            with channel, suppress(OSError):  # killed in the same moment
                channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def main() -> None:
    for name in LATE:
        importlib.import_module(name)
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(sys.argv[1])
    listener.listen(64)
    print("ready", flush=True)
    if serve(listener):
        from tests.stand_ins import mcp_server

        sys.argv.insert(0, "mcp_server")
        run_to_its_end(mcp_server.main)


if __name__ == "__main__":
    main()
