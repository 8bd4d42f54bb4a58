"""Real records: calls and their exact answers from docs/tools.md, the log of a training that runs
here, the packages of this environment. And which numbers none of it has, by a slow comparison."""

import hashlib
import math
import random
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

TOOLS = Path(__file__).parents[3] / "docs" / "tools.md"
_BLOCK = re.compile(r"```json\n(.*?)\n```\n\n```text\n(.*?)\n```", re.S)


@dataclass
class Facts:
    """What of the record an answer can say."""

    shares: list[float]
    losses: list[float]
    counts: list[int]
    seconds: list[float]
    sizes: list[int]
    small: list[float]
    days: list[date]
    versions: list[tuple[str, str]]
    hashes: list[str]
    paths: list[str]
    urls: list[str]


@cache
def tool_calls() -> list[tuple[str, str]]:
    found = _BLOCK.findall(TOOLS.read_text(encoding="utf-8"))
    return [(f"call_{i}", f"{call}\n{answer}") for i, (call, answer) in enumerate(found)]


def train(rng: random.Random) -> tuple[str, Facts]:
    """A logistic regression by stochastic gradient, its log, and the facts in it."""
    rows = rng.randrange(1_000, 9_000)
    slope, bias, rate = rng.uniform(-4, 4), rng.uniform(-1, 1), rng.choice([3e-4, 2.5e-3, 1.5e-2])
    points = [
        (x, 1.0 if slope * x + bias + rng.gauss(0, 1) > 0 else 0.0)
        for x in (rng.uniform(-2, 2) for _ in range(400))
    ]
    w = b = 0.0
    facts = Facts([], [], [rows], [], [], [rate], [], [], [], [], [])
    day = date(2024 + rng.randrange(3), rng.randrange(1, 13), rng.randrange(1, 28))
    lines = [
        f"[{day.isoformat()} {rng.randrange(10, 24)}:{rng.randrange(10, 60)}] "
        f"data/train.csv: {rows} rows",
        f"lr={rate} parameters: {rng.randrange(10**5, 10**8):,}",
    ]
    facts.counts.append(int(lines[1].split()[-1].replace(",", "")))
    for epoch in range(1, rng.randrange(4, 9)):
        for x, y in points:
            slope_now = 1 / (1 + math.exp(-(w * x + b))) - y
            w, b = w - 0.05 * slope_now * x, b - 0.05 * slope_now
        guesses = [(1 / (1 + math.exp(-(w * x + b))), y) for x, y in points]
        loss = -sum(math.log(max(1e-9, p if y else 1 - p)) for p, y in guesses) / len(points)
        share = sum((p > 0.5) == bool(y) for p, y in guesses) / len(points) - rng.random() * 1e-3
        seconds = rng.uniform(11, 900)
        form = rng.choice(
            [
                "epoch={} loss={} acc={} time={}s",
                "{} | {} | {} | {} s",
                '{{"epoch": {}, "loss": {}, "acc": {}, "seconds": {}}}',
            ]
        )
        lines.append(form.format(epoch, round(loss, 5), round(share, 5), round(seconds, 2)))
        facts.losses.append(round(loss, 5))
        facts.shares.append(round(share, 5))
        facts.seconds.append(round(seconds, 2))
    size = rng.randrange(10**6, 10**10)
    digest = hashlib.sha1(repr((w, b)).encode()).hexdigest()
    lines.append(f"saved /data/runs/out/model-{rows}.safetensors ({size} bytes), commit {digest}")
    facts.sizes.append(size)
    facts.hashes.append(digest)
    facts.days.append(day)
    facts.paths += [
        f"/data/runs/out/model-{rows}.safetensors",
        "data/train.csv",
        f"model-{rows}.safetensors",
        "train.csv",
    ]
    return "\n".join(lines), facts


@cache
def installed() -> list[tuple[str, str]]:
    facts = [each.metadata for each in distributions()]  # parsed at each look
    return sorted({(each["Name"], each["Version"]) for each in facts if each["Name"]})


def packages(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    some = rng.sample(installed(), 12)
    return "\n".join(f"{name}=={version}" for name, version in some), some


def is_free(written: str, haystack: list[float]) -> bool:
    """Whether no number of the record is `written`, rounded or scaled in a way that is meant."""
    digits = written.replace(",", "")
    value, places = float(digits), len(digits.partition(".")[2])
    scales = (1.0, 100.0, 0.01, 1e-3, 1e-6, 1e-9, 2.0**-10, 2.0**-20, 2.0**-30, 1 / 60, 1 / 3600)
    return not any(
        abs(each * scale - value) <= 10**-places for each in haystack for scale in scales
    )


def numbers_in(texts: list[str]) -> list[float]:
    """Every run of digits, with and without separators, and clock times in seconds."""
    found: set[float] = set()
    for text in texts:
        for token in re.findall(r"\d+(?:[.,]\d+)*", text):
            for part in {
                token,
                token.replace(",", ""),
                *token.split(","),
                *re.split(r"[.,]", token),
            }:
                if part and part.count(".") <= 1 and "," not in part:
                    found.add(float(part))
        for clock in re.findall(r"(\d+):(\d\d)", text):
            found.add(float(clock[0]) * 60 + float(clock[1]))
            found.add(float(clock[0]) * 3600 + float(clock[1]) * 60)
        words = (
            "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        )
        found |= {10.0 + i for i, word in enumerate(words.split()) if word in text.lower()}
    return sorted(found)
