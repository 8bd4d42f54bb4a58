"""Makes the demo's recording: what the model says is written here, what the tools answer is real.

    uv run python -m docs.record_demo

The Hub is a stand-in (tests/stand_ins): its answers and its prices are recorded, too. Run it after
a change to a tool's words or to the answers below. It works in a temporary folder and writes
configs/demo/recording.jsonl, in which that folder is /demo, and configs/demo/hub.json.
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

from cli.commands.demo import ALLOWED, TRAINING
from configs.layers import shipped_settings
from configs.settings import Settings
from core.store import open_store
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

DATASET, JOB = "ann/beans", f"{1:024x}"


def plan(done: int) -> dict[str, Any]:
    """A call of plan with the first `done` steps completed, the next one begun."""
    status = ["completed"] * done + ["in_progress"] + ["pending"] * len(STEPS)
    items = [
        {"id": str(number), "text": text, "status": status[number - 1]}
        for number, text in enumerate(STEPS, 1)
    ]
    return {"plan": {"items": items}}


def answers(found: dict[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
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


def draft(found: dict[str, str]) -> Recording:
    """The words alone, as a recording without results."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": TASK}]
    for text, calls in answers(found):
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
    asked: list[dict[str, Any]] = []

    def approve(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.extend(requests)
        return [{"type": "approve"} for _ in requests]

    replay = Replay(
        draft(found),
        settings,
        cwd=folder,
        options=RunOptions(mode="ask", allow=(ALLOWED,)),
        real_tools=True,
        strict=False,
        decide=approve,
    )
    cost = 0
    async for event in replay.events():
        assert event.name != "error", event
        cost = getattr(event, "cost_micro_usd", cost) if event.name == "turn_complete" else cost
    (job,) = asked
    effect = {"price_micro_usd": job["price_micro_usd"], "preview": job["preview"]}
    known = {"run": {"effect": effect, "cost_micro_usd": cost}}
    async with await open_store(settings) as store:
        row = await store.threads.resolve(replay.session.thread.id)
        written = as_jsonl(row, await Thread(store, row.id).whole_history())
        lines = [json.loads(line) for text in written for line in text.split("\n") if line]
    return lines, {"hf_dataset": {}, "hf_jobs": known}


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
    lines[0] |= {"id": "demo", "created": 0, "model": "replay/demo"}
    for line in lines[1:]:
        message = line["message"]
        message.pop("timestamp", None)
        message["ml_agent"]["sha256"] = digest(message)
    target = SHIPPED / "recording.jsonl"
    target.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (SHIPPED / "hub.json").write_text(json.dumps(known, indent=1) + "\n")
    print(f"{target.name}: {len(lines) - 1} messages, {found}")


if __name__ == "__main__":
    main()
