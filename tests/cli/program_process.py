"""The program as a process: forked from one that has imported it where that makes no difference."""

import atexit
import fcntl
import inspect
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pexpect
import ptyprocess

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
        cwd: str | Path,
        environment: Mapping[str, str],
        descriptors: Sequence[int],
    ) -> int:
        """A new process; its pid. `descriptors`: its three streams, and its terminal if any."""
        request = {
            "arguments": [*map(os.fsdecode, arguments)],
            "cwd": str(cwd),
            "environment": {**environment},
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


_forks = Forks()


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether a forked process is like a fresh one."""
    # Streams of a forked process are UTF-8, which these ask for.
    expected = {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    return sys.platform == "linux" and all(
        environment[name] == expected.get(name) for name in environment if name.startswith(AT_START)
    )


class Forked(subprocess.Popen[str]):
    """Popen of `ml-agent`, in a session of its own.

    Args:
        terminal: the descriptor of its controlling terminal.
    """

    def __init__(self, arguments: Sequence[str], terminal: int | None = None, **options: Any):
        self._terminal = () if terminal is None else (terminal,)
        super().__init__(arguments, text=True, **options)

    def _execute_child(self, *given: Any) -> None:
        of = dict(zip(EXECUTE, given, strict=True))
        pipes = (of["p2cread"], of["c2pwrite"], of["errwrite"])
        streams = [number if pipe == -1 else pipe for number, pipe in enumerate(pipes)]
        self.pid = _forks.begin(of["args"], of["cwd"], of["env"], [*streams, *self._terminal])
        self._child_created = True
        ends = [
            of[n] for n in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        ]
        self._close_pipe_fds(*ends)  # type: ignore[attr-defined]

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            self.returncode = _forks.code(self.pid)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self._internal_poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(0.005)
        return code


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    given: str | None = None,
    terminal: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """A forked run to its end, as subprocess.run does it; killed with its session if it hangs."""
    with Forked(
        arguments, terminal, cwd=cwd, env=env,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            said, complained = process.communicate(given, PATIENCE)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, said, complained)


class _Pty(ptyprocess.PtyProcess):  # type: ignore[misc]
    """A forked process in its terminal; this process is not its parent."""

    def isalive(self) -> bool:
        code = _forks.code(self.pid)
        if code is None:
            return True
        self.terminated = True
        self.exitstatus, self.signalstatus = (code, None) if code >= 0 else (None, -code)
        return False

    def wait(self) -> int | None:
        while self.isalive():
            time.sleep(0.005)
        return self.exitstatus


class ForkedTerminal(pexpect.spawn):  # type: ignore[misc]
    """pexpect's spawn of `ml-agent`."""

    def _spawnpty(self, args: Sequence[str], **options: Any) -> _Pty:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *options["dimensions"], 0, 0))
        pid = _forks.begin(args[1:], options["cwd"], options["env"], [theirs] * 4)
        os.close(theirs)
        return _Pty(pid, ours)


def in_terminal(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], **options: Any
) -> pexpect.spawn:
    """The program in a terminal; its other end. `options`: see pexpect.spawn."""
    options |= {"cwd": str(cwd), "env": dict(environment), "encoding": "utf-8"}
    if can_fork(environment):
        return ForkedTerminal(sys.executable, [*arguments], **options)
    return pexpect.spawn(sys.executable, ["-m", "cli.main", *arguments], **options)


def interrupt(child: pexpect.spawn) -> None:
    """Ctrl-C at a prompt, once the program sleeps. Between writing a prompt and its select(),
    CPython's readline keeps a Ctrl-C for the next key, which never comes."""
    state = Path(f"/proc/{child.pid}/stat")
    while state.exists() and state.read_text().rpartition(") ")[2][0] == "R":
        time.sleep(0.005)
    child.sendintr()
