"""Makes the demo's recordings: what the model says is written here, what the tools answer is real.

    uv run python -m docs.record_demo

The Hub is a stand-in (tests/stand_ins): its answers and its prices are recorded, too. Run it after
a change to a tool's words or to the answers below. It works in a temporary folder and writes
configs/demo/recording.jsonl, in which that folder is /demo, configs/demo/hub.json, and
configs/demo/experiments.jsonl (its words: docs/demo_experiments.py).
"""

import asyncio
import csv
import json
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from cli.shared.tours import EXPERIMENTS, HUB, TRAINING
from configs.layers import shipped_settings
from configs.settings import Settings
from core.models.routes import recording_path
from core.store import open_store
from docs import demo_experiments
from docs.demo_task import REPORT, SCRIPT, STEPS, TASK
from docs.print_tools import environment
from graph.options import RunOptions
from graph.replay import Replay
from graph.thread import Thread
from graph.transcript.format import Recording, digest
from graph.transcript.write import as_jsonl
from tests.stand_ins.hub_jobs import flavor
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.viewer_server import Split, ViewerServer

SHIPPED = Path(__file__).parent.parent / "configs" / "demo"
FOLDER = "/demo"

Answers = list[tuple[str, list[dict[str, Any]]]]
DATASET, JOB = "ann/beans", f"{1:024x}"


def plan(done: int) -> dict[str, Any]:
    """A call of plan with the first `done` steps completed, the next one begun."""
    status = ["completed"] * done + ["in_progress"] + ["pending"] * len(STEPS)
    items = [
        {"id": str(number), "text": text, "status": status[number - 1]}
        for number, text in enumerate(STEPS, 1)
    ]
    return {"plan": {"items": items}}


def answers(found: dict[str, str]) -> Answers:
    """(what the model says, its calls) of each answer. `found`: numbers of the training run."""
    job = {
        "operation": "run", "script": "train.py", "script_args": ["--data", "/data/beans.csv",
        "--seeds", "20"], "flavor": "cpu-xl", "timeout": "30m", "name": "beans-20-seeds",
        "volumes": ["datasets/ann/beans:/data"], "datasets": [DATASET],
    }  # fmt: skip
    return [
        (
            "I look at the dataset first.",
            [
                plan(0),
                {"hf_dataset": {"operation": "inspect", "dataset": DATASET, "sample_rows": 2}},
                {"read": {"path": "beans.csv", "limit": 4}},
            ],
        ),
        (
            "Two measurements, two kinds, 90 rows; two of them have no width, and I leave them "
            "out. A small network is enough. A quarter of the rows is held out, and scaled with "
            "what the training rows say.",
            [plan(1), {"write": {"path": "train.py", "content": SCRIPT}}],
        ),
        ("A first run here, with one seed.", [_bash(TRAINING)]),
        (
            "It learns, and does not overfit. But 22 rows are few: one seed says little. Now 20 "
            "seeds as a job; the network is tiny, so CPUs will do.",
            [plan(2), {"hf_jobs": job}],
        ),
        ("", [{"hf_jobs": {"operation": "wait", "id": JOB}}]),
        (
            "",
            [{"write": {"path": "report.md", "content": REPORT.format(**found)}}, plan(4)],
        ),
        (
            f"**Accuracy {found['accuracy']}** (mean and spread over 20 seeds, each on 22 rows "
            f"held out). The single run here gave {found['first']}, within that spread.\n\n"
            "- Two of 90 rows had no width and were left out.\n"
            "- The loss on the held-out rows follows the training loss: no overfitting.\n"
            "- In doubt: 90 rows are few. More rows would help more than a larger network.\n\n"
            "The script is `train.py`, the numbers are in `report.md`.",
            [],
        ),
    ]  # fmt: skip


def _bash(command: str) -> dict[str, Any]:
    return {"bash": {"command": command}}


def draft(task: str, said: Answers) -> Recording:
    """The words alone, as a recording without results."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": task}]
    for text, calls in said:
        made = [
            {
                "id": f"{len(messages)}-{n}",
                "function": {"name": name, "arguments": json.dumps(args)},
            }
            for n, call in enumerate(calls)
            for name, args in call.items()
        ]
        messages.append({"role": "assistant", "content": text, "toolCalls": made})
    return Recording({}, messages)


def record(found: dict[str, str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines of a recording made in its own folder, and what the Hub said of its calls."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary, "work").resolve()
        folder.mkdir()
        shutil.copy(SHIPPED / "beans.csv", folder)
        environment(Path(temporary))
        hub = stack.enter_context(HubServer())
        hub.add(DATASET, "dataset", tags=["license:cc-by-4.0"], downloads=1500, likes=22)
        hub.jobs.hardware = [flavor("cpu-basic", 167), flavor("cpu-xl", 16_667)]
        hub.jobs.log, hub.jobs.looks = _log(), 1
        viewer = stack.enter_context(ViewerServer({DATASET: {"default": {"train": _rows()}}}))
        settings = shipped_settings(
            state_dir=str(Path(temporary, "state")), hub_url=hub.url, dataset_viewer_url=viewer.url
        )
        lines, known = asyncio.run(run(found, folder, settings))
        assert not [*hub.violations, *viewer.violations]
        text = json.dumps([lines, known]).replace(str(folder), FOLDER)
        text = text.replace(f"{hub.url}/", "https://huggingface.co/")
        made: tuple[list[dict[str, Any]], dict[str, Any]] = tuple(json.loads(text))
        return made


def _rows() -> Split:
    with (SHIPPED / "beans.csv").open(newline="") as file:
        return Split([
            {"length_mm": float(r["length_mm"]), "kind": r["kind"],
             "width_mm": float(r["width_mm"]) if r["width_mm"] else None}
            for r in csv.DictReader(file)
        ])  # fmt: skip


@cache
def _log() -> list[str]:
    """What the job prints: what the script prints with 20 seeds."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.py").write_text(SCRIPT)
        data = str(SHIPPED / "beans.csv")
        done = subprocess.run(
            [sys.executable, "train.py", "--seeds", "20", "--data", data],
            cwd=folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.splitlines()


async def run(
    found: dict[str, str], folder: Path, settings: Settings
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run the words with real tools; the lines of the recording, and what is known of the job."""
    lines, (job,), cost = await played(draft(TASK, answers(found)), folder, settings, HUB.allowed)
    effect = {"price_micro_usd": job["price_micro_usd"], "preview": job["preview"]}
    return lines, {"hf_dataset": {}, "hf_jobs": {"run": {"effect": effect, "cost_micro_usd": cost}}}


async def played(
    words: Recording, folder: Path, settings: Settings, allowed: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """(the lines of the recording, what was asked, what it cost in micro-USD)."""
    asked: list[dict[str, Any]] = []

    def approve(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.extend(requests)
        return [{"type": "approve"} for _ in requests]

    replay = Replay(
        words,
        settings,
        cwd=folder,
        options=RunOptions(mode="ask", allow=(allowed,)),
        real_tools=True,
        strict=False,
        decide=approve,
    )
    cost = 0
    async for event in replay.events():
        assert event.name != "error", event
        cost = getattr(event, "cost_micro_usd", cost) if event.name == "turn_complete" else cost
    async with await open_store(settings) as store:
        row = await store.threads.resolve(replay.session.thread.id)
        written = as_jsonl(row, await Thread(store, row.id).whole_history())
        lines = [json.loads(line) for text in written for line in text.split("\n") if line]
    return lines, asked, cost


def record_experiments() -> list[dict[str, Any]]:
    """The lines of the recording of experiments: its trainings take some ten seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "work").resolve()
        folder.mkdir()
        shutil.copy(SHIPPED / "beans.csv", folder)
        environment(Path(temporary))
        settings = shipped_settings(state_dir=str(Path(temporary, "state")))
        words = draft(demo_experiments.TASK, demo_experiments.ANSWERS)
        lines, asked, _ = asyncio.run(played(words, folder, settings, EXPERIMENTS.allowed))
        assert [one["tool"] for one in asked] == ["edit"]
        text = json.dumps(lines).replace(str(folder), FOLDER)
        made: list[dict[str, Any]] = json.loads(text)
        return made


def numbers(lines: list[dict[str, Any]]) -> dict[str, str]:
    """Accuracy of the run here and of the job, as they printed it."""
    outputs = [m["message"]["content"] for m in lines if m["type"] == "message"]
    said = [m for o in outputs for m in re.findall(r"accuracy (\S+ \+- \S+) on 22", o)]
    return {"first": said[0].split()[0], "accuracy": said[-1].replace("+-", "±")}


def main() -> None:
    found = {"first": "?", "accuracy": "?"}
    lines, known = record(found)
    found = numbers(lines)
    lines, known = record(found)
    write(lines, HUB.model)
    (SHIPPED / "hub.json").write_text(json.dumps(known, indent=1) + "\n")
    write(record_experiments(), EXPERIMENTS.model)
    print(found)


def write(lines: list[dict[str, Any]], model: str) -> None:
    """Without what each run changes."""
    lines[0] |= {"id": model.partition("/")[2], "created": 0, "model": model}
    for line in lines[1:]:
        message = line["message"]
        message.pop("timestamp", None)
        message["ml_agent"]["sha256"] = digest(message)
    target = recording_path(model)
    target.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{target.name}: {len(lines) - 1} messages")


if __name__ == "__main__":
    main()
