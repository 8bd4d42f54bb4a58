"""`kill -9` at step 20 of 50, then a resume: how many steps happened twice, how many never."""

import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.iterations import effect
from benchmarks.observer import Observer, watching
from benchmarks.programs import Ours
from tests.stand_ins.model_script import Asked, Reply

#: When the process is killed: the model was asked for step N + 1; its answer is half there; the
#: effect of step N has just happened and its command still runs.
MOMENTS = ("asked", "answering", "running")


@dataclass(frozen=True)
class Killed:
    """What one kill came to: counts of effects, and of requests (see Observer)."""

    moment: str
    repeated: int
    lost: int
    compared: int
    broken: int


def kill_and_resume(program: Ours, moment: str, at: int = 20, steps: int = 50) -> Killed:
    """One turn of `steps`, each with one effect, killed at step `at` and resumed."""
    slow = moment == "answering"

    def choose(asked: Asked) -> Reply:
        if asked.step == steps:
            return program.end
        # Only the first time: whoever resumes gets the answer at once.
        pause = 0.2 if slow and asked.step == at and not killed else 0.0
        return Reply(text="On we go.", calls=[effect(str(asked.step))], chunk_delay=pause)

    killed: list[str] = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        watching(choose) as observer,
    ):
        folder = Path(name)
        effects = folder / "work" / "effects"
        reached = _moments(observer, effects, at)[moment]
        with observer.started(program, program.command("go", steps, folder), folder) as process:
            _wait(reached, process)
            time.sleep(0.3 if slow else 0.0)
            process.kill()
            killed.append(moment)
        observer.run(program, program.resume(), folder)
        if json.loads((folder / "output").read_text())["text"] != "done":
            raise RuntimeError(f"the resumed turn did not end: {folder / 'output'}")
        left = Counter(effects.read_text().split())
    return Killed(
        moment=moment,
        repeated=sum(count - 1 for count in left.values()),
        lost=steps - len(left),
        compared=observer.compared,
        broken=observer.broken,
    )


def _moments(observer: Observer, effects: Path, at: int) -> dict[str, Callable[[], bool]]:
    def asked() -> bool:
        return len(observer.server.requests) > at

    def happened() -> bool:
        return effects.exists() and len(effects.read_text().split()) >= at

    return {"asked": asked, "answering": asked, "running": happened}


def _wait(reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while not reached():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the program ended before the moment of its kill")
        time.sleep(0.002)
