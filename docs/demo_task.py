"""What the recorded demo works on: the task, the script that the model writes, its report."""

TASK = (
    "Look at the dataset ann/beans, fit a first model on beans.csv here, then train it with 20 "
    "seeds as a job on the Hub. How good is it?"
)

SCRIPT = '''\
"""A small neural network on beans.csv: two measurements, two kinds, plain Python."""

import argparse
import csv
import json
import math
import random


def load(path):
    rows = []
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["length_mm"] and row["width_mm"]:
                features = [float(row["length_mm"]), float(row["width_mm"])]
                rows.append((features, 1.0 if row["kind"] == "runner" else 0.0))
    return rows


class Net:
    def __init__(self, rows, hidden, seed):
        chance = random.Random(seed)
        columns = list(zip(*(features for features, _ in rows)))
        self.means = [sum(c) / len(c) for c in columns]
        self.spreads = [
            (sum((x - m) ** 2 for x in c) / len(c)) ** 0.5 for c, m in zip(columns, self.means)
        ]
        self.first = [[chance.gauss(0, 0.7) for _ in range(3)] for _ in range(hidden)]
        self.last = [chance.gauss(0, 0.7) for _ in range(hidden + 1)]

    def forward(self, features):
        x = [1.0] + [(v - m) / s for v, m, s in zip(features, self.means, self.spreads)]
        h = [math.tanh(sum(w * v for w, v in zip(weights, x))) for weights in self.first]
        z = self.last[0] + sum(w * v for w, v in zip(self.last[1:], h))
        return x, h, 1 / (1 + math.exp(-z))

    def step(self, rows, rate):
        for features, y in rows:
            x, h, p = self.forward(features)
            off = rate * (p - y)
            for i, value in enumerate(h):
                back = off * self.last[i + 1] * (1 - value * value)
                self.last[i + 1] -= off * value
                self.first[i] = [w - back * v for w, v in zip(self.first[i], x)]
            self.last[0] -= off

    def loss(self, rows):
        chances = [(self.forward(features)[2], y) for features, y in rows]
        return -sum(math.log((p if y else 1 - p) + 1e-12) for p, y in chances) / len(rows)

    def accuracy(self, rows):
        return sum((self.forward(f)[2] > 0.5) == (y > 0.5) for f, y in rows) / len(rows)


def train(rows, seed, steps, quiet):
    random.Random(seed).shuffle(rows)
    cut = len(rows) * 3 // 4
    seen, unseen = rows[:cut], rows[cut:]
    net = Net(seen, 16, seed)
    for step in range(1, steps + 1):
        net.step(seen, 0.0006)
        if not quiet and step % (steps // 20) == 0:
            losses = f"loss {net.loss(seen):.3f} eval_loss {net.loss(unseen):.3f}"
            print(f"step {step}/{steps} {losses}", flush=True)
    return net, net.accuracy(unseen), len(unseen)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="beans.csv")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args()
    rows = load(given.data)
    print(f"{len(rows)} rows with both measurements", flush=True)
    found = []
    for seed in range(given.seeds):
        net, accuracy, held_out = train(rows[:], seed, given.steps, given.seeds > 1)
        found.append(accuracy)
        if given.seeds > 1:
            print(f"seed {seed + 1}/{given.seeds} accuracy {accuracy:.3f}", flush=True)
    mean = sum(found) / len(found)
    spread = (sum((a - mean) ** 2 for a in found) / len(found)) ** 0.5
    print(f"accuracy {mean:.3f} +- {spread:.3f} on {held_out} rows held out")
    with open("model.json", "w") as file:
        json.dump({"first": net.first, "last": net.last}, file)


if __name__ == "__main__":
    main()
'''

REPORT = """\
# Beans: telling runner beans from field beans

- Data: ann/beans, 90 rows, two measurements, two kinds. 2 rows without a width were left out.
- Method: a network with 16 hidden units in plain Python (train.py), 300 steps.
- Result: accuracy {accuracy} over 20 seeds, each on 22 rows held out.
- Cost: one job on cpu-xl.
"""

STEPS = ("look at the dataset", "fit a first model here", "train 20 seeds as a job", "report")
