"""Runs a program against the stand-in model and notes what the stand-in sees of it.

Arrivals, gaps, the requests themselves, and at each request the program's processor time. The
stand-in's own time is in none of the figures: a gap begins when an answer was written and ends
when the next request's head is there.
"""

import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.programs import Program
from tests.stand_ins.model_script import Asked, Choose
from tests.stand_ins.model_server import ModelServer

#: Seconds after which a program is given up.
PATIENCE = 3600


@dataclass
class Observer:
    """A stand-in model that watches who asks it; started by `watching`.

    Attributes:
        processor: at each request, seconds of processor time that the process had used; its
            commands are not counted.
        commits: at each request, write transactions of the program's database so far.
        peak: most MiB of memory that the process ever had, as of its last request.
        spent: seconds of processor time to the first request (`to_first_request`).
        compared, broken: requests that had one before them, and those of them that do not
            begin with that one: tools, system prompt, messages, byte for byte.
    """

    script: Choose
    strict: bool = True
    processor: list[float] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    peak: float = 0.0
    spent: float = 0.0
    compared: int = 0
    broken: int = 0
    first: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    process: psutil.Process | None = None
    count_commits: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        self.server = ModelServer(self._choose, strict=self.strict)
        self._sent: list[str] = []

    @property
    def gaps(self) -> list[float]:
        """Milliseconds between an answer's end and the next request."""
        asked = [r for r in self.server.requests if r.body]
        return [1000 * (b.at - a.until) for a, b in itertools.pairwise(asked)]

    def run(self, program: Program, command: Sequence[str], folder: Path) -> None:
        """One run to its end. Raises RuntimeError where it fails."""
        with self.started(program, command, folder) as process:
            code = process.wait(PATIENCE)
        if code != 0 or self.server.violations:
            told = f"{_told(folder)} {self.server.violations}"
            raise RuntimeError(f"{command[0]} ended with {code}: {told}")

    def to_first_request(self, program: Program, command: Sequence[str], folder: Path) -> float:
        """Seconds from the start of the process to its first request; then it is killed."""
        before = len(self.server.requests)
        began = time.monotonic()
        with self.started(program, command, folder) as process:
            while len(self.server.requests) == before:
                if process.poll() is not None or time.monotonic() - began > 120:
                    raise RuntimeError(f"{command} sent no request: {_told(folder)}")
                time.sleep(0.001)
            there = psutil.Process(process.pid)
            self.peak = _peak(there)
            self.spent = sum(there.cpu_times()[:2])
        return self.server.requests[before].at - began

    @contextmanager
    def started(
        self, program: Program, command: Sequence[str], folder: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The running process; killed at the end, if it still runs. What it prints is in
        the files `output` and `errors`."""
        work = folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
            process = program.start(
                command,
                cwd=work,
                env=program.environment(self.server.openai_base, folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        self.process = psutil.Process(process.pid)
        self.count_commits = partial(program.commits, folder)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def _choose(self, asked: Asked) -> Any:
        body = dict(asked.body)
        self.first = self.first or body
        # Only the newest body is kept: a long run's would be half a gigabyte.
        for received in self.server.requests[-3:-1]:
            received.body = {"dropped": True} if received.body else {}
        self._look_at_process()
        self.commits.append(self.count_commits())
        self._compare(body)
        self.last = body
        return self.script(asked)

    def _look_at_process(self) -> None:
        try:
            assert self.process is not None
            spent = self.process.cpu_times()
            self.processor.append(spent.user + spent.system)
            self.peak = max(self.peak, _peak(self.process))
        except psutil.NoSuchProcess:
            return

    def _compare(self, body: dict[str, Any]) -> None:
        sent = [json.dumps(body.get("tools"))] + [json.dumps(m) for m in body["messages"]]
        if self._sent:
            self.compared += 1
            self.broken += sent[: len(self._sent)] != self._sent
        self._sent = sent


def _told(folder: Path) -> str:
    """The end of what the process printed."""
    names = ("output", "errors")
    return "\n".join((folder / n).read_text(errors="replace")[-1000:] for n in names)


def _peak(process: psutil.Process) -> float:
    """MiB; where the system keeps no peak, what it has now."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return float(process.memory_info().rss) / 2**20


@contextmanager
def watching(script: Choose, *, strict: bool = True) -> Iterator[Observer]:
    """An Observer whose server runs."""
    observer = Observer(script, strict)
    with observer.server:
        yield observer
