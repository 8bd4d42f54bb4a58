"""Python as a process: forked from one that has imported the program where that makes no
difference."""

import atexit
import inspect
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cli.fork_server import LARGEST

ROOT = Path(__file__).resolve().parents[2]
#: Seconds after which a run is killed.
PATIENCE = 120
#: Python, or C, reads them as a process starts.
AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "GLIBC_")
EXECUTE = [*inspect.signature(subprocess.Popen._execute_child).parameters][1:]  # type: ignore[attr-defined]


class Forks:
    """The one fork server of this test process; started with its first run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._codes: dict[int, int] = {}

    def begin(
        self,
        arguments: Sequence[str],
        cwd: str | Path | None,
        environment: Mapping[str, str] | None,
        descriptors: Sequence[int],
    ) -> int:
        """A new process; its pid. `arguments`: those of Python, which begin with -m or -c.
        `descriptors`: its three streams, and its terminal if any."""
        request = {
            "arguments": [*map(os.fsdecode, arguments)],
            "cwd": str(cwd or Path.cwd()),
            "environment": {**(os.environ if environment is None else environment)},
        }
        with self._lock:
            channel = self._channel or self._start()
            socket.send_fds(channel, [json.dumps(request).encode()], descriptors)
            while True:
                message = self._receive(channel)
                if "began" in message:
                    # The system uses numbers again: the code of an earlier one is not this one's.
                    self._codes.pop(message["began"], None)
                    return int(message["began"])

    def code(self, pid: int) -> int | None:
        """The exit code of a process that has ended, as Popen has it."""
        with self._lock:
            channel = self._channel
            while channel and pid not in self._codes and select.select([channel], [], [], 0)[0]:
                self._receive(channel)
            return self._codes.get(pid)

    def _receive(self, channel: socket.socket) -> dict[str, Any]:
        message = channel.recv(LARGEST)
        assert message, "the fork server is gone"
        value: dict[str, Any] = json.loads(message)
        if "ended" in value:
            self._codes[value["ended"]] = value["code"]
        return value

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        subprocess.Popen(
            [sys.executable, "-m", "tests.cli.fork_server"],
            stdin=theirs, cwd=ROOT, env={**kept, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        atexit.register(ours.close)
        self._channel = ours
        self._receive(ours)
        return ours


forks = Forks()


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether a forked process is like a fresh one."""
    # Streams of a forked process are UTF-8, which these ask for.
    expected = {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    *customized, last = environment.get("PYTHONPATH", "").split(os.pathsep)
    if all(Path(folder, "sitecustomize.py").is_file() for folder in customized):
        environment = {**environment, "PYTHONPATH": last} if customized else environment
    return sys.platform == "linux" and all(
        environment[name] == expected.get(name) for name in environment if name.startswith(AT_START)
    )


class Forked(subprocess.Popen[Any]):
    """Popen of `python -m MODULE …` or `python -c CODE …`, in a session of its own.

    Args:
        terminal: the descriptor of its controlling terminal.
    """

    def __init__(self, command: Sequence[str], terminal: int | None = None, **options: Any):
        self._terminal = () if terminal is None else (terminal,)
        super().__init__(command, **options)

    def _execute_child(self, *given: Any) -> None:
        of = dict(zip(EXECUTE, given, strict=True))
        pipes = (of["p2cread"], of["c2pwrite"], of["errwrite"])
        streams = [number if pipe == -1 else pipe for number, pipe in enumerate(pipes)]
        self.pid = forks.begin(of["args"][1:], of["cwd"], of["env"], [*streams, *self._terminal])
        self._child_created = True
        ends = [
            of[n] for n in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        ]
        self._close_pipe_fds(*ends)  # type: ignore[attr-defined]

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            self.returncode = forks.code(self.pid)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self._internal_poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(0.005)
        return code


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Popen of a Python command; its `options`, and `terminal` if it can be forked."""
    if can_fork(options.get("env") or {}):
        return Forked(command, **options)
    return subprocess.Popen(command, **options)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    given: str | None = None,
    terminal: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """A run to its end, as subprocess.run does it; killed with its session if it hangs."""
    with start(
        command, cwd=cwd, env=env, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **({} if terminal is None else {"terminal": terminal}),
    ) as process:  # fmt: skip
        try:
            said, complained = process.communicate(given, PATIENCE)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, said, complained)
