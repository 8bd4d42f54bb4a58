"""The state of a training, read from the lines that trainers print.

    loss 0.69 ▇▅▃▂ 0.30 · eval_loss 0.41 · step 120/1200 · 4 min left · $0.12

It reads the dicts of Transformers' Trainer and of TRL, JSON lines, the bars of tqdm (Lightning's
and Accelerate's too) and of Keras, and plain lines like `step 120 | loss 0.69`.
"""

import math
import re
from dataclasses import dataclass, field

from core.units import dollars, duration

NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan|-?inf"
#: A number with a name: `'loss': 1.2`, `"loss": "1.2"`, `loss=1.2`, `train_loss 1.2`.
_FIGURE = re.compile(
    rf"""(?<![\w/.])['"]?([A-Za-z][\w/.-]{{0,40}}?)['"]?(?:\s*[:=]\s*['"]?|\s+)({NUMBER})(?![\w.:/])"""
)
WORTH = ("loss", "acc", "reward", "f1", "bleu", "rouge", "perplexity", "wer", "kl", "score", "lr",
         "learning_rate", "grad_norm")  # fmt: skip
#: Of those, what is not a result.
SETTINGS = ("lr", "learning_rate", "grad_norm")
_HELD_OUT = re.compile(r"(?:^|[/_])(?:eval|val|valid|validation|test)(?:[/_]|$)")
#: tqdm: `Epoch 1:  10%|█   | 120/1200 [00:42<06:20,  2.84it/s, loss=0.69]`. The words before it are
#: not part of the pattern: it would read the rest of the line again at each character (100 ms for
#: 2,400 of them).
_TQDM = re.compile(
    r"(?<!\d)\d{1,3}%\|[^|]*\|\s*(?P<step>\d+)/(?P<total>\d+)\s*"
    r"\[[\d:]+<(?P<left>[\d:]+|\?)(?:,\s*(?P<rate>[\d.]+)\s*(?P<unit>it/s|s/it))?"
)
#: Keras: `120/1200 ━━━━━━ 4:05 1s/step - loss: 0.69`, and older `120/1200 [==>...] - ETA: 4:05`.
_KERAS = re.compile(
    r"(?<!\d)(?P<step>\d+)/(?P<total>\d+)\s+(?:[━╸╺\s]+\s*|\[[=>.]*\]\s*-\s*(?:ETA:\s*)?)(?P<left>[\d:]+)?"
)
_STEP = re.compile(
    r"""\b(?:global[_ ])?(?:step|iter(?:ation)?|batch)s?['"]?\s*[:=]?\s*"""
    r"""(\d+)(?:\s*(?:/|of)\s*(\d+))?""",
    re.IGNORECASE,
)
#: A word that `_STEP` finds has one of these.
_STEPS = ("step", "iter", "batch")
_EPOCH = re.compile(
    r"""\bepochs?['"]?\s*[:=]?\s*\[?['"]?(\d+(?:\.\d+)?)(?:\s*(?:/|of)\s*(\d+))?""", re.IGNORECASE
)
#: What these patterns find has a letter or a slash: lines of bare numbers are skipped at once.
_HAS_STATE = re.compile("[A-Za-z/]")
BLOCKS = "▁▂▃▄▅▆▇█"
#: Values of a metric that are kept, and columns of a sparkline.
KEPT, WIDE = 64, 8
#: Characters of a line that are read.
LONGEST = 2000


@dataclass
class Series:
    """The values of one metric, thinned out once they are many."""

    first: float = math.nan
    last: float = math.nan
    values: list[float] = field(default_factory=list)
    _every: int = 1
    _count: int = 0

    def add(self, value: float) -> None:
        if not self._count:
            self.first = value
        self.last = value
        if self._count % self._every == 0:
            self.values.append(value)
        self._count += 1
        if len(self.values) > KEPT:
            self.values = self.values[::2]
            self._every *= 2

    def words(self) -> str:
        """`0.69 ▇▅▃▂ 0.30`; of one value, that value."""
        shape = sparkline(self.values) if self._count > 1 else ""
        return f"{short(self.first)} {shape} {short(self.last)}" if shape else short(self.last)


@dataclass
class Bar:
    """The state of a progress bar. left: seconds, None: it does not say. words: before it."""

    step: int
    total: int
    left: float | None = None
    rate: str = ""
    words: str = ""


class Training:
    """What was read so far.

    Attributes:
        rate: micro-USD a second that it costs. began: when that began, epoch seconds.
    """

    def __init__(self) -> None:
        self.rate = self.began = 0.0
        self._series: dict[str, Series] = {}
        self._bar: Bar | None = None
        self._epoch = ""
        self._first_step: tuple[int, float] | None = None

    def read(self, text: str, now: float = 0.0) -> None:
        """Lines of output, with the bars that a line rewrites. now: epoch seconds, 0: unknown."""
        for line in text.replace("\r", "\n").split("\n"):
            if _HAS_STATE.search(line):
                self._read(line[:LONGEST], now)

    def line(self, now: float = 0.0) -> str:
        """The state in one line; "" if no line has one."""
        parts = [*self._metrics(), *self._progress(now)]
        if parts and self.rate and now > self.began:
            parts.append(dollars(self.rate * (now - self.began)))
        return " · ".join(parts)

    def _read(self, line: str, now: float) -> None:
        for name, value in figures_in(line):
            self._series.setdefault(name, Series()).add(value)
        has_figures = bool(self._series)
        small = line.lower()
        bar = _bar_of(line)
        found = _STEP.search(line) if bar is None and _has_any(small, _STEPS) else None
        if found and (has_figures or found[2]):
            bar = Bar(int(found[1]), int(found[2] or 0))
        if bar is not None:
            self._step(bar, now)
        epoch = _EPOCH.search(line) if "epoch" in small else None
        if epoch and (has_figures or bar):
            number = epoch[1] if "." not in epoch[1] else f"{float(epoch[1]):.2g}"
            self._epoch = f"epoch {number}" + (f"/{epoch[2]}" if epoch[2] else "")

    def _step(self, bar: Bar, now: float) -> None:
        old = self._bar
        if old is not None and old.step < old.total and bar.total < old.total:
            return  # within the larger one: an evaluation, the steps of an epoch
        if bar.left is None and now and bar.total:
            if self._first_step is None or bar.step <= self._first_step[0]:
                self._first_step = (bar.step, now)
            elif now > self._first_step[1]:
                done, seconds = bar.step - self._first_step[0], now - self._first_step[1]
                bar.left = (bar.total - bar.step) * seconds / done
        self._bar = bar

    def _metrics(self) -> list[str]:
        names = [n for n in self._series if n.rpartition("/")[2] not in SETTINGS]
        held_out = [n for n in names if _HELD_OUT.search(n)]
        own = [n for n in names if n not in held_out]
        chosen = _losses_first(own)[:1] + _losses_first(held_out)[: 1 if own else 2]
        return [f"{name} {self._series[name].words()}" for name in chosen]

    def _progress(self, now: float) -> list[str]:
        parts, bar = [self._epoch] if self._epoch else [], self._bar
        if bar is None:
            return parts if self._series else []
        words = "step" if self._series or not bar.words else bar.words
        parts.append(f"{words} {bar.step}" + (f"/{bar.total}" if bar.total else ""))
        if bar.rate:
            parts.append(bar.rate)
        if bar.left and bar.step < bar.total:
            parts.append(f"{about(bar.left)} left")
        return parts


def figures_in(line: str) -> list[tuple[str, float]]:
    """The metrics that a line of output names, in its order."""
    if not _has_any(line.lower(), WORTH):
        return []
    return [
        (name, float(number))
        for name, number in _FIGURE.findall(line)
        if any(word in name.lower() for word in WORTH)
    ]


def _has_any(small: str, words: tuple[str, ...]) -> bool:
    """Whether a line in small letters has one of the words. Most have none, and to see that is
    much faster than to try a pattern at each place."""
    for word in words:  # noqa: SIM110 - a third of the time of `any`
        if word in small:
            return True
    return False


def training_line(text: str) -> str:
    """The state of a training at the end of its output; "" if it is not one."""
    training = Training()
    training.read(text)
    return training.line()


def sparkline(values: list[float]) -> str:
    """The run of the values in at most WIDE columns, each the mean of its share."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    size = max(1, math.ceil(len(known) / WIDE))
    means = [
        sum(known[i : i + size]) / len(known[i : i + size]) for i in range(0, len(known), size)
    ]
    low, high = min(means), max(means)
    if high == low:
        return BLOCKS[0] * len(means)
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[round((mean - low) / (high - low) * top)] for mean in means)


def about(seconds: float) -> str:
    """A time that is an estimate: minutes from one minute on."""
    return duration(seconds if seconds < 60 else round(seconds / 60) * 60)


def short(value: float) -> str:
    """`0.69`, `12.4`, `0.0003`: as many digits as tell."""
    if not math.isfinite(value):
        return str(value)
    if value and abs(value) < 0.01:
        return f"{value:.2g}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.4g}"


def _losses_first(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: ("loss" not in name, len(name)))


def _bar_of(line: str) -> Bar | None:
    # Most lines are not a bar: to look for its sign is faster than to try a pattern.
    found = _TQDM.search(line) if "%|" in line else None
    if found:
        rate = f"{float(found['rate']):g} {found['unit']}" if found["rate"] else ""
        words = line[: found.start()].rpartition("|")[2].strip(" :")[-30:]
        step, total = int(found["step"]), int(found["total"])
        return Bar(step, total, _seconds(found["left"]), rate, words)
    found = _KERAS.search(line) if "/" in line else None
    if found:
        return Bar(int(found["step"]), int(found["total"]), _seconds(found["left"] or ""))
    return None


def _seconds(clock: str) -> float | None:
    """`1:02:03` → 3723."""
    if not re.fullmatch(r"\d+(?::\d\d){0,2}", clock):
        return None
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return float(seconds)
