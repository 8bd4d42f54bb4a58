"""The program in a terminal, whose other end a test has."""

import fcntl
import os
import pty
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pexpect
import ptyprocess

from tests.cli.program_process import can_fork, forks


class _Pty(ptyprocess.PtyProcess):  # type: ignore[misc]
    """A forked process in its terminal; this process is not its parent."""

    def isalive(self) -> bool:
        code = forks.code(self.pid)
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
        pid = forks.begin(args[1:], options["cwd"], options["env"], [theirs] * 4)
        os.close(theirs)
        return _Pty(pid, ours)


def in_terminal(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], **options: Any
) -> pexpect.spawn:
    """The program in a terminal; its other end. `options`: see pexpect.spawn."""
    options |= {"cwd": str(cwd), "env": dict(environment), "encoding": "utf-8"}
    spawn = ForkedTerminal if can_fork(environment) else pexpect.spawn
    return spawn(sys.executable, ["-m", "cli.main", *arguments], **options)


def interrupt(child: pexpect.spawn) -> None:
    """Ctrl-C at a prompt, once the program sleeps. Between writing a prompt and its select(),
    CPython's readline keeps a Ctrl-C for the next key, which never comes."""
    state = Path(f"/proc/{child.pid}/stat")
    while state.exists() and state.read_text().rpartition(") ")[2][0] == "R":
        time.sleep(0.005)
    child.sendintr()
