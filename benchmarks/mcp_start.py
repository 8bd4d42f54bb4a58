"""What MCP servers cost before the first request: five of them, two dead and one hanging.

    uv run python -m benchmarks.mcp_start [RUNS]

Seconds from the program's start to its first request: without servers, the first time with them
(nothing is known of them), and a second time. Medians; the three take turns.
"""

import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.iterations import SILENCE
from benchmarks.observer import watching
from benchmarks.programs import ROOT, Ours, compile_all
from benchmarks.starts import alternating
from benchmarks.table import Row, render

#: The most that the first start may be later, in seconds, and what a second one may seem to be:
#: the noise of a machine that does other things, too.
FIRST, SECOND = 5.0, 0.3


def servers() -> dict[str, object]:
    def program(kind: str) -> dict[str, object]:
        arguments = ["-m", "tests.stand_ins.mcp_server", kind]
        return {"command": sys.executable, "args": arguments, "env": {"PYTHONPATH": str(ROOT)}}

    return {
        "one": program("good"),
        "two": program("good"),
        "exits": program("exit"),
        "nobody": {"url": "http://127.0.0.1:9/mcp"},
        "hangs": program("hang"),
    }


def starts(runs: int) -> dict[str, float]:
    """Seconds to the first request: `none`, `first` and `second`."""
    ours = Ours()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        watching(lambda asked: SILENCE) as observer,
    ):
        place = {name: Path(folder) / name for name in ("none", "some")}
        settings = place["some"] / ".config" / "ml-agent" / "config.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"mcpServers": servers()}))
        place["none"].mkdir()

        def timed(name: str) -> float:
            here = place["none" if name == "none" else "some"]
            if name == "first":
                shutil.rmtree(here / "state", ignore_errors=True)
            return observer.to_first_request(ours, ours.command("x", 1, here), here)

        return alternating(
            runs, {name: partial(timed, name) for name in ("none", "first", "second")}
        )


def main() -> int:
    compile_all()
    seconds = starts(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    rows = []
    for name, later in (("first", FIRST), ("second", SECOND)):
        title = f"first request, {name} start with five MCP servers, s"
        limit = seconds["none"] + later
        without = f"without: {seconds['none']:.2f}"
        budget = f"≤ without + {later:g}"
        rows.append(Row(title, seconds[name], without, "", limit, budget, 2))
    print(render(rows))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
