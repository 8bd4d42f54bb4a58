"""What is measured: the programs, how much, and what was measured of them so far."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks import iterations, starts
from benchmarks.iterations import Long
from benchmarks.programs import BareLoop, MiniSweAgent, NotInstalled, Ours, Program


@dataclass(frozen=True)
class Sizes:
    """How much is measured. Quick figures say less; the budgets are meant for the others.

    Attributes:
        short, long: iterations of the turns that most rows look at.
        counts: iterations of the turns whose processor time is a row.
        turns: how often a turn of at most `short` iterations is measured.
        runs: how often a start is measured.
    """

    short: int = 300
    long: int = 600
    counts: tuple[int, ...] = (50, 300, 1500)
    turns: int = 3
    runs: int = 7
    kill_at: int = 20
    kill_of: int = 50


QUICK = Sizes(short=40, long=80, counts=(20, 40, 80), turns=1, runs=3)
#: Iterations of mini-swe-agent's longest turn: an iteration costs more with each before it.
MINI_MOST = 600


@dataclass
class Bench:
    """The programs, and what was measured of them so far.

    Attributes:
        absent: what is in mini-swe-agent's column where it does not run.
    """

    sizes: Sizes
    programs: dict[str, Program] = field(default_factory=dict)
    absent: str = "left out"
    _long: dict[tuple[str, int], Long] = field(default_factory=dict)
    _resumes: dict[int, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def open(cls, sizes: Sizes, *, mini: bool = True) -> Bench:
        """The programs; mini-swe-agent is installed first, unless it is to be left out."""
        programs: dict[str, Program] = {"ours": Ours(), "bare": BareLoop()}
        if not mini:
            return cls(sizes, programs)
        agent = MiniSweAgent()
        try:
            agent.install()
        except NotInstalled as problem:
            print(f"mini-swe-agent is not installed: {problem}", file=sys.stderr)
            return cls(sizes, programs, "not installed")
        return cls(sizes, {**programs, "mini": agent})

    @property
    def ours(self) -> Ours:
        found = self.programs["ours"]
        assert isinstance(found, Ours)
        return found

    def long(self, name: str, count: int) -> Long:
        """A turn of `count` iterations, run at the first question. A short one is the median of
        several, in which ours and the bare loop take turns: what else the machine does falls on
        both."""
        if (name, count) not in self._long:
            together = [name] if name == "mini" else ["ours", "bare"]
            for each, found in self._turns(together, count).items():
                self._long[each, count] = found
        return self._long[name, count]

    def _turns(self, names: list[str], count: int) -> dict[str, Long]:
        found: dict[str, list[Long]] = {name: [] for name in names}
        turns = self.sizes.turns if count <= self.sizes.short and "mini" not in names else 1
        for _ in range(turns):
            for name, measured in found.items():
                measured.append(iterations.measure(self.programs[name], count))
        return {name: _median(measured) for name, measured in found.items()}

    def resumes(self, length: int) -> dict[str, float]:
        """See starts.resumes."""
        if length not in self._resumes:
            self._resumes[length] = starts.resumes(self.ours, length, self.sizes.runs)
        return self._resumes[length]

    def others(self, figure: Callable[[str], float]) -> tuple[float | str, float | str]:
        """(bare loop's, mini-swe-agent's) `figure`."""
        return figure("bare"), figure("mini") if "mini" in self.programs else self.absent

    def turns(self, n: int, figure: Callable[[Long], float]) -> tuple[float | str, float | str]:
        """(bare loop's, mini-swe-agent's) `figure` of a turn of `n` iterations."""
        if n > MINI_MOST and "mini" in self.programs:
            return figure(self.long("bare", n)), "takes minutes"
        return self.others(lambda name: figure(self.long(name, n)))


def _median(turns: list[Long]) -> Long:
    """The one with the median processor time."""
    middle = statistics.median_low(turn.cpu_ms for turn in turns)
    return next(turn for turn in turns if turn.cpu_ms == middle)
