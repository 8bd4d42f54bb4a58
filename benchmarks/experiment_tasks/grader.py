"""Grades a folder from outside, on data that no judge shows: TASK FOLDER [SETTINGS as JSON ...].

Prints a line per settings: the mean of the judge's value over hidden seeds, smaller is better.
"""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

SALT, SEEDS = "hidden", range(12)


def main(task: str, folder: str, *settings: str) -> None:
    here = Path(__file__).parent
    sys.dont_write_bytecode = True
    # The judge is ours, whatever the folder has made of its own; `solve` is the folder's.
    sys.path[:0] = [str(here / task), str(here)]
    solve = importlib.util.spec_from_file_location("solve", Path(folder, "solve.py"))
    sys.modules["solve"] = module = importlib.util.module_from_spec(solve)
    solve.loader.exec_module(module)
    judge = importlib.import_module("judge")
    for one in settings or ["{}"]:
        for name, value in json.loads(one).items():
            setattr(module, name, value)
        print(sum(judge.value(SALT, seed) for seed in SEEDS) / len(SEEDS))


if __name__ == "__main__":
    main(*sys.argv[1:])
