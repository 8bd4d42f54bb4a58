"""`ml-agent replay FILE`: a recorded session once more, and where it first differs."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cli.shared.bootstrap import complain, folder_of, guarded, settings_for
from cli.shared.options import output_option
from cli.shared.render import EventPrinter
from cli.terminal.writer import print_json, to_stderr, to_stdout


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run-tools", is_flag=True, help="Run the calls, in -C DIR or a fresh folder.")
@output_option
@click.pass_context
def replay(ctx: click.Context, file: Path, run_tools: bool, output: str | None) -> None:
    """Run a recorded session through the graph, and name the first difference.

    FILE is what `sessions export --format jsonl` wrote. The model answers from it, and so do the
    tools: nothing is run or written. Exit code 1 where a request is not the recorded one.

    With --run-tools the mode is that of --mode (ask), the rules those of --allow and --deny. A call
    that these do not let run is refused, whatever FILE says.
    """
    options = dict(ctx.obj or {})
    options["output"] = output or options.get("output") or "text"
    ctx.exit(guarded(lambda: asyncio.run(_replay(file, run_tools, options)), options))


async def _replay(file: Path, run_tools: bool, options: dict[str, Any]) -> int:
    from graph.options import RunOptions
    from graph.replay import Replay
    from graph.transcript.format import read_recording

    recording = read_recording(file)
    settings = settings_for(options).settings
    lines = EventPrinter(sys.stderr, None if options["output"] == "json" else to_stderr)
    answers, turns, refused, last = 0, 0, 0, None
    with _folders(options) as (cwd, state):
        chosen = RunOptions(
            mode=_mode(options, recording, run_tools),
            allow=options.get("allow") or (),
            deny=options.get("deny") or (),
        )
        replaying = Replay(
            recording,
            # Its thread is nobody's to go on with: it lives as long as the replay.
            settings.model_copy(update={"state_dir": str(state), "database_url": ""}),
            cwd=cwd,
            options=chosen,
            real_tools=run_tools,
        )
        async for event in replaying.events():
            answers += event.name == "assistant_stream_end"
            turns += event.name == "processing"
            refused += len(getattr(event, "requests", ()))
            if event.name != "shutdown":
                last = event
            lines.show(event)
    if run_tools and refused:
        calls = "1 call was" if refused == 1 else f"{refused} calls were"
        complain(f"{calls} not run: mode {chosen.mode} asks first", "--mode auto, or --allow RULE")
    return _told(last, answers, turns, options["output"])


def _mode(options: dict[str, Any], recording: Any, run_tools: bool) -> Any:
    """The mode that was asked for. Only where nothing runs may the recording say it."""
    asked = "yolo" if options.get("yolo") else options.get("mode")
    return asked or ("ask" if run_tools else recording.session.get("mode") or "auto")


def _told(last: Any, answers: int, turns: int, output: str) -> int:
    """Say how it ended; the exit code."""
    error = last if last is not None and last.name == "error" else None
    if error is not None and error.kind == "recording_ends":
        error = None
    difference = error.message if error is not None and error.kind == "replay_differs" else None
    if output == "json":
        failure = None
        if error is not None:
            failure = {"kind": error.kind, "message": error.message, "hint": error.hint}
        print_json(
            {"schema_version": 1, "answers": answers, "difference": difference, "error": failure}
        )
    elif difference:
        to_stdout(f"first difference: {difference}\n")
    elif error is None:
        to_stdout(f"no difference: {answers} answers as recorded\n")
    if error is not None and not difference:
        complain(error.message, error.hint)
    return 0 if error is None else 1


@contextmanager
def _folders(options: dict[str, Any]) -> Iterator[tuple[Path, Path]]:
    """(where tools act, a state directory): both fresh and removed, but for a folder of -C."""
    with tempfile.TemporaryDirectory(prefix="ml-agent-replay-") as folder:
        work, state = Path(folder, "work"), Path(folder, "state")
        work.mkdir()
        yield (folder_of(options) if options.get("cwd") else work), state
