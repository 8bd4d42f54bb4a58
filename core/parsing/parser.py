"""Parsing the bytes of untrusted sources in its own process, within limits (core/parsing/child.py).

One process for the whole program, kept: loading the libraries takes longer than a page. It has no
credentials, and no state of a session. A job over its limits, or cancelled, costs the process; the
next job gets a new one.
"""

import asyncio
import atexit
import json
import selectors
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import core
from core.errors import ToolError
from core.parsing.child import SECONDS, receive, send
from core.secrets.child_environment import child_environment

#: Seconds of real time for a job: a loaded machine gives its processor time slowly.
LONGEST = 60.0
#: What the process runs. -P: nothing is imported from the folder it is started in.
COMMAND = ("-m", "core.parsing.child")


async def parsed(kind: str, body: bytes, what: str, **facts: Any) -> Any:
    """What core/parsing makes of these bytes.

    Args:
        what: whose bytes they are, for errors. facts: what the function in core/parsing takes.
    Raises ToolError: it is broken, or takes too long. Cancelling ends the job.
    """
    job = _executor.submit(_process.do, kind, body, facts)
    try:
        answer = await asyncio.wrap_future(job)
    except asyncio.CancelledError:
        if not job.cancelled() and not job.done():
            _process.kill()
        raise
    except OSError as error:
        raise ToolError(f"Cannot read {what}: {error.strerror or error}. Try again") from None
    if "failed" in answer:
        raise ToolError(f"Cannot read {what}: {answer['failed']}")
    if "error" in answer:
        raise ToolError(answer["error"])
    return answer["result"]


def prepare(kind: str) -> None:
    """Let the process start now: its libraries load while the bytes still come."""
    _executor.submit(_process.start, kind)


class Process:
    """The process as it is now; started at the first job. `kill` may come from any thread, the
    rest from one."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[bytes] | None = None

    def do(self, kind: str, body: bytes, facts: dict[str, Any]) -> dict[str, Any]:
        """The child's answer, or {"failed": why there is none}. Raises OSError: no start."""
        process = self.start(kind)
        assert process.stdin is not None
        deadline = time.monotonic() + LONGEST
        answer = None
        with suppress(BrokenPipeError):
            send(process.stdin, {"kind": kind, **facts}, body)
            answer = _answer(process, deadline)
        if answer is not None:
            return answer
        timed_out = time.monotonic() >= deadline
        self.kill()
        if process.wait() == -signal.SIGXCPU or timed_out:
            return {"failed": f"it takes more than {SECONDS} s to take apart"}
        return {"failed": "its content broke the reader"}

    def start(self, kind: str) -> subprocess.Popen[bytes]:
        """The process; a new one if there is none. `kind`: whose libraries a new one loads."""
        process = self._running
        if process is None or process.poll() is not None:
            root = str(Path(core.__file__).parents[1])
            process = subprocess.Popen(
                [sys.executable, "-P", "-s", *COMMAND, kind],
                cwd="/",
                env={**child_environment(()), "PYTHONPATH": root},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._running = process
        return process

    def kill(self) -> None:
        process, self._running = self._running, None
        if process is not None:
            process.kill()


def _answer(process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any] | None:
    """None: there is none before the deadline, or the process ended."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        if not waiting.select(max(0.0, deadline - time.monotonic())):
            return None
    message = receive(process.stdout)
    return None if message is None else dict(json.loads(message[1]))


#: One thread: one job at a time, and those that wait take no thread of others.
_executor = ThreadPoolExecutor(1, thread_name_prefix="parser")
_process = Process()
atexit.register(_process.kill)
