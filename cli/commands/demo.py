"""`ml-agent demo`: an offline tour. The model is a recording; the graph, the tools, the files
and the thread are real."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from cli.shared.approval_prompt import PLAIN, decisions_of, show
from cli.shared.bootstrap import complain, settings_for
from cli.shared.command import runs
from cli.shared.options import Options
from cli.shared.plain_dialog import converse
from cli.shared.render import EventPrinter, closing
from cli.shared.results import INTERRUPTED
from cli.terminal.writer import to_stdout

#: Seconds between two words of the recorded model, where someone watches.
PACE = 0.012
#: The small first run is allowed by a rule; the real one asks.
ALLOWED = "bash(python3 train.py --epochs 1)"


@click.command()
@click.option("--yes", is_flag=True, help="Approve every call without asking")
@runs
async def demo(options: Options, yes: bool) -> int:
    """Take an offline tour: no key, no network, about ten seconds.

    A recorded model trains a small classifier in a new folder. The graph, the tools, the files
    and the session are real. One command needs your approval.
    """
    return await _Demo(yes, options).run()


class _Demo:
    def __init__(self, yes: bool, options: Options) -> None:
        self._lines = EventPrinter(sys.stdout, to_stdout)
        self._asks = sys.stdin.isatty() and sys.stdout.isatty() and not yes
        self._why = "--yes was given" if yes else "no terminal to ask in"
        self._options = options
        self._refused = False

    async def run(self) -> int:
        replay, folder = self._prepared()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, replay.session.interrupt)
        self._lines.line(f"Offline tour: a recorded model works in {folder}", "1")
        self._lines.line("The graph, the tools, the files and the session are real.", "2")
        last: Any = None
        async for event in replay.events():
            if event.name == "processing" and last is None:
                self._lines.line(f"\n> {event.text}", "1")
            self._lines.show(event)
            if event.name not in ("ready", "shutdown"):
                last = event
        return self._ended(last, replay.session.thread.id, folder)

    def _prepared(self) -> tuple[Any, Path]:
        """The replay, and the fresh folder it works in, with the data set."""
        from configs.layers import shipped_settings
        from graph.options import RunOptions
        from graph.replay import Replay
        from graph.transcript.format import read_recording

        folder = Path(tempfile.mkdtemp(prefix="ml-agent-demo-")).resolve()
        shipped = Path(str(files("configs"))) / "demo"
        shutil.copy(shipped / "beans.csv", folder)
        # The same Python for the script, also where none is on the path.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        replay = Replay(
            read_recording(shipped / "recording.jsonl"),
            # None of the user's own settings: the tour is the same everywhere.
            shipped_settings(state_dir=str(settings_for(self._options).settings.state_path())),
            cwd=folder,
            options=RunOptions(model="replay/demo", mode="ask", allow=(ALLOWED,)),
            real_tools=True,
            strict=False,
            pace=PACE if sys.stdout.isatty() else 0.0,
            decide=self._decide,
        )
        return replay, folder

    def _decide(self, requests: list[dict[str, Any]]) -> Sequence[dict[str, Any]] | None:
        if not self._asks:
            for request in requests:
                show(request, self._lines, PLAIN.most)
            self._lines.line(f"  approved by the demo: {self._why}", "33")
            return [{"type": "approve"} for _ in requests]
        decisions = converse(decisions_of(requests, self._lines, None, PLAIN), self._lines)
        self._refused = decisions is None or any(d["type"] == "reject" for d in decisions)
        return None if self._refused else decisions

    def _ended(self, last: Any, thread: str, folder: Path) -> int:
        if last.name == "interrupted":
            complain("interrupted")
            return INTERRUPTED
        if last.name == "error":
            complain(last.message, last.hint)
            return 1
        if self._refused:
            # A recording cannot answer to a no; a model would be told and continue without it.
            self._lines.line("\nYou did not approve it, so it did not run: the tour ends here.")
        else:
            self._lines.line("\n" + closing(asdict(last), last.since), "2")
        self._lines.line(f"The files: {folder}")
        self._lines.line(f"The session: ml-agent sessions show {thread}")
        self._lines.line('Next: set an API key, then ml-agent "your task"')
        return 0
