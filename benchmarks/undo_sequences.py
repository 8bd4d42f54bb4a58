"""Thousands of random sequences of turns, edits by others, kills, undo and redo, next to the model
of tests/graph/undo_world.py: python -m benchmarks.undo_sequences [COUNT] [FIRST SEED] [--session].
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from configs.settings import Settings
from tests.graph.undo_world import Direct, World

STEPS = 12


def run(kind: type[World], seed: int) -> str:
    """One sequence; what was wrong, "" if nothing was."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").mkdir()
        settings = Settings(
            state_dir=str(folder / "state"), model_name="openai/stand-in", context_window=200_000
        )
        world = kind(seed, settings, folder / "work")
        try:
            asyncio.run(world.run(STEPS))
        except AssertionError as error:
            return "\n".join([*world.log, str(error)])
    return ""


def main(arguments: list[str]) -> int:
    numbers = [int(word) for word in arguments if word.isdigit()]
    count, first = [*numbers, 1000, 10_000][:2] if len(numbers) != 1 else [numbers[0], 10_000]
    kind = World if "--session" in arguments else Direct
    wrong = 0
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        for seed in range(first, first + count):
            said = run(kind, seed)
            wrong += bool(said)
            if said:
                print(said, end="\n\n")
    print(f"{count} sequences, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
