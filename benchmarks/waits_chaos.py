"""Kills workers and watchers around a wait: how often is a thread woken, and is any wake lost?

    uv run python -m benchmarks.waits_chaos --kills 200 [--seed N]

Sessions, store, watcher and graph are real; the model answers from memory and notes when it was
asked. Processes are forked from one that has imported everything, so that a trial takes seconds.
"""

import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.forks import PATIENCE, Forks, asked_for, finish, killed, read, until_killed

#: Seconds within which a kill comes, and that a wait lasts.
LATEST, LASTS = 0.8, 1
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
    return until_killed(FORKS, trial, kills, folder, seed)


def main() -> int:
    trials = asked_for(run_trials)
    double = sum(t.results > 1 or t.answers > 2 for t in trials)
    print(
        f"{sum(t.kills for t in trials)} kills in {len(trials)} threads: {double} double wakes, "
        f"{sum(not t.done for t in trials)} lost, {sum(t.early for t in trials)} requests to the "
        "model while waiting"
    )
    return 0 if all(t.good for t in trials) else 1


if __name__ == "__main__":
    sys.exit(main())
