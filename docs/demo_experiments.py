"""What the recorded demo of experiments says and writes: task, training, judge, trials."""

from typing import Any

TASK = (
    "Make a first model that tells runner beans from field beans (beans.csv), then improve it with "
    "experiments. Keep only what is better than noise."
)

TRAIN = '''\
"""A small neural network in plain Python: rows on standard input, chances on standard output."""

import json
import math
import random
import sys

HIDDEN = 8
STEPS = 2
RATE = 0.003

asked = json.load(sys.stdin)
rows, unseen = asked["seen"], asked["unseen"]
columns = list(zip(*(features for features, _ in rows)))
means = [sum(c) / len(c) for c in columns]
spreads = [(sum((x - m) ** 2 for x in c) / len(c)) ** 0.5 for c, m in zip(columns, means)]
first = [[random.gauss(0, 0.7) for _ in range(3)] for _ in range(HIDDEN)]
last = [random.gauss(0, 0.1) for _ in range(HIDDEN + 1)]


def forward(features):
    x = [1.0] + [(v - m) / s for v, m, s in zip(features, means, spreads)]
    h = [math.tanh(sum(w * v for w, v in zip(weights, x))) for weights in first]
    z = last[0] + sum(w * v for w, v in zip(last[1:], h))
    return x, h, 1 / (1 + math.exp(-max(-30, min(30, z))))


for step in range(STEPS):
    for features, is_runner in rows:
        x, h, p = forward(features)
        off = RATE * (p - is_runner)
        for i, value in enumerate(h):
            back = off * last[i + 1] * (1 - value * value)
            last[i + 1] -= off * value
            first[i] = [w - back * v for w, v in zip(first[i], x)]
        last[0] -= off
print(json.dumps([forward(features)[2] for features in unseen]))
'''

JUDGE = '''\
"""Prints the loss of train.py on rows that it does not see. Each run splits and starts anew."""

import csv
import json
import math
import random
import subprocess
import sys

with open("beans.csv", newline="") as file:
    rows = [
        ([float(row["length_mm"]), float(row["width_mm"])], row["kind"] == "runner")
        for row in csv.DictReader(file)
        if row["length_mm"] and row["width_mm"]
    ]
random.shuffle(rows)
seen, unseen = rows[:44], rows[44:]
asked = json.dumps({"seen": seen, "unseen": [features for features, _ in unseen]})
done = subprocess.run([sys.executable, "train.py"], input=asked, capture_output=True, text=True)
if done.returncode:
    sys.exit(done.stderr)
chances = [p if is_runner else 1 - p for p, (_, is_runner) in zip(json.loads(done.stdout), unseen)]
print(f"METRIC loss={-sum(math.log(max(p, 0.05)) for p in chances) / len(chances):.4f}")
'''
# 0.05: one confident mistake would outweigh all other rows. With it, of 400 runs after two steps
# and 150 after 300 none was out of order: trial 1 is kept each time.

#: (what the model says, its calls) of each answer. No number of the runs is in the words: they are
#: others each time.
ANSWERS: list[tuple[str, list[dict[str, Any]]]] = [
    (
        "Two measurements, two kinds. I write a small network, and apart from it the judge: it "
        "splits the rows, hands the training only what it may see, and reads the chances as data.",
        [
            {"write": {"path": "train.py", "content": TRAIN}},
            {"write": {"path": "judge.py", "content": JUDGE}},
        ],
    ),
    (
        "Every run has another split and another start, so it is noisy. The baseline shows how "
        "much: six real trainings.",
        [
            {
                "experiment": {
                    "operation": "define", "metric": "loss", "direction": "min",
                    "command": "python3 judge.py", "frozen": ["judge.py", "beans.csv"],
                    "repeats": 3,
                }
            }
        ],
    ),
    (
        "After two steps it has hardly begun to learn. First idea: train longer.",
        [{"edit": {"path": "train.py", "old": "STEPS = 2", "new": "STEPS = 300"}}],
    ),
    ("", [{"experiment": {"operation": "run", "hypothesis": "300 steps instead of 2"}}]),
    (
        "Kept. Next, a ninth hidden unit. Some of its runs will look better, by luck.",
        [{"edit": {"path": "train.py", "old": "HIDDEN = 8", "new": "HIDDEN = 9"}}],
    ),
    ("", [{"experiment": {"operation": "run", "hypothesis": "a ninth hidden unit"}}]),
    (
        "Within the noise, so the files went back. And what if the judge is made easier? It is "
        "frozen: this asks you first, and counts for nothing even if you say yes.",
        [{"edit": {"path": "judge.py", "old": "rows[:44], rows[44:]", "new": "rows, rows"}}],
    ),
    ("", [{"experiment": {"operation": "run", "hypothesis": "measure on the rows it has seen"}}]),
    ("", [{"experiment": {"operation": "list"}}]),
    (
        "**One of three ideas was better than noise: training longer.** The ninth unit was "
        "not, and the trial with another judge is void; `judge.py` is as it was.\n\n"
        "The folder is at the kept trial. Each trial has its files, diff, runs and verdict in the "
        "record.",
        [],
    ),
]  # fmt: skip
