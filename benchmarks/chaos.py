"""Never twice: kills the real program at random moments, resumes it, and counts effects.

    uv run python -m benchmarks.chaos --kills 200
    uv run python -m benchmarks.chaos --kills 60 --database postgres --fight

Each trial runs one task headless against the stand-in model, in a folder and state directory
of its own. The process is killed with SIGKILL, alone (its commands continue) or with everything
below it, while it starts, streams, runs three commands side by side, writes, edits; some
resumed processes are killed again. Then `sessions resume` finishes the turn, and it is counted:
an effect that happened twice is repeated; one that did not happen, and whose result does not
say that its outcome is unknown, is lost.

On Postgres (a server is started for it) each process of a trial has a state directory of its
own, as on machines that share a database. With `--fight` two processes resume at once, every
time: one drives the thread, the other is denied, and told who drives it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from configs.settings import Settings
from core.history import is_note, outcome_of
from core.store import open_store
from graph.thread import Thread
from tests.cli.program_process import start
from tests.stand_ins.model_script import Call, Reply, by_step
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.postgres_server import server as postgres_server

ROOT = Path(__file__).resolve().parent.parent
TASK = "leave your marks"
FINAL = "All marks are left."
#: Effects of the task: lines of the file `effects`.
MARKS = ("a", "b", "c", "d", "background")
#: Seconds that the task's steps take once the model is asked for the first time.
SPAN = 2.2


def _mark(name: str, **more: object) -> Call:
    command = f"sleep 0.05; echo {name} >> effects; sleep 0.15; echo {name} is left"
    return Call("bash", {"command": command, **more})


STEPS = [
    Reply(
        text="First three marks side by side.",
        pieces=6,
        chunk_delay=0.03,
        calls=[_mark("a"), _mark("b"), _mark("c")],
    ),
    Reply(calls=[Call("write", {"path": "notes.txt", "content": "alpha\n"}), _mark("d")]),
    Reply(calls=[Call("edit", {"path": "notes.txt", "old": "alpha", "new": "beta"})]),
    Reply(calls=[_mark("background", background=True), Call("process", {"operation": "list"})]),
    Reply(text=FINAL, pieces=6, chunk_delay=0.03),
]


@dataclass
class Trial:
    """What one trial came to."""

    seed: int
    kills: int = 0
    refused: int = 0
    repeated: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unknown: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.repeated or self.lost or self.wrong)


class Ring:
    """Where a trial takes place: a folder, a database, and who may enter at once."""

    def __init__(self, folder: Path, server: ModelServer, url: str, fight: bool) -> None:
        self.folder, self.server, self.url, self.fight = folder, server, url, fight
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self._started = 0

    @property
    def settings(self) -> Settings:
        return Settings(state_dir=str(self.folder / "state"), database_url=self.url)

    def enter(self) -> list[Fighter]:
        """Start the task, or resume it once its message is on disk; two at once in a fight."""
        arguments = ["-m", "openai/stand-in", "--output", "json", TASK]
        if not self._accepted():
            return [self._begin(arguments)]
        resume = ["sessions", "resume", "--output", "json"]
        return [self._begin(resume) for _ in range(2 if self.fight else 1)]

    def _begin(self, arguments: list[str]) -> Fighter:
        number, self._started = self._started, self._started + 1
        # What one of several machines would have: the database, and its own state directory.
        state = f"state{number}" if self.url else "state"
        environment = {
            **os.environ,
            "HOME": str(self.folder),
            "ML_AGENT_STATE_DIR": str(self.folder / state),
            "ML_AGENT_DATABASE_URL": self.url,
            "OPENAI_API_KEY": "sk-stand-in",
            "OPENAI_BASE_URL": self.server.openai_base,
            "PYTHONPATH": str(ROOT),
        }
        said, told = self.folder / f"stdout{number}", self.folder / f"stderr{number}"
        process = start(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=self.work,
            env=environment,
            stdout=said.open("wb"),
            stderr=told.open("wb"),
            start_new_session=True,
        )
        return Fighter(process, said, told)

    def _accepted(self) -> bool:
        """Whether the message is on disk: from then on nothing may be lost."""

        async def look() -> bool:
            async with await open_store(self.settings) as store:
                rows = await store.threads.list()
                return bool(rows) and bool(await store.inbox.after(rows[0].id, 0))

        return asyncio.run(look())


@dataclass
class Fighter:
    """One process of a trial, and where it writes."""

    process: subprocess.Popen[bytes]
    said: Path
    told: Path

    def was_refused(self) -> bool:
        """Whether it ended as one that must: told which process drives the thread."""
        words = r"is already open in process \d+ on \S+ since"
        return self.process.returncode == 1 and bool(re.search(words, self.told.read_text()))


def run_trial(seed: int, ring: Ring) -> Trial:
    """One task, killed at least once, resumed until it ends, then looked at."""
    rng, trial = random.Random(seed), Trial(seed)
    rounds = 1 + (rng.random() < 0.35) + (rng.random() < 0.15)
    for _ in range(rounds):
        fighters = ring.enter()
        alive = _wait_for_moment(rng, fighters, ring.server)
        for fighter in fighters:
            if fighter.process.poll() is None:
                _kill(fighter.process, whole_tree=rng.random() < 0.5)
                trial.kills += 1
        if not alive:
            break
    last = ring.enter()
    for fighter in last:
        fighter.process.wait(timeout=120)
    refused = [f for f in last if f.was_refused()]
    trial.refused = len(refused)
    for fighter in last:
        if fighter not in refused or len(refused) == len(last):
            _judge(trial, fighter, ring)
    return trial


def _wait_for_moment(rng: random.Random, fighters: list[Fighter], server: ModelServer) -> bool:
    """Sleep until the moment of the kill; False if the program ended before."""
    deadline = time.monotonic() + 60
    early = rng.random() < 0.15
    asked = len(server.requests)

    def run() -> bool:
        return any(f.process.poll() is None for f in fighters)

    while time.monotonic() < deadline and run():
        if early and any(b"thread " in f.told.read_bytes() for f in fighters):
            break
        if not early and _asked_by(server, asked, fighters[0].told):
            break
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 1.5 if early else SPAN))
    return run()


def _asked_by(server: ModelServer, since: int, told: Path) -> bool:
    """Whether a request came whose task runs in this trial's folder."""
    mine = f"working directory: {told.parent}"
    return any(mine in json.dumps(r.body) for r in server.requests[since:])


def _kill(process: subprocess.Popen[bytes], *, whole_tree: bool) -> None:
    try:
        below = psutil.Process(process.pid).children(recursive=True) if whole_tree else []
    except psutil.NoSuchProcess:
        below = []
    process.kill()
    for child in below:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def _judge(trial: Trial, done: Fighter, ring: Ring) -> None:
    if done.process.returncode != 0:
        trial.wrong.append(f"exit {done.process.returncode}: {done.told.read_text()[-400:]}")
        return
    time.sleep(0.3)  # the background mark of the last step
    if json.loads(done.said.read_text())["text"] != FINAL:
        trial.wrong.append(f"answer: {done.said.read_text()}")
    work = ring.work

    async def messages() -> list[object]:
        async with await open_store(ring.settings) as store:
            rows = await store.threads.list()
            if len(rows) != 1 or rows[0].status != "done":
                trial.wrong.append(f"threads: {rows}")
            return await Thread(store, rows[0].id).messages()

    history = asyncio.run(messages())
    results = [m for m in history if isinstance(m, ToolMessage)]
    trial.unknown = sum(outcome_of(m) == "unknown" for m in results)
    calls = [c for m in history if isinstance(m, AIMessage) for c in m.tool_calls]
    if [c["id"] for c in calls] != [m.tool_call_id for m in results]:
        trial.wrong.append("calls and results do not match")
    if sum(isinstance(m, HumanMessage) and not is_note(m) for m in history) != 1:
        trial.wrong.append("the message is not there exactly once")
    unknown = {m.tool_call_id for m in results if outcome_of(m) == "unknown"}
    excused = [json.dumps(c["args"]) for c in calls if c["id"] in unknown]
    left = Counter((work / "effects").read_text().split()) if (work / "effects").exists() else {}
    for mark in MARKS:
        if left.get(mark, 0) > 1:
            trial.repeated.append(mark)
        done = left.get(mark) or any(f"echo {mark} " in text for text in excused)
        if not done and not (mark == "background" and _was_killed(mark, ring.folder)):
            trial.lost.append(mark)
    notes = work / "notes.txt"
    if not notes.exists() or notes.read_text() != "beta\n":
        trial.lost.append("notes.txt")


def _was_killed(mark: str, folder: Path) -> bool:
    """Whether a background command was killed with everything else after its call had answered
    that it was started: `process` says so, and nothing claims that it left its mark."""
    runs = [
        meta.parent for meta in folder.rglob("meta.json") if f"echo {mark} " in meta.read_text()
    ]
    return any((run / "pid").exists() and not (run / "exit").exists() for run in runs)


def run_trials(
    kills: int,
    folder: Path,
    seed: int = 0,
    workers: int = 2,
    *,
    database: str = "sqlite",
    fight: bool = False,
) -> list[Trial]:
    """Trials until at least `kills` processes were killed."""
    trials: list[Trial] = []

    def run(number: int) -> Trial:
        with ExitStack() as stack:
            url = stack.enter_context(postgres.fresh()) if database == "postgres" else ""
            return run_trial(number, Ring(folder / str(number), server, url, fight))

    if database == "postgres":
        postgres = postgres_server()
    with ModelServer(by_step(STEPS)) as server, ThreadPoolExecutor(workers) as pool:
        while sum(t.kills for t in trials) < kills:
            batch = range(seed + len(trials), seed + len(trials) + 2 * workers)
            trials += pool.map(run, batch)
            _progress(trials)
        if server.violations:
            trials[-1].wrong.append(f"the provider refused: {server.violations[0]}")
    return trials


def _progress(trials: list[Trial]) -> None:
    bad = [t for t in trials if not t.good]
    print(
        f"{sum(t.kills for t in trials)} kills in {len(trials)} trials, {len(bad)} bad",
        file=sys.stderr,
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--fight", action="store_true", help="two processes resume at once")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trials = run_trials(
            arguments.kills,
            Path(folder),
            arguments.seed,
            database=arguments.database,
            fight=arguments.fight,
        )
    for trial in trials:
        if not trial.good:
            print(trial)
    print(
        f"{sum(t.kills for t in trials)} kills in {len(trials)} trials: "
        f"{sum(len(t.repeated) for t in trials)} repeated, "
        f"{sum(len(t.lost) for t in trials)} lost, "
        f"{sum(t.unknown for t in trials)} said to be unknown, "
        f"{sum(t.refused for t in trials)} refused as second, "
        f"{sum(bool(t.wrong) for t in trials)} otherwise wrong"
    )
    return 0 if all(t.good for t in trials) else 1


if __name__ == "__main__":
    raise SystemExit(main())
