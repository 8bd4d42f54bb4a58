"""Makes the demo's recording: what the model says is written here, what the tools answer is real.

    uv run python -m docs.record_demo

Run it after a change to a tool's words or to the answers below. It works in a temporary folder
and writes configs/demo/recording.jsonl, in which that folder is /demo.
"""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cli.commands.demo import ALLOWED
from configs.layers import shipped_settings
from core.store import open_store
from graph.options import RunOptions
from graph.replay import Replay
from graph.thread import Thread
from graph.transcript.format import Recording, digest
from graph.transcript.write import as_jsonl

SHIPPED = Path(__file__).parent.parent / "configs" / "demo"
FOLDER = "/demo"

TASK = (
    "Train a classifier on beans.csv that tells the two kinds apart: plain Python, no libraries. "
    "Show me the loss curve, and tell me how good it is on data it has not seen."
)

SCRIPT = '''\
"""Logistic regression on beans.csv: two measurements, two kinds, plain Python."""

import argparse
import csv
import json
import math
import random
import sys


def load(path):
    rows = []
    with open(path, newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                features = [float(row["length_mm"]), float(row["width_mm"])]
            except ValueError as error:
                sys.exit(f"{path}, line {number}: {error}")
            rows.append((features, 1.0 if row["kind"] == "runner" else 0.0))
    return rows


def scale(rows, means, spreads):
    return [([(x - m) / s for x, m, s in zip(f, means, spreads)], y) for f, y in rows]


def predict(weights, features):
    z = weights[0] + sum(w * x for w, x in zip(weights[1:], features))
    return 1 / (1 + math.exp(-z))


def loss(weights, rows):
    chances = [(predict(weights, f), y) for f, y in rows]
    return -sum(y * math.log(p) + (1 - y) * math.log(1 - p) for p, y in chances) / len(rows)


def accuracy(weights, rows):
    return sum((predict(weights, f) > 0.5) == (y > 0.5) for f, y in rows) / len(rows)


def train(rows, epochs, rate=0.1):
    weights, curve = [0.0, 0.0, 0.0], []
    for _ in range(epochs):
        curve.append(loss(weights, rows))
        slope = [0.0, 0.0, 0.0]
        for features, y in rows:
            off = predict(weights, features) - y
            for i, x in enumerate([1.0, *features]):
                slope[i] += off * x / len(rows)
        weights = [w - rate * s for w, s in zip(weights, slope)]
    return weights, curve


def plot(curve, height=8, width=60):
    picked = [curve[i * (len(curve) - 1) // (width - 1)] for i in range(width)]
    top, low = max(picked), min(picked)
    for level in range(height, -1, -1):
        edge = low + (top - low) * level / height
        near = [round((v - low) / (top - low) * height) == level for v in picked]
        marks = "".join("*" if here else " " for here in near)
        print(f"{edge:6.3f} |{marks}".rstrip())
    print("       +" + "-" * width)
    print(f"        1{'epoch':^{width - 5}}{len(curve):>4}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    epochs = parser.parse_args().epochs
    rows = load("beans.csv")
    random.Random(0).shuffle(rows)
    cut = len(rows) * 3 // 4
    columns = list(zip(*(f for f, _ in rows[:cut])))
    means = [sum(c) / len(c) for c in columns]
    spreads = [(sum((x - m) ** 2 for x in c) / len(c)) ** 0.5 for c, m in zip(columns, means)]
    seen, unseen = scale(rows[:cut], means, spreads), scale(rows[cut:], means, spreads)
    weights, curve = train(seen, epochs)
    print(f"{len(seen)} rows to train on, {len(unseen)} held back")
    if epochs > 1:
        plot(curve)
    print(f"epoch {epochs}: loss {loss(weights, seen):.3f}, held back {loss(weights, unseen):.3f}")
    print(f"accuracy {accuracy(weights, seen):.3f}, held back {accuracy(weights, unseen):.3f}")
    with open("model.json", "w") as file:
        json.dump({"weights": weights, "means": means, "spreads": spreads}, file)


if __name__ == "__main__":
    main()
'''

MENDED_OLD = """\
            except ValueError as error:
                sys.exit(f"{path}, line {number}: {error}")
"""
MENDED_NEW = """\
            except ValueError:
                print(f"{path}, line {number}: left out, a measurement is missing")
                continue
"""

REPORT = """\
# Beans: telling runner beans from field beans

- Data: beans.csv, 90 rows, two measurements, two kinds. 2 rows without a width were left out.
- Method: logistic regression in plain Python (train.py), 300 epochs, 66 rows to train on.
- Result: loss {loss}, accuracy {accuracy} on the 22 rows held back.
- The model: model.json (weights, and the means and spreads of the training rows).
"""

STEPS = ("look at the data", "write train.py", "one epoch, to see it run", "train and report")


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
    small, real = "python3 train.py --epochs 1", "python3 train.py --epochs 300"
    return [
        (
            "I look at the data first.",
            [plan(0), {"read": {"path": "beans.csv", "limit": 6}}, _bash("wc -l beans.csv")],
        ),
        (
            "Two measurements and a label, 90 rows. Logistic regression is enough for two kinds. "
            "A quarter of the rows is held back for the test, and scaled with what the training "
            "rows say.",
            [plan(1), {"write": {"path": "train.py", "content": SCRIPT}}],
        ),
        ("The smallest run that can fail: one epoch.", [plan(2), _bash(small)]),
        (
            "A width is missing in line 34. How many such rows are there?",
            [_bash("grep -n ,, beans.csv")],
        ),
        (
            "Two of 90. I leave them out and have the script say so, rather than make up a width.",
            [{"edit": {"path": "train.py", "old": MENDED_OLD, "new": MENDED_NEW}}],
        ),
        ("", [_bash(small)]),
        ("It runs, and one epoch moves the loss. Now the real run.", [plan(3), _bash(real)]),
        (
            "",
            [{"write": {"path": "report.md", "content": REPORT.format(**found)}}, plan(4)],
        ),
        (
            f"The classifier is trained: accuracy {found['accuracy']} on the 22 rows it has not "
            f"seen (loss {found['loss']}). The loss fell steadily over 300 epochs and was still "
            "falling slowly at the end. Two rows without a width were left out. The script is "
            "train.py, the weights are in model.json, the numbers in report.md. What is in doubt: "
            "22 rows are few, so the accuracy may be off by several percent either way.",
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


def record(found: dict[str, str]) -> list[dict[str, Any]]:
    """The lines of a recording made in its own folder."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "work").resolve()
        folder.mkdir()
        shutil.copy(SHIPPED / "beans.csv", folder)
        return asyncio.run(run(found, folder, Path(temporary, "state")))


async def run(found: dict[str, str], folder: Path, state: Path) -> list[dict[str, Any]]:
    """Run the words with real tools; the lines of the recording."""
    settings = shipped_settings(state_dir=str(state))
    replay = Replay(
        draft(found),
        settings,
        cwd=folder,
        options=RunOptions(mode="ask", allow=(ALLOWED,)),
        real_tools=True,
        strict=False,
        decide=lambda requests: [{"type": "approve"} for _ in requests],
    )
    async for event in replay.events():
        assert event.name != "error", event
    async with await open_store(settings) as store:
        row = await store.threads.resolve(replay.session.thread.id)
        written = as_jsonl(row, await Thread(store, row.id).whole_history())
        text = "\n".join(written).replace(str(folder), FOLDER)

    return [json.loads(line) for line in text.split("\n")]


def numbers(lines: list[dict[str, Any]]) -> dict[str, str]:
    """Loss and accuracy on the held-out rows, as the training run printed them."""
    outputs = [m["message"]["content"] for m in lines if m["type"] == "message"]
    (training,) = [o for o in outputs if "epoch 300:" in o and "+---" in o]
    said = {
        line.split()[0]: line.split()[-1] for line in training.splitlines() if "held back" in line
    }
    return {"loss": said["epoch"], "accuracy": said["accuracy"]}


def main() -> None:
    unknown = {"loss": "?", "accuracy": "?"}
    found = numbers(record(unknown))
    lines = record(found)
    lines[0] |= {"id": "demo", "created": 0, "model": "replay/demo"}
    for line in lines[1:]:
        message = line["message"]
        message.pop("timestamp", None)
        message["ml_agent"]["sha256"] = digest(message)
    target = SHIPPED / "recording.jsonl"
    target.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{target.name}: {len(lines) - 1} messages, {found}")


if __name__ == "__main__":
    main()
