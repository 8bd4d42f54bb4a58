"""Running the real program as a user does: a process, its exit code, stdout and stderr."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.cli.program_process import can_fork
from tests.cli.program_process import run as run_forked
from tests.stand_ins.model_script import Choose, Reply, by_step
from tests.stand_ins.model_server import ModelServer

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Program:
    """`ml-agent` in its own folder, against a stand-in model.

    Attributes:
        extra: further variables of its environment.
        fresh: start a new interpreter for each run, whose command line is the program's own.
    """

    folder: Path
    server: ModelServer
    extra: dict[str, str] = field(default_factory=dict)
    fresh: bool = False

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OPENAI_API_KEY": "sk-secret-stand-in",
            "OPENAI_BASE_URL": self.server.openai_base,
            "ML_AGENT_STATE_DIR": str(self.folder / "state"),
            **self.extra,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cli.main", *arguments]

    def __call__(
        self, *arguments: str, in_terminal: bool = True, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end. No way of failing may show a traceback or the key. With `in_terminal`
        it has a controlling terminal, as a user's commands do, though its streams are pipes."""
        environment = {**self.environment, **options.pop("env", {})}
        cwd, given = options.pop("cwd", self.work), options.pop("input", None)
        with controlling_terminal() if in_terminal else nullcontext(None) as terminal:
            if can_fork(environment) and not options and not self.fresh:
                done = run_forked(
                    self.command(*arguments),
                    cwd=cwd,
                    env=environment,
                    given=given,
                    terminal=terminal,
                )
            else:
                done = subprocess.run(
                    self.command(*arguments),
                    cwd=cwd,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=120,
                    start_new_session=True,
                    preexec_fn=partial(take, terminal),
                    **({"stdin": subprocess.DEVNULL} if given is None else {"input": given}),
                    **options,
                )
        assert "Traceback" not in done.stderr, done.stderr
        assert "sk-secret" not in done.stdout + done.stderr
        return done

    def task(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """A run with the stand-in as its model."""
        return self("-m", "openai/stand-in", *arguments, **options)


def take(terminal: int | None) -> None:
    """What a child in its own session calls to have this terminal."""
    if terminal is not None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@contextmanager
def controlling_terminal() -> Iterator[int]:
    """A fresh terminal for a child in its own session."""
    ours, theirs = pty.openpty()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


@contextmanager
def program(folder: Path, script: Choose | list[Reply]) -> Iterator[Program]:
    """The program with a stand-in that answers by `script`."""
    (folder / "work").mkdir(exist_ok=True)
    choose = script if callable(script) else by_step(script)
    with ModelServer(choose) as server:
        yield Program(folder, server)


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines on stderr with which the program complains."""
    return [line for line in done.stderr.splitlines() if line.startswith("ml-agent: ")]
