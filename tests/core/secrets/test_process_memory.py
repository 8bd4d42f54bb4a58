"""Other processes of the same user cannot read ours; what we start can be read as any other."""

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cli.shared.bootstrap import guarded
from cli.shared.options import Options
from core.secrets.process_memory import PR_SET_DUMPABLE, make_undumpable

NOBODY, PR_GET_DUMPABLE = 65534, 3


def in_child(work: Callable[[], int]) -> int:
    """What `work` returns in its own process, as another user than root."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            if os.getuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def is_readable(pid: int) -> bool:
    try:
        Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        return False
    return True


def seen_from_another(prepare: Callable[[], None]) -> bool:
    """Whether a process that has run `prepare` is readable for another of its user."""

    def work() -> int:
        # A change of user has closed this process already.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        prepare()
        target = os.getpid()
        reader = os.fork()
        if reader == 0:
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
            os._exit(int(is_readable(target)))
        return os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1])

    return in_child(work) == 1


def test_others_cannot_read_it() -> None:
    if not sys.platform.startswith("linux"):
        make_undumpable()
        return
    assert seen_from_another(lambda: None)
    assert not seen_from_another(make_undumpable)


def test_it_can_still_be_worked_with() -> None:
    """Its own /proc, a program that it starts, and standard input opened again."""

    def work() -> int:
        make_undumpable()
        if sys.platform.startswith("linux"):
            os.listdir("/proc/self/fd")
            Path("/proc/self/stat").read_text()
        done = subprocess.run(
            [
                "/bin/sh",
                "-c",
                "cat /dev/stdin; cat /proc/self/environ > /dev/null && echo readable",
            ],
            input=b"given\n",
            capture_output=True,
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
        )
        if sys.platform.startswith("linux"):
            started = subprocess.Popen(["/bin/sleep", "60"], env={"A": "b"}, cwd="/")
            try:
                # Until `exec` it is a copy of ours.
                ends = time.monotonic() + 30
                while not is_readable(started.pid) and time.monotonic() < ends:
                    time.sleep(0.01)
                if not is_readable(started.pid):
                    return 3
            finally:
                started.kill()
                started.wait()
        wanted = b"given\nreadable\n" if sys.platform.startswith("linux") else b"given\n"
        return 0 if done.stdout == wanted else 2

    assert in_child(work) == 0


def test_every_command_of_the_program_closes_itself() -> None:
    def is_dumpable() -> int:
        return int(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))

    def work() -> int:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        return is_dumpable() * 10 + guarded(is_dumpable, Options())

    if sys.platform.startswith("linux"):
        assert in_child(work) == 10
