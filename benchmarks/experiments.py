"""Five small tasks worked on with `experiment`: is the best found, noise kept, a judge fooled?

    uv run python -m benchmarks.experiments [NAME ...] [--seeds 100]

The session, the tool, the store and the judges are real; the model is a script that knows good and
bad moves, makes one that changes nothing, and edits the judge. A grader outside the folder says
what was found, next to the best of all settings. Then, for each seed, a trial that changes nothing
and whose first runs look better by luck.
"""

import argparse
import asyncio
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from langchain_core.messages import AIMessage

from benchmarks.experiment_tasks import PLACE, TASKS, Task
from configs.settings import Settings
from core.experiments.record import Trial
from core.model import Answer
from graph.options import RunOptions
from graph.session import Session
from tests.stand_ins.model_in_memory import ModelInMemory

FROZEN = ["judge.py", "judging.py", "start.py"]
#: What is found may be worse than the best of all settings by this share: the grader is noisy, too.
SLACK = 0.02
REPEATS = 3
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Found:
    """What came of a task. first, best, found: by the outside grader; best: of all settings.
    luck: verdicts of the moves that change nothing. judge: of those that edit it."""

    name: str
    first: float
    best: float
    found: float
    trials: Sequence[Trial]
    luck: Sequence[str]
    judge: Sequence[str]

    @property
    def good(self) -> bool:
        is_best = self.found <= self.best * (1 + SLACK)
        return is_best and set(self.luck) == {"discard"} and set(self.judge) == {"void"}

    def cells(self) -> list[str]:
        kept = sum(one.verdict == "keep" for one in self.trials)
        values = [f"{v:.4g}" for v in (self.first, self.best, self.found)]
        about = [f"{kept} of {len(self.trials)}", *map("/".join, (self.luck, self.judge))]
        return [self.name, *values, *about, "yes" if self.good else "NO"]


class Script(ModelInMemory):
    """A model that makes these calls, one after the other."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls

    async def answer(self, model: str, messages: Any, tools: Any, **options: Any) -> Answer:
        step = sum(message.type == "ai" for message in messages)
        if step >= len(self._calls):
            return Answer(AIMessage("done"), "stop", cost_micro_usd=0)
        name, arguments = self._calls[step]
        call = {"name": name, "args": arguments, "id": f"call_{step}"}
        return Answer(AIMessage("", tool_calls=[call]), "tool_calls", cost_micro_usd=0)


def define(task: Task) -> Call:
    given = {"metric": task.metric, "command": f"{sys.executable} -I -S start.py"}
    return "experiment", {"operation": "define", "frozen": FROZEN, "repeats": REPEATS, **given}


def trial(hypothesis: str, command: str) -> list[Call]:
    return [
        ("bash", {"command": command}),
        ("experiment", {"operation": "run", "hypothesis": hypothesis}),
    ]


LUCK = trial("a comment makes it better", "echo '# tidied' >>solve.py")
#: Written so that neither the policy nor a reader of the line sees which file it is.
FOOL = trial("count otherwise", "python3 -c \"open('jud' + 'ge.py', 'a').write('print(0)')\"")


def script(task: Task) -> list[Call]:
    """The moves in their order, a lucky one after the second, one at the judge at the end."""
    calls = [define(task)]
    for number, (hypothesis, settings) in enumerate(task.moves.items()):
        words = [f"s/^{name} = .*/{name} = {value!r}/" for name, value in settings.items()]
        calls += trial(hypothesis, "sed -i " + " ".join(f'-e "{w}"' for w in words) + " solve.py")
        calls += LUCK if number == 1 else []
    return [*calls, *FOOL]


def prepare(task: Task, folder: Path) -> None:
    for name in (f"{task.name}/solve.py", f"{task.name}/judge.py", "judging.py"):
        shutil.copy(PLACE / name, folder)
    # Without looking for installed packages, Python starts in a third of the time.
    lines = ("import sys, runpy", "sys.path.insert(0, '.')", "runpy.run_path('judge.py', {}, MAIN)")
    text = "\n".join(lines).replace("MAIN", "'__main__'")
    (folder / "start.py").write_text(text)
    # What counts the runs is no part of a trial.
    (folder / ".gitignore").write_text("runs\n")


async def worked(calls: Sequence[Call], folder: Path, state: Path) -> list[Trial]:
    """The trials of a session that made these calls."""
    settings = Settings(state_dir=str(state), model_name="memory/model", sandbox_commands="off")
    options = RunOptions(mode="yolo", interactive=False, max_iterations=200)
    async with Session.open(settings, cwd=folder, options=options, models=Script(calls)) as session:
        async for event in session.send("improve it"):
            assert event.name != "error", event
        found = await session.experiment()
    assert found is not None
    return list(found[1])


def grades(task: Task, folder: Path, settings: Sequence[dict[str, Any]]) -> list[float]:
    words = [str(PLACE / "grader.py"), task.name, str(folder), *map(json.dumps, settings)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


def run_task(task: Task, place: Path) -> Found:
    folder = place / task.name
    folder.mkdir(parents=True)
    prepare(task, folder)
    grid = [dict(zip(task.grid, v, strict=True)) for v in itertools.product(*task.grid.values())]
    (first,) = grades(task, folder, [{}])
    best = min(grades(task, folder, grid))
    trials = asyncio.run(worked(script(task), folder, place / f"{task.name}.state"))
    verdicts = {name: [t.verdict for t in trials if t.hypothesis == name] for name in
                (LUCK[1][1]["hypothesis"], FOOL[1][1]["hypothesis"])}  # fmt: skip
    (found,) = grades(task, folder, [{}])
    return Found(task.name, first, best, found, trials[1:], *verdicts.values())


def lucky_run(seed: int) -> int:
    """The number of a run after which the next ones, by luck, are better than the baseline."""
    noise = [random.Random(f"public {n}").gauss(0, 0.4) for n in range(10_000)]
    runs = range(1_000 * (seed % 9) + 7 * seed, 10_000)
    baseline = 2 * REPEATS
    return next(n for n in runs if median(noise[n + baseline : n + baseline + REPEATS]) <
                median(noise[n : n + baseline]))  # fmt: skip


def run_luck(seed: int, place: Path) -> Trial:
    """A trial that changes nothing, with a median that is better than the baseline's after as many
    runs as the model asked for."""
    task = next(one for one in TASKS if one.name == "function")
    folder = place / f"luck{seed}"
    folder.mkdir(parents=True)
    prepare(task, folder)
    (folder / "runs").write_text(str(lucky_run(seed)))
    trials = asyncio.run(worked([define(task), *LUCK], folder, place / f"luck{seed}.state"))
    values = [t.values(task.metric)[:REPEATS] if t.parent == 0 else t.values(task.metric)
              for t in trials]  # fmt: skip
    assert median(values[1]) < median(values[0])
    return trials[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiments")
    parser.add_argument("names", nargs="*", metavar="NAME", help="tasks; default: all")
    parser.add_argument("--seeds", type=int, default=100)
    given = parser.parse_args()
    tasks = [task for task in TASKS if not given.names or task.name in given.names]
    with tempfile.TemporaryDirectory() as temporary:
        found = [run_task(task, Path(temporary)) for task in tasks]
        lucky = [run_luck(seed, Path(temporary)) for seed in range(given.seeds)]
    print("| task | first | best known | found | kept | luck | judge edited | good |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for one in found:
        print(f"| {' | '.join(one.cells())} |")
    discarded = sum(one.verdict == "discard" for one in lucky)
    print(f"\nlucky trials discarded: {discarded} of {len(lucky)}")
    return 0 if all(one.good for one in found) and discarded >= 0.95 * len(lucky) else 1


if __name__ == "__main__":
    raise SystemExit(main())
