"""Processes that have imported everything, to be killed at random moments, and trials of them."""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

ROOT = Path(__file__).resolve().parents[1]
#: Seconds that a trial may take, and a process that is not killed.
PATIENCE = 60.0


class Outcome(Protocol):
    """What came of one trial. kills: processes that were killed. good: nothing was wrong."""

    @property
    def kills(self) -> int: ...

    @property
    def good(self) -> bool: ...


T = TypeVar("T", bound=Outcome)


class Forks:
    """Starts processes that have imported everything already."""

    def __init__(self, source: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._parent: Any = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                             text=True, env=environment)  # fmt: skip
        assert self._parent.stdout.readline() == "ready\n"

    def start(self, kind: str, place: Path) -> int:
        self._parent.stdin.write(json.dumps([kind, str(place)]) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def close(self) -> None:
        self._parent.stdin.close()
        self._parent.wait(10)


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def killed(pid: int) -> int:
    """1 if the process was still there to be killed."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        while is_alive(pid):
            time.sleep(0.005)
        return 1
    return 0


def finish(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def read(place: Path, sql: str) -> list[tuple[Any, ...]]:
    path = place / "state" / "ml-agent.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.OperationalError):
        return connection.execute(sql).fetchall()
    return []


def until_killed(
    source: str,
    trial: Callable[[Forks, Path, random.Random], T],
    kills: int,
    folder: Path,
    seed: int,
) -> list[T]:
    """Trials, each in its own folder, until so many processes were killed. `source`: the program
    of a `Forks`."""
    chance, forks, found = random.Random(seed), Forks(source), list[T]()
    try:
        while sum(one.kills for one in found) < kills:
            found.append(trial(forks, folder / f"trial-{len(found)}", chance))
            if not found[-1].good:
                print(f"trial {len(found) - 1}: {found[-1]}", file=sys.stderr, flush=True)
    finally:
        forks.close()
    return found


def asked_for(trials: Callable[[int, Path, int], list[T]]) -> list[T]:
    """Those that the command line asks for: --kills, --seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return trials(given.kills, Path(folder), given.seed)
