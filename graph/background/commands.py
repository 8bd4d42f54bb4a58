"""Commands of a thread that run in the background, as a frontend shows them."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from core.secrets.redaction import redacted
from core.store.runs import SHOWN, runs_of
from core.training import training_line

#: Characters of the output's end that are shown.
TAIL = 500


@dataclass(frozen=True)
class BackgroundCommand:
    """Attributes: started: epoch seconds. output: its newest lines. progress: of a training.
    ending: of one that ended, how."""

    id: str
    command: str
    started: float
    is_alive: bool
    output: str
    progress: str
    ending: str


def background_commands(folder: Path, known: Collection[str]) -> list[BackgroundCommand]:
    """Those that run, and those of `known` that have ended. Reads files: call it in a thread."""
    found = []
    for run in runs_of(folder):
        meta = run.meta()
        if meta is None or not meta.background:
            continue
        is_alive = run.state() == "alive"
        if not is_alive and run.id not in known:
            continue
        output = redacted(run.read_output(SHOWN)[0])
        code = run.exit_code()
        ending = f"exit code {code}" if code is not None else run.ended() or "outcome unknown"
        found.append(
            BackgroundCommand(
                run.id, redacted(meta.command), meta.started, is_alive, output[-TAIL:],
                training_line(output), "" if is_alive else ending,
            )
        )  # fmt: skip
    return found
