"""Kills a process around a change on the Hub (the submit of a job, its rerun, an upload, a deployed
endpoint), and lets another one continue: how often did the change happen?

    uv run python -m benchmarks.jobs_chaos --kills 100 [--what upload] [--seed N]

The session, its store, the tool and the HTTP requests are real; the Hub is the tests' stand-in, and
the model answers from memory, so that a trial takes a second or two. The process dies with SIGKILL
a random moment after a random one of its requests, before or after that took effect.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.program_process import start
from tests.stand_ins.hub_jobs import Job
from tests.stand_ins.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[1]
#: Seconds after a request within which the kill comes.
LATEST = 0.08

DRIVER = """
import asyncio, json, sys
from configs.layers import load
from benchmarks.one_call_model import OneCallModel
from graph.session import RunOptions, Session

async def main():
    tool, arguments = sys.argv[1], json.loads(sys.argv[2])
    thread = sys.argv[3] if len(sys.argv) > 3 else None
    options = RunOptions(model="memory/model", interactive=False, mode="yolo")
    model = OneCallModel(tool, arguments, "done")
    async with Session.open(load().settings, thread=thread, options=options, models=model) as s:
        print(s.thread.id, flush=True)
        last = None
        async for event in (s.resume() if thread else s.send("train")):
            last = event
        while asked := await s.pending():
            async for event in s.resume([{"type": "approve"}] * len(asked)):
                last = event
        print(json.dumps(last.to_dict() if last else {}), flush=True)

asyncio.run(main())
"""


@dataclass(frozen=True)
class Work:
    """One call. `requests`: those of the first process. `count`: how often the Hub was changed."""

    tool: str
    arguments: dict[str, Any]
    requests: int
    count: Callable[[HubServer], int]


#: What the Hub holds before.
FIRST_JOB, REPO, HARDWARE = f"{1:024x}", "ann/tuned", "aws-us-east-1-nvidia-l4-x1"
RUN = {"operation": "run", "flavor": "t4-small", "timeout": "30m", "command": "python train.py"}
CONTENT = {"path": "notes.md", "content": "Rank 16.\n", "message": "Notes"}
WORK = {
    "job": Work("hf_jobs", RUN, 7, lambda hub: len(hub.jobs.jobs) - 1),
    "rerun": Work("hf_jobs", {"operation": "rerun", "id": FIRST_JOB}, 9,
                  lambda hub: len(hub.jobs.jobs) - 1),
    "schedule": Work("hf_jobs", {**RUN, "operation": "schedule", "cron": "@daily"}, 7,
                     lambda hub: len(hub.jobs.schedules)),
    "upload": Work("hf_repo", {"operation": "upload", "repo": REPO, **CONTENT}, 4,
                   lambda hub: len(hub.repos["model", REPO].head.history) - 1),
    "endpoint": Work("hf_endpoint", {"operation": "deploy", "model": REPO, "hours": 2,
                                     "hardware": HARDWARE}, 8,
                     lambda hub: len(hub.endpoints.bodies)),
}  # fmt: skip


class KillingHub(HubServer):
    """Kills `victim` at its `number`-th request, before or after that took effect; `delay`
    seconds later."""

    victim = 0
    number, after, delay = 0, False, 0.0

    def answer(self, request: Any) -> Any:
        hit = self.victim and len(self.requests) == self.number
        if hit and not self.after:
            self._kill()
        answered = super().answer(request)
        if hit and self.after:
            self._kill()
        return answered

    def _kill(self) -> None:
        if self.delay:
            threading.Timer(self.delay, self._now).start()
        else:
            self._now()

    def _now(self) -> None:
        if self.victim:
            os.kill(self.victim, signal.SIGKILL)


class Trials:
    """Processes that drive a thread of their own state directory, against one Hub."""

    def __init__(self, folder: Path, hub: KillingHub, work: Work) -> None:
        self._hub = hub
        self._call = (work.tool, json.dumps(work.arguments))
        self._cwd = folder / "work"
        self._cwd.mkdir()
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "HF_TOKEN": "hf_ann",
            "ML_AGENT_HUB_URL": hub.url,
            "ML_AGENT_ENDPOINTS_URL": f"{hub.url}/endpoints/v2",
            "ML_AGENT_STATE_DIR": str(folder / "state"),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return start(
            [sys.executable, "-c", DRIVER, *self._call, *arguments], cwd=self._cwd,
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def one(self) -> tuple[bool, dict[str, Any]]:
        """(whether the first process was killed, the last event of the one that went on)."""
        first = self.start()
        self._hub.victim = first.pid
        assert first.stdout is not None
        thread = first.stdout.readline().strip()
        rest = first.stdout.read()
        first.wait()
        self._hub.victim = 0
        if first.returncode == 0:
            return False, json.loads(rest.splitlines()[-1])
        told = self.start(thread).communicate(timeout=120)[0]
        return True, json.loads(told.splitlines()[-1])


def trial(
    number: int, after: bool, delay: float, kind: str = "job"
) -> tuple[bool, int, dict[str, Any]]:
    """(whether it was killed, how often the change happened, the last event)."""
    work = WORK[kind]
    with tempfile.TemporaryDirectory() as folder, KillingHub() as hub:
        hub.add(REPO, files={"config.json": "{}"}, pipeline_tag="text-generation")
        hub.jobs.looks = 1000
        body = {"flavor": "t4-small", "command": ["x"], "timeoutSeconds": 600, "labels": {}}
        hub.jobs.jobs[FIRST_JOB] = Job(FIRST_JOB, "ann", body, 1, "COMPLETED", stage="COMPLETED")
        hub.number, hub.after, hub.delay = number, after, delay
        killed, last = Trials(Path(folder), hub, work).one()
        return killed, work.count(hub), last


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--what", choices=[*WORK, "all"], default="all")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    kinds = list(WORK) if arguments.what == "all" else [arguments.what]
    kills, made = 0, {0: 0, 1: 0, 2: 0}
    while kills < arguments.kills:
        kind = kinds[kills % len(kinds)]
        point = chance.randint(1, WORK[kind].requests), chance.random() < 0.5
        delay = chance.choice([0.0, chance.uniform(0, LATEST)])
        killed, times, last = trial(*point, delay, kind)
        kills += killed
        made[min(times, 2)] += killed
        if killed and (times != 1 or last.get("event") != "turn_complete"):
            print(f"kill {kills}: {kind} {point} + {delay:.3f} s: {times}, {last}", flush=True)
        if killed and kills % 10 == 0:
            print(f"{kills} kills: once {made[1]}", flush=True)
    print(f"{kills} kills of {', '.join(kinds)} (seed {arguments.seed}): once {made[1]}, "
          f"never {made[0]}, more {made[2]}")  # fmt: skip
    return 0 if made[1] == kills else 1


if __name__ == "__main__":
    sys.exit(main())
