"""Kills workers and watchers around a wait: how often is a thread woken, and is any wake lost?

    uv run python -m benchmarks.waits_chaos --kills 200 [--seed N]

Sessions, store, watcher and graph are real; the model answers from memory and notes when it was
asked. Processes are forked from one that has imported everything, so that a trial takes seconds.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Seconds within which a kill comes, that a wait lasts, and that a trial may take.
LATEST, LASTS, PATIENCE = 0.8, 1, 60.0
#: Rounds of a trial whose processes are killed; those of later ones may end.
ROUNDS = 4

FORKS = """
import asyncio, json, os, signal, sys, time
from pathlib import Path
import graph.watcher as watching
from benchmarks.one_call_model import OneCallModel
from configs.settings import Settings
from core.store import open_store
from graph.session import RunOptions, Session
from graph.thread import Thread

async def run(kind, place):
    settings = Settings(state_dir=place + "/state", model_name="memory/model")
    until = {"until": [{"after": "LASTSs"}]}
    model = OneCallModel("wait", until, "done", Path(place + "/asked"))
    options = RunOptions(interactive=False)
    if kind == "watch":
        class Opened(Session):
            @classmethod
            def open(cls, *given, **more): return Session.open(*given, **more, models=model)
        watching.Session = Opened
        await watching.Watcher(settings, lambda folder: settings, lambda text: None).once()
        return
    async with await open_store(settings) as store:
        rows = await store.threads.list()
        if kind == "told":
            messages = await Thread(store, rows[0].id).messages()
            Path(place + "/told").write_text(json.dumps([[m.type, m.text] for m in messages]))
            return
        thread = rows[0].id if rows else None
        accepted = bool(thread and await store.inbox.after(thread, 0))
    async with Session.open(settings, cwd=place, thread=thread, options=options, models=model) as s:
        async for event in s.resume() if accepted else s.send("wait"): pass

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os.close(0)
        asyncio.run(run(*json.loads(line)))
        os._exit(0)
    print(pid, flush=True)
""".replace("LASTS", str(LASTS))


@dataclass(frozen=True)
class Trial:
    """What came of one thread. early: requests to the model while it waited."""

    kills: int
    done: bool
    answers: int
    results: int
    early: int

    @property
    def good(self) -> bool:
        return self.done and (self.answers, self.results, self.early) == (2, 1, 0)


class Forks:
    """Starts processes that have imported everything already."""

    def __init__(self, source: str = FORKS) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._parent: Any = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                             text=True, env=environment)  # fmt: skip
        assert self._parent.stdout.readline() == "ready\n"

    def start(self, kind: str, place: Path) -> int:
        self._parent.stdin.write(json.dumps([kind, str(place)]) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def close(self) -> None:
        self._parent.stdin.close()
        self._parent.wait(10)


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def killed(pid: int) -> int:
    """1 if the process was still there to be killed."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        while is_alive(pid):
            time.sleep(0.005)
        return 1
    return 0


def finish(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def read(place: Path, sql: str) -> list[tuple[Any, ...]]:
    path = place / "state" / "ml-agent.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.OperationalError):
        return connection.execute(sql).fetchall()
    return []


def trial(forks: Forks, place: Path, chance: random.Random) -> Trial:
    """One thread: its worker is killed, then pairs of watchers, until it is done."""
    place.mkdir()
    waited: tuple[float, float] = (0.0, 0.0)
    worker = forks.start("work", place)
    time.sleep(chance.uniform(0, LATEST))
    kills, done, deadline = killed(worker), False, time.monotonic() + PATIENCE
    rounds = 0
    while not done and time.monotonic() < deadline:
        # A new thread counts as done until its first turn begins.
        began = "SELECT 'status', status FROM threads WHERE turns > 0"
        status = dict(read(place, began)).get("status", "")
        waits = read(place, "SELECT made, made + 1 FROM waits")
        waited = waits[0] if waits else waited
        done = status == "done"
        # Without a wait the turn was cut off before it: that is the user's to resume.
        kinds = ["watch", "watch"] if waits else ["work"]
        pids = [forks.start(kind, place) for kind in kinds] if not done else []
        rounds += 1
        if rounds > ROUNDS:
            for pid in pids:
                finish(pid)
        time.sleep(chance.uniform(0, 2 * LATEST))
        kills += sum(killed(pid) for pid in pids)
    finish(forks.start("told", place))
    told = json.loads((place / "told").read_text())
    asked = [float(line) for line in (place / "asked").read_text().split()]
    return Trial(
        kills,
        done,
        answers=sum(kind == "ai" for kind, _ in told),
        results=sum(kind == "tool" for kind, _ in told),
        early=sum(waited[0] + 0.02 < at < waited[1] for at in asked),
    )


def run_trials(kills: int, folder: Path, seed: int = 1) -> list[Trial]:
    """Trials until so many processes were killed."""
    chance, forks, trials = random.Random(seed), Forks(), list[Trial]()
    try:
        while sum(t.kills for t in trials) < kills:
            trials.append(trial(forks, folder / f"trial-{len(trials)}", chance))
    finally:
        forks.close()
    return trials


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trials = run_trials(given.kills, Path(folder), given.seed)
    double = sum(t.results > 1 or t.answers > 2 for t in trials)
    print(
        f"{sum(t.kills for t in trials)} kills in {len(trials)} threads: {double} double wakes, "
        f"{sum(not t.done for t in trials)} lost, {sum(t.early for t in trials)} requests to the "
        "model while waiting"
    )
    return 0 if all(t.good for t in trials) else 1


if __name__ == "__main__":
    sys.exit(main())
