"""How fast a process is there: help, the first request, the first request of a long thread.

Programs take turns, so that what else the machine does falls on all of them; medians.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import iterations
from benchmarks.iterations import SILENCE
from benchmarks.observer import watching
from benchmarks.programs import OFFLINE, Ours, Program

#: Nothing but the imports that a first request through LiteLLM needs, then a request.
IMPORTS = """
import langgraph.graph, langchain_litellm
import os, urllib.request
url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
urllib.request.urlopen(url, b'{"model": "x", "messages": []}')
"""


class Imports(Program):
    """A process that imports LiteLLM's client and LangGraph, and asks."""

    def command(self, task: str, iterations: int, folder: Path) -> list[str]:
        return [sys.executable, "-c", IMPORTS]

    def environment(self, base: str, folder: Path) -> dict[str, str]:
        return {**super().environment(base, folder), **OFFLINE}


def alternating(runs: int, measured: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The median of each; one unmeasured round goes first."""
    figures: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(runs + 1):
        for name, measure in measured.items():
            figure = measure()
            if number:
                figures[name].append(figure)
    return {name: statistics.median(values) for name, values in figures.items()}


def help_times(programs: Mapping[str, Program], runs: int) -> dict[str, float]:
    """Wall seconds of each program's help, and of `python -c "import click"` as `click`."""
    commands = {name: p.help() for name, p in programs.items() if p.help()}
    commands["click"] = [sys.executable, "-c", "import click"]
    with tempfile.TemporaryDirectory() as folder:

        def timed(name: str) -> float:
            program = programs.get(name) or Ours()
            environment = program.environment("", Path(folder))
            began = time.perf_counter()
            subprocess.run(commands[name], env=environment, capture_output=True, check=True)
            return time.perf_counter() - began

        return alternating(runs, {name: partial(timed, name) for name in commands})


def first_requests(
    programs: Mapping[str, Program], runs: int
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """From each program's start to its first request: (seconds, seconds of processor time, which
    other programs do not disturb, MiB of memory at most); of `Imports` as `imports`."""
    peaks: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    measured = {**programs, "imports": Imports()}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        watching(lambda asked: SILENCE, strict=False) as observer,
    ):

        def timed(name: str) -> float:
            program, place = measured[name], Path(folder) / name
            command = program.command("x", 1, place)
            seconds = observer.to_first_request(program, command, place)
            peaks.setdefault(name, []).append(observer.peak)
            spent.setdefault(name, []).append(observer.spent)
            return seconds

        times = alternating(runs, {name: partial(timed, name) for name in measured})
        return times, _medians(spent), _medians(peaks)


def _medians(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in figures.items()}


def resumes(program: Ours, length: int, runs: int) -> dict[str, float]:
    """Seconds to the first request: of a killed thread of `length` iterations that is resumed
    (`resume`), and of a new one (`fresh`). `broken` counts requests of the thread whose prefix
    is not the request before, over the restarts too; `compared`, of how many."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        watching(iterations.script(program, length)) as long,
        watching(lambda asked: SILENCE) as new,
    ):
        old, empty = Path(folder) / "long", Path(folder) / "empty"
        iterations.run(program, length, long, old)
        # Another message, whose answer never comes: a turn to resume, again and again.
        long.script = lambda asked: SILENCE
        long.to_first_request(program, program.go_on("go on"), old)
        medians = alternating(
            runs,
            {
                "resume": lambda: long.to_first_request(program, program.resume(), old),
                "fresh": lambda: new.to_first_request(
                    program, program.command("x", 1, empty), empty
                ),
            },
        )
    return {**medians, "broken": long.broken, "compared": long.compared}
