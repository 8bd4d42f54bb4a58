"""A long turn: what an iteration costs in processor time, disk and memory, and whether it grows.

    uv run python -m benchmarks.iterations            300 and 600 iterations
    uv run python -m benchmarks.iterations 50         others

Each length runs in a process of its own, against a stand-in model in another one without any
delay. `gap` is the time between two requests; its fit a + b·k says how it grows with the
iteration's number k.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: Characters of output that each iteration's command prints.
OUTPUT = 2400
COMMAND = f"head -c {OUTPUT} /dev/zero | tr '\\0' x; echo; echo"


def script(iterations: int) -> dict[str, Any]:
    """Calls of one command, told apart by the step, then an answer."""
    call = {"name": "bash", "arguments": {"command": COMMAND + " step {step}"}}
    return {"steps": [{"calls": [call], "repeat": iterations}, {"text": "done"}]}


def fit(gaps: list[float]) -> tuple[float, float]:
    """(a, b) of the least-squares line a + b·k through `gaps`."""
    n = len(gaps)
    middle, mean = (n - 1) / 2, sum(gaps) / n
    spread = sum((k - middle) ** 2 for k in range(n))
    b = sum((k - middle) * (g - mean) for k, g in enumerate(gaps)) / spread
    return mean - b * middle, b


async def drive(iterations: int, base: str, folder: Path) -> dict[str, float]:
    """Run one turn of `iterations`; its figures."""
    os.environ["OPENAI_API_KEY"], os.environ["OPENAI_BASE_URL"] = "none", base
    from configs.settings import Settings
    from graph.models.loading import load
    from graph.session import RunOptions, Session

    load()
    settings = Settings(
        state_dir=str(folder / "state"), model_name="openai/stand-in", context_window=2_000_000,
        compact_at=2_000_000,
    )  # fmt: skip
    options = RunOptions(interactive=False, max_iterations=iterations + 1)
    ends: list[float] = []
    transcript = 0
    async with Session.open(settings, cwd=folder, options=options) as session:
        cpu = time.process_time()
        async for event in session.send("work"):
            if event.name == "assistant_stream_end":
                ends.append(time.perf_counter())
            if event.name == "tool_output":
                transcript += len(event.text)
        cpu = time.process_time() - cpu
        assert event.name == "turn_complete", event
        assert event.status == "done", event
    gaps = [1000 * (b - a) for a, b in itertools.pairwise(ends)]
    a, b = fit(gaps)
    disk = sum(p.stat().st_size for p in (folder / "state").glob("ml-agent.db*"))
    return {
        "iterations": iterations,
        "cpu_ms": 1000 * cpu / iterations,
        "gap_a_ms": a,
        "gap_b_ms": b,
        "transcript": transcript,
        "disk": disk,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(iterations: int) -> dict[str, float]:
    """`drive` in a process of its own, the stand-in in another."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "script.json"
        rules.write_text(json.dumps(script(iterations)))
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.stand_ins.model_server", "--script", str(rules)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            base = server.stdout.readline().split()[1]
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.iterations",
                    "--one",
                    str(iterations),
                    base,
                    folder,
                ],
                stdout=subprocess.PIPE,
                check=True,
            )
        finally:
            server.kill()
    return json.loads(done.stdout)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        _, _, iterations, base, folder = sys.argv
        print(json.dumps(asyncio.run(drive(int(iterations), base, Path(folder)))))
        return
    rows = [measure(int(n)) for n in sys.argv[1:] or ("300", "600")]
    for row in rows:
        budget = 3 * row["transcript"] + 8_000 * row["iterations"]
        print(
            f"{row['iterations']:.0f} iterations: {row['cpu_ms']:.1f} ms of processor time each, "
            f"gap {row['gap_a_ms']:.1f} + {row['gap_b_ms']:.3f}·k ms, "
            f"{row['disk'] / 1e6:.2f} MB on disk ({row['disk'] / budget:.2f} of the budget), "
            f"{row['memory_mib']:.0f} MiB"
        )
    if len(rows) > 1:
        ratio = rows[-1]["disk"] / rows[0]["disk"]
        print(f"disk grows {ratio:.2f} times from the first to the last")


if __name__ == "__main__":
    main()
