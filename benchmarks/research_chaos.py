"""Kills a process while three sub-agents work side by side, and lets another one continue: was
anything done twice?

    uv run python -m benchmarks.research_chaos --kills 100 [--seed N]

The session, its store and the graph are real; the model answers from memory and writes down what it
was asked, the tool that the sub-agents have writes down that it ran. The process dies with SIGKILL
at a random one of those lines, or a random moment after it. What had led to a later step before the
kill must not come again after it, and the reports must hold all that was found.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.cli.program_process import run

ROOT = Path(__file__).resolve().parents[1]
#: Steps of each sub-agent before its report, and calls in a step.
STEPS, CALLS = {"A": 1, "B": 2, "C": 5}, 2
#: The step of C at which A, for whose end C waits in its first step, has long been stored.
SURELY = 4
#: Lines that a whole run writes down: each request, and both ends of each call.
LINES = 2 + sum(n + 1 + 2 * CALLS * n for n in STEPS.values()) + len(STEPS)
#: Seconds after a line within which the kill comes.
LATEST = 0.05

DRIVER = """
import asyncio, json, os, signal, sys, threading
from configs.layers import load
from core.model import Answer
from core.tool import AgentTool, ToolResult
from core.effects import Effect
from graph.session import RunOptions, Session
from langchain_core.messages import AIMessage
from pydantic import BaseModel
from tools.research import Research

STEPS, CALLS, LOG, KILL, DELAY = json.loads(sys.argv[1])
lines = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def write(*words):
    global lines
    with open(LOG, "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")
    lines += 1
    if lines == KILL:
        threading.Timer(DELAY, die).start() if DELAY else die()

class Look(AgentTool):
    name: str = "look"
    description: str = "look"
    class Arguments(BaseModel):
        what: str
    args_schema: type[BaseModel] = Arguments
    looks_up: bool = True
    def effect(self, arguments, cwd):
        return Effect("read")
    async def execute(self, arguments, run):
        write("look", arguments.what)
        while arguments.what == "C-0-0" and "done A" not in open(LOG).read():
            await asyncio.sleep(0.002)
        write("looked", arguments.what)
        return ToolResult(f"<{arguments.what}>")

def call(name, number, **args):
    return {"name": name, "args": args, "id": f"call_{number}"}

class Model:
    async def answer(self, model, messages, tools, **options):
        step = sum(m.type == "ai" for m in messages)
        found = "".join(m.text for m in messages if m.type == "tool")
        if "research" in {t.name for t in tools}:
            write("ask", "main", step)
            tasks = [] if step else list(STEPS)
            calls = [call("research", n, task=task) for n, task in enumerate(tasks)]
        else:
            task = messages[1].text.splitlines()[-1]
            write("ask", task, step)
            whats = [f"{task}-{step}-{n}" for n in range(CALLS)]
            calls = [call("look", n, what=what) for n, what in enumerate(whats)]
            calls = calls if step < STEPS[task] else []
            found = f"report {task}: {found}"
        if calls:
            return Answer(AIMessage("", tool_calls=calls), "tool_calls", cost_micro_usd=1)
        return Answer(AIMessage(found), "stop", cost_micro_usd=1)
    async def ready(self, model): pass
    def window(self, model): return 200_000
    def window_is_known(self, model): return True
    def sees(self, model): return False
    def price(self, model): return 1.0, 1.0
    def count_tokens(self, messages, tools=()): return 100

async def main():
    thread = sys.argv[2] if len(sys.argv) > 2 else None
    options = RunOptions(model="memory/model", interactive=False)
    tools = {"research": Research(), "look": Look()}
    session = Session.open(
        load().settings, thread=thread, options=options, models=Model(), tools=tools
    )
    async with session as s:
        print(s.thread.id, flush=True)
        last = None
        async for event in (s.resume() if thread else s.send("go")):
            last = event
            if event.name == "tool_output":
                write("done", event.text.split()[1].rstrip(":"))
        spent = (await s.cost())["thread"].amount
        print(json.dumps({**last.to_dict(), "spent": spent} if last else {}), flush=True)

asyncio.run(main())
"""


def trial(line: int, delay: float = 0.0) -> tuple[bool, list[str]]:
    """(whether the process was killed, what went wrong)."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        first, told = _run(Path(folder), log, line, delay)
        thread, _, rest = told.partition("\n")
        before = log.read_text().splitlines()
        killed = first != 0
        if killed:
            _, told = _run(Path(folder), log, 0, 0.0, thread)
            rest = told.partition("\n")[2]
        after = log.read_text().splitlines()[len(before) :]
        last = json.loads(rest.splitlines()[-1]) if rest.strip() else {}
    return killed, [*again(before, after), *lacking(last)]


def _run(folder: Path, log: Path, line: int, delay: float, *thread: str) -> tuple[int, str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "ML_AGENT_STATE_DIR": str(folder / "state"),
    }
    (folder / "work").mkdir(exist_ok=True)
    given = json.dumps([STEPS, CALLS, str(log), line, delay])
    command = [sys.executable, "-c", DRIVER, given, *thread]
    done = run(command, cwd=folder / "work", env=environment)
    return done.returncode, done.stdout


def again(before: list[str], after: list[str]) -> list[str]:
    """Lines of finished steps that came a second time."""
    began = any(line.startswith("look ") for line in before)
    repeated = [line for line in after if began and line == "ask main 0"]
    for task, steps in STEPS.items():
        for step in range(steps):
            if f"ask {task} {step + 1}" in before:
                lines = [f"ask {task} {step}", *(f"look {task}-{step}-{n}" for n in range(CALLS))]
                repeated += [line for line in lines if line in after]
    if f"ask C {SURELY}" in before:
        repeated += [line for line in after if line.startswith(("ask A", "look A"))]
    return [f"again: {line}" for line in repeated]


def lacking(last: dict[str, Any]) -> list[str]:
    """What the turn's answer does not hold, once and in order."""
    found = {
        task: [f"<{task}-{step}-{n}>" for step in range(steps) for n in range(CALLS)]
        for task, steps in STEPS.items()
    }
    reports = "".join(f"report {task}: {''.join(looks)}" for task, looks in found.items())
    if last.get("event") != "turn_complete" or last["status"] != "done":
        return [f"the turn ended so: {last}"]
    return [] if last["text"] == reports else [f"the reports are {last['text']!r}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    kills = bad = 0
    while kills < arguments.kills:
        line, delay = chance.randint(1, LINES), chance.choice([0.0, chance.uniform(0, LATEST)])
        killed, wrong = trial(line, delay)
        kills += killed
        bad += bool(wrong)
        if wrong:
            print(f"kill {kills}: line {line} + {delay:.3f} s: {'; '.join(wrong)}", flush=True)
    print(f"{kills} kills (seed {arguments.seed}): {kills - bad} went on right, {bad} did not")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
