"""Never twice: kills the real program at random moments, resumes it, and counts effects.

    uv run python -m benchmarks.chaos --kills 200

Each trial runs one task headless against the stand-in model, in a folder and state directory
of its own. The process is killed with SIGKILL, alone (its commands go on) or with everything
below it, while it starts, streams, runs three commands side by side, writes, edits; some
resumed processes are killed again. Then `sessions resume` finishes the turn, and it is counted:
an effect that happened twice is repeated; one that did not happen, and whose result does not
say that its outcome is unknown, is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from configs.settings import Settings
from graph.history import outcome_of
from graph.store import open_store
from graph.threads import read_thread
from tests.stand_ins.model_script import Call, Reply, by_step
from tests.stand_ins.model_server import ModelServer

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
    repeated: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unknown: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.repeated or self.lost or self.wrong)


def run_trial(seed: int, server: ModelServer, folder: Path) -> Trial:
    """One task, killed at least once, resumed until it ends, then looked at."""
    rng, trial = random.Random(seed), Trial(seed)
    work = folder / "work"
    work.mkdir(parents=True)
    environment = {
        **os.environ,
        "HOME": str(folder),
        "ML_AGENT_STATE_DIR": str(folder / "state"),
        "OPENAI_API_KEY": "sk-stand-in",
        "OPENAI_BASE_URL": f"{server.openai_base}",
        "PYTHONPATH": str(ROOT),
    }
    rounds = 1 + (rng.random() < 0.35) + (rng.random() < 0.15)
    for number in range(rounds):
        arguments = _start() if not _accepted(folder) else _resume()
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=work,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=(folder / f"stderr{number}").open("wb"),
            start_new_session=True,
        )
        if not _wait_for_moment(rng, process, folder / f"stderr{number}", server):
            break
        _kill(process, whole_tree=rng.random() < 0.5)
        trial.kills += 1
    arguments = _start() if not _accepted(folder) else _resume()
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    _judge(trial, done, work, folder)
    return trial


def _start() -> list[str]:
    return ["-m", "openai/stand-in", "--output", "json", TASK]


def _resume() -> list[str]:
    return ["sessions", "resume", "--output", "json"]


def _accepted(folder: Path) -> bool:
    """Whether the message is on disk: from then on nothing may be lost."""

    async def look() -> bool:
        async with await open_store(_settings(folder)) as store:
            rows = await store.threads.list()
            return bool(rows) and bool(await store.inbox.after(rows[0].id, 0))

    return asyncio.run(look())


def _settings(folder: Path) -> Settings:
    return Settings(state_dir=str(folder / "state"))


def _wait_for_moment(
    rng: random.Random, process: subprocess.Popen[bytes], told: Path, server: ModelServer
) -> bool:
    """Sleep until the moment of the kill; False if the program ended before."""
    deadline = time.monotonic() + 60
    early = rng.random() < 0.15
    asked = len(server.requests)
    while time.monotonic() < deadline and process.poll() is None:
        if early and b"thread " in told.read_bytes():
            break
        if not early and _asked_by(server, asked, told):
            break
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 1.5 if early else SPAN))
    return process.poll() is None


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


def _judge(trial: Trial, done: subprocess.CompletedProcess[str], work: Path, folder: Path) -> None:
    if done.returncode != 0:
        trial.wrong.append(f"exit {done.returncode}: {done.stderr[-400:]}")
        return
    time.sleep(0.3)  # the background mark of the last step
    if json.loads(done.stdout)["text"] != FINAL:
        trial.wrong.append(f"answer: {done.stdout}")

    async def messages() -> list[object]:
        async with await open_store(_settings(folder)) as store:
            rows = await store.threads.list()
            if len(rows) != 1 or rows[0].status != "done":
                trial.wrong.append(f"threads: {rows}")
            return list(await read_thread(store, rows[0].id))

    history = asyncio.run(messages())
    results = [m for m in history if isinstance(m, ToolMessage)]
    trial.unknown = sum(outcome_of(m) == "unknown" for m in results)
    calls = [c for m in history if isinstance(m, AIMessage) for c in m.tool_calls]
    if [c["id"] for c in calls] != [m.tool_call_id for m in results]:
        trial.wrong.append("calls and results do not match")
    if sum(isinstance(m, HumanMessage) for m in history) != 1:
        trial.wrong.append("the message is not there exactly once")
    unknown = {m.tool_call_id for m in results if outcome_of(m) == "unknown"}
    excused = [json.dumps(c["args"]) for c in calls if c["id"] in unknown]
    left = Counter((work / "effects").read_text().split()) if (work / "effects").exists() else {}
    for mark in MARKS:
        if left.get(mark, 0) > 1:
            trial.repeated.append(mark)
        if not left.get(mark) and not any(f"echo {mark} " in text for text in excused):
            trial.lost.append(mark)
    notes = work / "notes.txt"
    if not notes.exists() or notes.read_text() != "beta\n":
        trial.lost.append("notes.txt")


def run_trials(kills: int, folder: Path, seed: int = 0, workers: int = 2) -> list[Trial]:
    """Trials until at least `kills` processes were killed."""
    trials: list[Trial] = []
    with ModelServer(by_step(STEPS)) as server, ThreadPoolExecutor(workers) as pool:
        while sum(t.kills for t in trials) < kills:
            batch = range(seed + len(trials), seed + len(trials) + 2 * workers)
            trials += pool.map(lambda n: run_trial(n, server, folder / str(n)), batch)
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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trials = run_trials(arguments.kills, Path(folder), arguments.seed)
    for trial in trials:
        if not trial.good:
            print(trial)
    print(
        f"{sum(t.kills for t in trials)} kills in {len(trials)} trials: "
        f"{sum(len(t.repeated) for t in trials)} repeated, "
        f"{sum(len(t.lost) for t in trials)} lost, "
        f"{sum(t.unknown for t in trials)} said to be unknown, "
        f"{sum(bool(t.wrong) for t in trials)} otherwise wrong"
    )
    return 0 if all(t.good for t in trials) else 1


if __name__ == "__main__":
    raise SystemExit(main())
