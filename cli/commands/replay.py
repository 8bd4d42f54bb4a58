"""`ml-agent replay FILE`: a recorded session once more, and where it first differs."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cli.shared.bootstrap import complain, settings_for
from cli.shared.command import prints, tell
from cli.shared.options import Options
from cli.shared.render import EventPrinter
from cli.terminal.writer import to_stderr


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run-tools", is_flag=True, help="Run the tool calls, in -C DIR or a new folder")
@prints
async def replay(options: Options, file: Path, run_tools: bool) -> int:
    """Run a recorded session again and name the first difference.

    FILE is the output of `sessions export --format jsonl`. Model and tools answer from it: nothing
    is run or written. Exit code 1 if a request differs from the recorded one.

    With --run-tools, --mode (default ask), --allow and --deny apply. Calls that they do not allow
    are not run, whatever FILE says.
    """
    from graph.options import RunOptions
    from graph.replay import Replay
    from graph.transcript.format import read_recording

    recording = read_recording(file)
    settings = settings_for(options).settings
    lines = EventPrinter(sys.stderr, None if options.output == "json" else to_stderr)
    answers, refused, last = 0, 0, None
    with _folders(options) as (cwd, state):
        chosen = RunOptions(
            mode=_mode(options, recording, run_tools),
            allow=options.allow,
            deny=options.deny,
        )
        replaying = Replay(
            recording,
            # Its thread is no one's to continue with: it lives as long as the replay.
            settings.model_copy(update={"state_dir": str(state), "database_url": ""}),
            cwd=cwd,
            options=chosen,
            real_tools=run_tools,
        )
        async for event in replaying.events():
            answers += event.name == "assistant_stream_end"
            refused += len(getattr(event, "requests", ()))
            if event.name != "shutdown":
                last = event
            lines.show(event)
    if run_tools and refused:
        calls = "1 call was" if refused == 1 else f"{refused} calls were"
        complain(f"{calls} not run: mode {chosen.mode} asks first", "--mode auto, or --allow RULE")
    return _told(last, answers, options)


def _mode(options: Options, recording: Any, run_tools: bool) -> Any:
    """The mode that was asked for. Only where nothing runs may the recording say it."""
    return options.mode or ("ask" if run_tools else recording.session.get("mode") or "auto")


def _told(last: Any, answers: int, options: Options) -> int:
    """Say how it ended; the exit code."""
    error = last if last is not None and last.name == "error" else None
    if error is not None and error.kind == "recording_ends":
        error = None
    difference = error.message if error is not None and error.kind == "replay_differs" else None
    failure, lines = None, [f"no difference: {answers} answers as recorded"]
    if error is not None:
        failure = {"kind": error.kind, "message": error.message, "hint": error.hint}
        lines = [f"first difference: {difference}"] if difference else []
    told = {"schema_version": 1, "answers": answers, "difference": difference, "error": failure}
    tell(options, told, lines)
    if error is not None and not difference:
        complain(error.message, error.hint)
    return 0 if error is None else 1


@contextmanager
def _folders(options: Options) -> Iterator[tuple[Path, Path]]:
    """(where tools act, a state directory): both fresh and removed, but for a folder of -C."""
    with tempfile.TemporaryDirectory(prefix="ml-agent-replay-") as folder:
        work, state = Path(folder, "work"), Path(folder, "state")
        work.mkdir()
        yield (options.folder if options.cwd else work), state
