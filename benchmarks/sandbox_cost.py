"""What the command sandbox costs: milliseconds of one command with and without it.

    uv run python -m benchmarks.sandbox_cost [RUNS]

A command that does nothing, in a repository of some files, from making its plan to its end. The
kinds take turns with no sandbox; the smaller half of all times counts, since other programs of the
machine only ever add to one.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from benchmarks.table import Row, render
from configs.settings import Settings
from core.store import runs
from core.store.command_words import command_words
from tools.workspace.command_sandbox import CommandPlace, CommandSandbox, find

KINDS = ("bubblewrap", "landlock")
#: The most that a sandbox may add, in milliseconds.
LIMIT = 15.0


def measure(times: int) -> dict[str, float]:
    """Milliseconds of a command: "none", and each kind that works here."""
    # Not in the temporary folder, where no one keeps a project: it has thousands of entries.
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as made:
        folder, state = Path(made) / "repo", Path(made) / "state"
        folder.mkdir()
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        for number in range(200):
            (folder / f"file{number}.py").touch()
        settings = Settings(state_dir=str(state))
        off = settings.model_copy(update={"sandbox_commands": "off"})
        boxes = {"none": CommandSandbox(off)}
        boxes |= {k: CommandSandbox(settings, k) for k in KINDS if find(k).kind != "none"}
        found: dict[str, list[float]] = {name: [] for name in boxes}
        for number in range(times):
            for name, box in boxes.items():
                place = state / "threads" / "t" / "runs" / f"call_{name}{number}"
                began = time.perf_counter()
                _run(box, folder, place)
                found[name].append((time.perf_counter() - began) * 1000)
    return {name: median(sorted(all_of)[: (times + 1) // 2]) for name, all_of in found.items()}


def _run(box: CommandSandbox, folder: Path, place: Path) -> None:
    words = command_words(place, "true")
    wrapped = box.wrap(words, CommandPlace(str(folder), str(folder), "network"))
    with closing(wrapped):
        run = runs.start(
            place,
            runs.Meta("true", str(folder), None, False, wrapped.about),
            dict(os.environ),
            argv=wrapped.argv,
            descriptors=tuple(wrapped.descriptors.values()),
        )
    assert run._process is not None
    run._process.wait()
    assert run.exit_code() == 0, run.read_output(1000)


def rows(times: int) -> list[Row]:
    """One row for each kind: with it, without it."""
    taken = measure(times)
    without = taken.pop("none")
    return [
        Row(
            f"a command in {kind}, ms",
            with_it,
            without,
            "no sandbox",
            without + LIMIT,
            f"≤ without + {LIMIT:g}",
        )
        for kind, with_it in taken.items()
    ]


if __name__ == "__main__":
    print(render(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 100)))
