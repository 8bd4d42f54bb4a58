"""A long turn: what an iteration costs in processor time, disk and memory, and whether it grows.

`gap` is the time between an answer's end and the next request, the iteration's command in it;
its least-squares line a + b·k says how it grows with the iteration's number k.
"""

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.observer import Observer, watching
from benchmarks.programs import Program
from tests.stand_ins.model_script import Call, Choose, Reply, load_script

#: Characters of output that each iteration's command prints.
OUTPUT = 2400
COMMAND = f"head -c {OUTPUT} /dev/zero | tr '\\0' x; echo; echo step {{step}}"
TASK = "work"


@dataclass(frozen=True)
class Long:
    """What one long turn came to.

    Attributes:
        cpu_ms: processor time of an iteration, without its command's.
        a, b: of the gap a + b·k, milliseconds.
        spent: seconds of processor time of the whole turn, its start too.
        commits: write transactions of an iteration.
        cpu_b: the same slope of its processor time, which no one else on the machine disturbs.
        transcript: characters of all tool results, as the model got them.
        disk: bytes that the program left.
        memory: peak, MiB.
        compared, broken: see Observer.
    """

    iterations: int
    cpu_ms: float
    spent: float
    commits: float
    a: float
    b: float
    cpu_b: float
    transcript: int
    disk: int
    memory: float
    compared: int
    broken: int

    @property
    def allowed(self) -> int:
        """Bytes on disk that the budget allows."""
        return 3 * self.transcript + 8_000 * self.iterations


def script(program: Program, iterations: int, command: str = COMMAND) -> Choose:
    """Calls of one command, told apart by the step, then the program's end. What the model
    says after that, to another message, does not matter."""
    call = {"name": "bash", "arguments": {"command": command}}
    steps = load_script({"steps": [{"text": "On.", "calls": [call], "repeat": iterations}]})
    return lambda asked: steps(asked) if asked.step < iterations else program.end


def fit(gaps: list[float]) -> tuple[float, float]:
    """(a, b) of the least-squares line a + b·k through `gaps`."""
    n = len(gaps)
    middle, mean = (n - 1) / 2, sum(gaps) / n
    spread = sum((k - middle) ** 2 for k in range(n))
    b = sum((k - middle) * (g - mean) for k, g in enumerate(gaps)) / spread
    return mean - b * middle, b


def run(program: Program, iterations: int, observer: Observer, folder: Path) -> Long:
    """One turn of `iterations` in `folder`, which keeps what the program leaves."""
    observer.run(program, program.command(TASK, iterations, folder), folder)
    a, b = fit(observer.gaps)
    spent = observer.processor[-1] - observer.processor[0]
    return Long(
        iterations=iterations,
        cpu_ms=1000 * spent / iterations,
        spent=observer.processor[-1],
        commits=(observer.commits[-1] - observer.commits[0]) / iterations,
        a=a,
        b=b,
        cpu_b=1000 * fit([y - x for x, y in itertools.pairwise(observer.processor)])[1],
        transcript=sum(len(text(m)) for m in observer.last["messages"] if m["role"] == "tool"),
        disk=program.written(folder),
        memory=observer.peak,
        compared=observer.compared,
        broken=observer.broken,
    )


def measure(program: Program, iterations: int) -> Long:
    """`run` in a folder that is not kept."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        watching(script(program, iterations), strict=program.strict) as observer,
    ):
        return run(program, iterations, observer, Path(folder))


def text(message: dict[str, Any]) -> str:
    """The text of a request's message, without its calls."""
    content = message["content"] or ""
    return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)


#: An answer that does not come while anyone waits for it.
SILENCE = Reply(text="late", delay=3600)


def effect(name: str) -> Call:
    """A command that leaves the line `name` in the file `effects`, and takes a moment."""
    return Call("bash", {"command": f"echo {name} >> effects; sleep 0.1; echo {name} is left"})
