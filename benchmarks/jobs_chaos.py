"""Kills a process around the submit of a job (or of an inference endpoint, after its approval), and
lets another one go on: how many are there?

    uv run python -m benchmarks.jobs_chaos --kills 100 [--seed N] [--what endpoint]

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
from pathlib import Path
from typing import Any

from tests.stand_ins.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[1]
#: Requests of the first process: prices, whoami, the submit, and looks at the job.
REQUESTS = 7
RUNS = {
    "job": ("hf_jobs", {"operation": "run", "flavor": "t4-small", "timeout": "30m",
                        "command": "python train.py"}),
    "endpoint": ("hf_endpoint", {"operation": "deploy", "model": "ann/tuned", "hours": 1,
                                 "hardware": "aws-us-east-1-nvidia-l4-x1"}),
}  # fmt: skip
#: Seconds after a request within which the kill comes.
LATEST = 0.08

DRIVER = """
import asyncio, json, sys
from configs.layers import load
from benchmarks.one_call_model import OneCallModel
from graph.session import RunOptions, Session

async def main():
    tool, arguments, *rest = sys.argv[1:]
    thread = rest[0] if rest else None
    # An endpoint needs approval in every mode.
    options = RunOptions(model="memory/model", interactive=tool == "hf_endpoint")
    model = OneCallModel(tool, json.loads(arguments), "launched")
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

    def __init__(self, folder: Path, hub: KillingHub, what: str) -> None:
        self._hub = hub
        tool, arguments = RUNS[what]
        self._call = [tool, json.dumps(arguments)]
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
        line = [sys.executable, "-c", DRIVER, *self._call, *arguments]
        return subprocess.Popen(
            line, cwd=self._cwd, env=self._environment,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
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
    number: int, after: bool, delay: float, what: str = "job"
) -> tuple[bool, int, dict[str, Any]]:
    """(whether it was killed, how many jobs or endpoints there are, the last event)."""
    with tempfile.TemporaryDirectory() as folder, KillingHub() as hub:
        hub.jobs.looks = 1000
        hub.number, hub.after, hub.delay = number, after, delay
        killed, last = Trials(Path(folder), hub, what).one()
        return killed, len(hub.jobs.jobs) + len(hub.endpoints.bodies), last


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--what", choices=RUNS, default="job")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    kills, made = 0, {0: 0, 1: 0, 2: 0}
    while kills < arguments.kills:
        point = chance.randint(1, REQUESTS), chance.random() < 0.5
        delay = chance.choice([0.0, chance.uniform(0, LATEST)])
        killed, jobs, last = trial(*point, delay, arguments.what)
        kills += killed
        made[min(jobs, 2)] += killed
        if killed and (jobs != 1 or last.get("event") != "turn_complete"):
            print(f"kill {kills}: {point} + {delay:.3f} s: {jobs} of them, {last}", flush=True)
    print(
        f"{kills} kills (seed {arguments.seed}): one {arguments.what} {made[1]}, none {made[0]}, "
        f"more {made[2]}"
    )
    return 0 if made[1] == kills else 1


if __name__ == "__main__":
    sys.exit(main())
