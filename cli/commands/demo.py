"""`ml-agent demo`: an offline tour. The model and the Hub are recordings; the graph, the other
tools, the files and the thread are real. In a terminal it runs in the chat. The tours: tours.py."""

import asyncio
import json
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

from cli.chat.state import Chat
from cli.shared.approval_prompt import PLAIN, show
from cli.shared.bootstrap import complain, settings_for
from cli.shared.command import runs
from cli.shared.options import Options
from cli.shared.render import EventPrinter, Lines, closing
from cli.shared.results import INTERRUPTED
from cli.shared.tours import EXPERIMENTS, HUB, Tour
from cli.terminal.writer import to_stdout
from configs.layers import shipped_settings
from configs.settings import Settings

#: Seconds between two words of the recorded model, in a terminal.
PACE = 0.012
Requests = list[dict[str, Any]]


@click.command()
@click.option("--yes", is_flag=True, help="Approve every call without asking")
@click.option("--experiments", is_flag=True, help="Improve a training by experiments instead")
@runs
async def demo(options: Options, yes: bool, experiments: bool) -> int:
    """Take an offline tour: no key, no network, about ten seconds.

    A recorded model looks at a dataset, trains a small network in a new folder, and runs a paid
    job on a recorded Hub, which needs your approval. The graph, the other tools, the files and
    the session are real. Nothing is paid.

    With --experiments it trains a network here, some 15 times, keeps what is better than noise,
    and shows that a trial with another judge is void.
    """
    return await _Demo(yes, options, EXPERIMENTS if experiments else HUB).run()


class _Demo:
    def __init__(self, yes: bool, options: Options, tour: Tour) -> None:
        self._tour = tour
        self._yes = yes
        self._options = options
        self._in_chat = sys.stdin.isatty() and sys.stdout.isatty()
        self._lines: Lines = EventPrinter(sys.stdout, to_stdout)
        self._refused = False
        self._last: Any = None

    async def run(self) -> int:
        folder = _new_folder()
        # The same Python for the script, also where none is on the path.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # Without the user's settings: the tour is the same everywhere.
        state = settings_for(self._options).settings.state_path()
        settings = shipped_settings(state_dir=str(state))
        replay = self._prepared(folder, settings)
        if self._in_chat:
            await self._chat(replay, folder, settings)
        else:
            await self._print(replay, folder)
        return await self._ended(replay.session.thread.id, folder, settings)

    def _prepared(self, folder: Path, settings: Settings) -> Any:
        """The replay, in its folder, with the data set."""
        from core.models.routes import recording_path
        from graph.options import RunOptions
        from graph.replay import Replay
        from graph.transcript.format import read_recording

        shipped = Path(str(files("configs"))) / "demo"
        shutil.copy(shipped / "beans.csv", folder)
        known = self._tour.known
        return Replay(
            read_recording(recording_path(self._tour.model)),
            settings,
            cwd=folder,
            options=RunOptions(model=self._tour.model, mode="ask", allow=(self._tour.allowed,)),
            real_tools=True,
            strict=False,
            pace=PACE if self._in_chat else 0.0,
            decide=self._approve,
            from_recording=json.loads((shipped / known).read_text()) if known else {},
        )

    async def _print(self, replay: Any, folder: Path) -> None:
        """As lines, for a pipe."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, replay.session.interrupt)
        self._begin(folder, replay)
        async for event in self._noting(replay.events()):
            self._lines.show(event)  # type: ignore[attr-defined]
        if self._last.name == "turn_complete":
            self._lines.line("\n" + closing(asdict(self._last), self._last.since), "2")

    async def _chat(self, replay: Any, folder: Path, settings: Settings) -> None:
        """In the chat, as any other session."""
        from cli.chat.turns import run_turn
        from cli.start_chat import frontend

        chat = Chat(self._options, frontend())
        chat.settings, chat.folder = settings, folder
        terminal = chat.frontend
        ask = terminal.decide

        async def decide(chat: Chat, requests: Requests) -> Requests | None:
            if self._yes:
                return list(self._approve(requests))
            decisions = await ask(chat, requests)
            self._refused = decisions is None or any(d["type"] == "reject" for d in decisions)
            return None if self._refused else decisions

        terminal.decide = decide  # type: ignore[method-assign]
        await terminal.open(chat)
        try:
            self._lines = chat.lines
            async with replay.session as session:
                chat.session = session
                self._begin(folder, replay)
                await run_turn(chat, self._noting(session.send(replay.opening)))
                chat.session = None
        finally:
            await terminal.close()
        self._lines = EventPrinter(sys.stdout, to_stdout)

    async def _noting(self, events: Any) -> Any:
        async for event in events:
            if event.name not in ("ready", "shutdown"):
                self._last = event
            # Numbers of a real training differ each time: that is not reported.
            if self._tour.is_steady or not (event.name == "tool_log" and event.tool == "model"):
                yield event

    def _begin(self, folder: Path, replay: Any) -> None:
        self._lines.line(f"Offline tour: {self._tour.recorded}; it works in {folder}", "1")
        self._lines.line(self._tour.real, "2")
        self._lines.line(f"\n> {replay.opening}", "1")

    def _approve(self, requests: Requests) -> Sequence[dict[str, Any]]:
        why = "--yes was given" if self._yes else "no terminal to ask in"
        for request in requests:
            show(request, self._lines, PLAIN.most)
        self._lines.line(f"  approved by the demo: {why}", "33")
        return [{"type": "approve"} for _ in requests]

    async def _ended(self, thread: str, folder: Path, settings: Settings) -> int:
        last = self._last
        if last.name == "interrupted":
            complain("interrupted")
            return INTERRUPTED
        if last.name == "error":
            complain(last.message, last.hint)
            return 1
        if self._refused:
            # A recording cannot answer to a no; a model would be told and continue without it.
            self._lines.line("\nYou did not approve it, so it did not run: the tour ends here.")
        for line in await self._tour.summary(settings, thread):
            self._lines.line(line)
        self._lines.line(f"The files: {folder}")
        self._lines.line(f"The session: ml-agent sessions show {thread}")
        self._lines.line('Next: ml-agent login sets an API key, then ml-agent "your task"')
        return 0


def _new_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="ml-agent-demo-")).resolve()
