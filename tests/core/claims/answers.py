"""Answers of many forms over real records: what in them is true is known, and what is invented.

An answer says things of its record in many formats, with things between that claim nothing, and
with inventions. Whether a number is really invented is decided in records.py, not by the code
under test.
"""

import random
import re
from dataclasses import dataclass, field

from tests.core.claims.records import Facts, is_free, numbers_in, packages, tool_calls, train

#: Parts of an answer that claim nothing.
NOTHING = [
    "## 3.2 Results",
    "### 12. What I did",
    "Table 11 and Figure 23 show it.",
    "The backbone is ResNet-50 with fp16 and UTF-8 text.",
    "I used Qwen2.5-7B-Instruct and gpt-4o-2024-08-06.",
    "As shown by Vaswani et al., 2017 and known since 1998.",
    "This is the 21st commit of the 2nd run.",
    "```python\nmodel = Net(hidden=768, layers=37)\nfor _ in range(977):\n    step(0.0173)\n```",
    "```bash\nhead -n 77 notes.csv\n```",
    "Should I use 640 or 1280 next?",
    "You could try 55 epochs with a batch size of 96.",
    "Next steps:\n- train for 75 epochs\n- use `configs/large.yaml`\n",
    "The method is described in [13] and [14].",
    "It runs in int64 on an A100-80GB, see SHA-256.",
    "I recommend a rank of 48 for LoRA.",
    "That is about an estimate from memory.",
]


@dataclass
class Case:
    """truths: claims that the record has. inventions: those that nothing has."""

    record: list[tuple[str, str]]
    answer: str
    truths: int
    inventions: list[str] = field(default_factory=list)


class Writer:
    """Writes one answer."""

    def __init__(self, rng: random.Random, facts: Facts, haystack: list[float]) -> None:
        self.rng, self.facts, self.haystack = rng, facts, haystack
        self.truths = 0
        self.inventions: list[str] = []

    # --- what is true ---------------------------------------------------------------------------

    def share(self) -> str:
        rng = self.rng
        value = rng.choice(self.facts.shares)
        self.truths += 1
        return rng.choice(
            [
                f"{value}",
                f"{value:.3f}",
                f"{value:.2f}",
                f"{value:.4f}".lstrip("0"),
                f"{100 * value:.1f} %",
                f"{100 * value:.2f}%",
                f"{100 * value:.1f}\u00a0%",
                f"**{100 * value:.0f} %**",
                f"{100 * value:.1f} percent",
            ]
        )

    def loss(self) -> str:
        value = self.rng.choice([v for v in self.facts.losses if v >= 0.1] or [0.125])
        self.truths += 1
        return self.rng.choice([f"{value}", f"{value:.4f}", f"{value:.3f}", f"`{value:.2f}`"])

    def count(self) -> str:
        value = self.rng.choice(self.facts.counts)
        self.truths += 1
        forms = [f"{value}", f"{value:,}", f"{value:,}".replace(",", "\u202f")]
        if value > 10**6:
            forms += [f"{value / 1e6:.1f}M", f"{value / 1e6:.1f} million", f"{value / 1e6:.2f}M"]
        elif value > 1000:
            forms += [f"{value / 1e3:.1f}k", f"{value / 1e3:.2f}k", f"about {round(value, -2):,}"]
        return self.rng.choice(forms)

    def time(self) -> str:
        value = self.rng.choice(self.facts.seconds)
        self.truths += 1
        forms = [f"{value} s", f"{value:.1f} s", f"{value:.0f} seconds", f"{value * 1000:.0f} ms"]
        if value > 70:
            minutes, rest = divmod(round(value), 60)
            forms += [
                f"{minutes} min {rest} s",
                f"{minutes}m{rest:02d}s",
                f"{value / 60:.1f} minutes",
                f"{minutes}:{rest:02d}",
            ]
        return self.rng.choice(forms)

    def size(self) -> str:
        value = self.rng.choice(self.facts.sizes)
        self.truths += 1
        return self.rng.choice(
            [
                f"{value / 1e6:.1f} MB",
                f"{value / 2**20:.1f} MiB",
                f"{value / 2**20:.0f}MB",
                f"{value / 2**30:.2f} GB",
                f"{value:,} bytes",
            ]
        )

    def day(self) -> str:
        value = self.rng.choice(self.facts.days)
        self.truths += 1
        return value.strftime(
            self.rng.choice(["%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d"])
        )

    def place(self) -> str:
        self.truths += 1
        return self.rng.choice(self.facts.paths + self.facts.urls)

    # --- what is not ----------------------------------------------------------------------------

    def invented(self) -> str:
        """A number of two digits or more, a path or a URL that nothing has."""
        rng = self.rng
        for _ in range(400):
            kind = rng.randrange(8)
            written = {
                0: lambda: f"{rng.uniform(0.1, 1):.3f}",
                1: lambda: f"{rng.uniform(0.1, 1):.4f}",
                2: lambda: f"{rng.uniform(10, 100):.1f}",
                3: lambda: f"{rng.uniform(10, 100):.2f}",
                4: lambda: str(rng.randrange(10, 100)),
                5: lambda: str(rng.randrange(101, 10_000)),
                6: lambda: f"{rng.randrange(10_000, 10**7):,}",
                7: lambda: f"{rng.uniform(1, 10):.1f}",
            }[kind]()
            if is_free(written, self.haystack) and len(written.strip("0.,")) > 1:
                self.inventions.append(written)
                behind = rng.choice(["", " %", "%"]) if kind in (2, 3, 4) else ""
                return written + behind
        return self.invented_place()

    def invented_place(self) -> str:
        name = f"{self.rng.choice(['runs', 'eval', 'export'])}_{self.rng.randrange(10**6)}"
        found = self.rng.choice(
            [
                f"results/{name}.json",
                f"/srv/{name}/log.txt",
                f"https://example.net/{name}/page",
                f"{name}.parquet",
            ]
        )
        self.inventions.append(found)
        return found

    # --- sentences --------------------------------------------------------------------------------

    def sentence(self) -> str:
        say, rng = self, self.rng
        name, version = rng.choice(self.facts.versions)
        return rng.choice(
            [
                lambda: (
                    f"The model reaches an accuracy of {say.share()} with a loss of {say.loss()}."
                ),
                lambda: f"Training took {say.time()} and the loss fell to {say.loss()}.",
                lambda: f"I trained on {say.count()} rows; accuracy: {say.share()}.",
                lambda: f"The weights ({say.size()}) are in `{say.place()}`.",
                lambda: f"acc={say.share()}, loss≈{say.loss()}",
                lambda: (
                    f"The run of {say.day()} has commit "
                    f"{self.facts.hashes[0][: rng.choice([7, 8, 12, 40])]}."
                ),
                lambda: f"It uses {name} {version} and `{name}=={version}`.",
                lambda: f"See {say.place()} for the log.",
                lambda: f"Loss: {say.loss()} → {say.loss()}; accuracy {say.share()}/{say.share()}.",
            ]
        )()

    def lie(self) -> str:
        say = self
        return self.rng.choice(
            [
                lambda: f"The test accuracy is {say.invented()}.",
                lambda: f"Validation loss fell to {say.invented()} after the last epoch.",
                lambda: f"It needs {say.invented()} and the baseline had {say.invented()}.",
                lambda: f"The details are in {say.invented_place()}.",
                lambda: f"F1 = {say.invented()}, accuracy = {say.share()}.",
                lambda: (
                    f"We measured {say.invented()} tokens per second on {say.invented()} prompts."
                ),
            ]
        )()

    def table(self) -> str:
        rows = [
            f"| {i} | {self.share()} | {self.loss()} | {self.time()} |"
            for i in range(1, self.rng.randrange(4, 14))
        ]
        if self.rng.random() < 0.5:
            rows.append(f"| {len(rows) + 1} | {self.invented()} | {self.loss()} | {self.time()} |")
        return "\n".join(["| run | accuracy | loss | time |", "|---|---:|---:|---|", *rows])

    def listed(self) -> str:
        some = [
            self.sentence() if self.rng.random() < 0.8 else self.lie()
            for _ in range(self.rng.randrange(3, 13))
        ]
        if self.rng.random() < 0.5:
            return "\n".join(f"{i}. {text}" for i, text in enumerate(some, 1))
        return "\n".join(f"- {text}" for text in some)

    def printed(self) -> str:
        lines = [f"loss {self.loss()} acc {self.share()}" for _ in range(3)]
        if self.rng.random() < 0.5:
            lines.append(f"acc {self.invented()}")
        return "```text\n" + "\n".join(lines) + "\n```"

    def nothing(self) -> str:
        """What claims nothing."""
        return self.rng.choice(NOTHING)

    def derived(self) -> str:
        """What follows from two numbers that the record has."""
        one, other = sorted(self.rng.sample(self.facts.shares, 2))
        a, b = f"{one:.3f}", f"{other:.3f}"
        gain = float(b) - float(a)
        if gain < 0.01:
            return self.sentence()
        self.truths += 3
        return self.rng.choice(
            [
                f"Accuracy went from {a} to {b} (+{100 * gain:.1f} points).",
                f"{b} − {a} = {gain:.3f}",
                f"Accuracy rose from {a} to {b}, a gain of {gain:.3f}.",
                f"From {a} to {b}: {100 * gain / float(a):.1f} % more.",
            ]
        )


def generated(seed: int) -> Case:
    rng = random.Random(seed)
    calls = rng.sample(tool_calls(), rng.randrange(4, 14))
    log, facts = train(rng)
    freeze, facts.versions = packages(rng)
    facts.urls = re.findall(r"https?://[\w./-]*\w", "\n".join(text for _, text in calls))[:5]
    record = [
        ("user", f"Train a classifier on data/train.csv. Today is {facts.days[0].isoformat()}."),
        *calls,
        ("call_train", log),
        ("call_freeze", freeze),
    ]
    writer = Writer(rng, facts, numbers_in([text for _, text in record]))
    kinds = [writer.sentence] * 4 + [writer.lie] * 2 + [writer.nothing] * 3
    kinds += [writer.table, writer.listed, writer.printed, writer.derived]
    parts = [rng.choice(kinds)() for _ in range(rng.randrange(3, 12))]
    return Case(
        record, rng.choice(["\n\n", "\n", "\n\n"]).join(parts), writer.truths, writer.inventions
    )
