"""A job's log as a terminal shows it: the end of it, and every metric that it printed.

A progress bar rewrites its line thousands of times. The Hub's events are what lies between line
ends, in pieces of 16 KB: of one bar, hundreds.
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from core.training import figures_in

#: Lines of the log that are kept for the result.
KEPT = 20_000
#: What tqdm, and bars like it, begin with.
_BAR = re.compile(r"(.*?)(\d{1,3})%\s*[|\[━█]")


@dataclass
class Figures:
    """The values of one metric."""

    first: float
    last: float
    least: float
    most: float
    points: int = 1

    def add(self, value: float) -> None:
        self.last, self.points = value, self.points + 1
        self.least, self.most = min(self.least, value), max(self.most, value)

    def __str__(self) -> str:
        return (
            f"{self.first:g} → {self.last:g} over {self.points} points "
            f"(least {self.least:g}, most {self.most:g})"
        )


class JobLog:
    """What was read of a log.

    Attributes:
        lines: the newest, as a terminal shows them. events: how many were read.
    """

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT)
        self.events = 0
        self._figures: dict[str, Figures] = {}

    def add(self, event: dict[str, Any]) -> str:
        """Read an event; the line that is shown of it now, "" for none."""
        self.events += 1
        shown = ""
        for line in str(event.get("data", "")).rstrip("\r\n").split("\n"):
            if line.startswith("===== Job started"):
                continue  # the Hub's own
            for state in line.split("\r"):
                self._measure(state)
            shown = line.rstrip("\r").rsplit("\r", 1)[-1]
            if self.lines and _is_rewritten(self.lines[-1], shown):
                self.lines.pop()
            if shown:
                self.lines.append(shown)
        return shown

    def metrics(self) -> list[str]:
        """First, last, least and most of each metric, a line each."""
        found = sorted(self._figures.items())
        return [f"{name}: {figures}" for name, figures in found if figures.points > 1]

    def tail(self, count: int) -> list[str]:
        return list(self.lines)[-count:]

    def _measure(self, text: str) -> None:
        for name, value in figures_in(text):
            if name in self._figures:
                self._figures[name].add(value)
            else:
                self._figures[name] = Figures(value, value, value, value)


def _is_rewritten(before: str, after: str) -> bool:
    """Whether `after` is a later state of the bar in `before`: the next epoch's bar begins again,
    and a full one stays."""
    old, new = _BAR.match(before), _BAR.match(after)
    if old is None or new is None or old[1].strip() != new[1].strip():
        return False
    return int(old[2]) < 100 and int(old[2]) <= int(new[2])
