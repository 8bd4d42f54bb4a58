"""Kills a session at random moments of its trials, in the folder and in copies: is any trial there
twice, or any folder half-restored?

    uv run python -m benchmarks.experiments_chaos --kills 200 [--seed N]

Session, store, graph, judge and copies are real; the models of the thread and of its sub-agents
answer from memory. A trial writes one value into all files, so that two values side by side are a
folder between two states.
"""

import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.forks import Forks, asked_for, finish, killed, read, until_killed

#: Seconds within which a kill comes; kills of one session, and processes that may end then.
LATEST, ROUNDS, LAST = 3.0, 5, 4
FILES = [f"part{n}.txt" for n in range(12)]
#: What the thread's model does, call by call; "edit" writes a value.
STEPS = (
    ("define", ""), ("edit", "0.8"), ("run", "0.8"), ("branch", "0.95 0.5 0.6"), ("edit", "0.7"),
    ("run", "0.7"), ("branch", "0.45 0.4"),
)  # fmt: skip
#: By trial: its hypothesis and verdict.
TRIALS = [
    ("baseline", "baseline"), ("0.8", "keep"), ("0.95", "discard"), ("0.5", "keep"),
    ("0.6", "discard"), ("0.7", "discard"), ("0.45", "keep"), ("0.4", "keep"),
]  # fmt: skip

PROGRAM = """
import asyncio, json, os, signal, sys
from pathlib import Path
from configs.settings import Settings
from core.model import Answer
from core.store import open_store
from graph.session import RunOptions, Session
from langchain_core.messages import AIMessage
from tests.stand_ins.model_in_memory import ModelInMemory

STEPS, FILES = json.loads(STEPS_AND_FILES)

def edit(value):
    return "bash", {"command": "".join(f"echo {value} > {name}; " for name in FILES)}

def call_of(operation, about):
    if operation == "edit":
        return edit(about)
    given = {"operation": operation}
    if operation == "define":
        given |= {"metric": "loss", "command": "sh judge.sh", "frozen": ["judge.sh"], "repeats": 1}
    if operation == "run":
        given["hypothesis"] = about
    if operation == "branch":
        given["hypotheses"] = about.split()
    return "experiment", given

class Model(ModelInMemory):
    def __init__(self, place):
        self.place = place
    async def answer(self, model, messages, tools, **options):
        results = [m.text for m in messages if m.type == "tool"]
        # What a kill left unknown is done once more.
        done = sum("unknown" not in text for text in results)
        if "experiment" in {tool.name for tool in tools}:
            calls = [call_of(*step) for step in STEPS]
            with open(f"{self.place}/asked", "a") as file:
                file.write(f"{done}\\n")
        else:
            value = messages[1].text.partition("Hypothesis: ")[2].split()[0]
            calls = [edit(value)]
            with open(f"{self.place}/inside", "a") as file:
                file.write(f"{value} {done}\\n")
        if done >= len(calls):
            return Answer(AIMessage("done"), "stop", cost_micro_usd=0)
        name, given = calls[done]
        call = {"name": name, "args": given, "id": "call_0"}
        return Answer(AIMessage("", tool_calls=[call]), "tool_calls", cost_micro_usd=0)

async def run(kind, place):
    settings = Settings(state_dir=place + "/state", model_name="memory/model")
    async with await open_store(settings) as store:
        rows = await store.threads.list()
        thread = rows[0].id if rows else None
        accepted = bool(thread and await store.inbox.after(thread, 0))
    options = RunOptions(interactive=False, mode="auto")
    session = Session.open(
        settings, cwd=place + "/work", thread=thread, options=options, models=Model(place)
    )
    async with session as s:
        async for event in s.resume() if accepted else s.send("go"):
            pass

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os.close(0)
        try:
            asyncio.run(run(*json.loads(line)))
        finally:
            os._exit(0)
    print(pid, flush=True)
""".replace("STEPS_AND_FILES", repr(json.dumps([STEPS, FILES])))


@dataclass(frozen=True)
class Outcome:
    """What came of one session. halves: looks that found a folder between two states, and no word
    of it. left: copies that are still there. again: steps of sub-agents that were finished, and
    came again."""

    kills: int
    trials: list[tuple[str, str]]
    runs: int
    halves: int
    left: int
    again: int

    @property
    def twice(self) -> int:
        """Trials that are there twice, or were measured more often than a trial is."""
        names = [name for name, _ in self.trials]
        return len(names) - len(set(names)) + (self.runs > 2)

    @property
    def good(self) -> bool:
        return self.trials == TRIALS and not (self.twice or self.halves or self.left or self.again)


def values(place: Path) -> set[str]:
    return {(place / "work" / name).read_text().strip() for name in FILES}


def is_half(place: Path) -> bool:
    """Whether the folder is between two states, and neither the record nor an edit says so."""
    asked = place / "asked"
    steps = [int(line) for line in asked.read_text().split()] if asked.exists() else [0]
    if len(values(place)) == 1 or (steps and STEPS[min(steps[-1], len(STEPS) - 1)][0] == "edit"):
        return False
    return not any(
        json.loads(told)["to"] for (told,) in read(place, "SELECT place FROM experiments")
    )


def repeated(place: Path) -> int:
    """Steps of sub-agents that came after a later one of the same."""
    newest: dict[str, int] = {}
    count = 0
    for line in (place / "inside").read_text().splitlines():
        value, step = line.split()
        count += int(step) < newest.get(value, 0)
        newest[value] = max(newest.get(value, 0), int(step))
    return count


def outcome(forks: Forks, place: Path, chance: random.Random) -> Outcome:
    """One session: its process is killed again and again, then one may end."""
    (place / "work").mkdir(parents=True)
    (place / "work" / "judge.sh").write_text("sleep 0.02; echo METRIC loss=$(cat part0.txt)\n")
    for name in FILES:
        (place / "work" / name).write_text("0.9\n")
    kills = halves = 0
    for _ in range(ROUNDS):
        pid = forks.start("work", place)
        time.sleep(chance.uniform(0.1, LATEST))
        kills += killed(pid)
        halves += is_half(place)
    for _ in range(LAST):
        finish(forks.start("work", place))
        if read(place, "SELECT status FROM threads WHERE turns > 0") == [("done",)]:
            break
    found = read(place, "SELECT hypothesis, verdict, metrics FROM trials ORDER BY number")
    halves += is_half(place) or values(place) != {"0.4"}
    return Outcome(
        kills,
        [(str(hypothesis), str(verdict)) for hypothesis, verdict, _ in found],
        max((len(json.loads(metrics)) for *_, metrics in found), default=0),
        halves,
        len(list(place.glob("state/threads/*/copies/*"))),
        repeated(place),
    )


def outcomes(kills: int, folder: Path, seed: int = 1) -> list[Outcome]:
    return until_killed(PROGRAM, outcome, kills, folder, seed)


def main() -> int:
    found = asked_for(outcomes)
    print(
        f"{sum(one.kills for one in found)} kills in {len(found)} sessions: "
        f"{sum(one.twice for one in found)} trials twice, "
        f"{sum(one.halves for one in found)} folders half-restored, "
        f"{sum(one.left for one in found)} copies left, "
        f"{sum(one.again for one in found)} finished steps again, "
        f"{sum(not one.good for one in found)} sessions with another record than undisturbed"
    )
    return 0 if all(one.good for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
