"""A stored experiment: nine trials, one kept twice, one that diverged, one crash, one running."""

from pathlib import Path

from configs.settings import Settings
from core.experiments.record import Experiment, Judge, Place, Trial, Verdict
from core.store import ThreadRow, open_store
from core.store.files.folder_snapshots import FolderSnapshots

THREAD = "0123456789abcdef"
JUDGE = Judge("loss", "min", "python judge.py", frozen=("judge.py",))
#: (verdict, runs, parent, hypothesis) by number.
TRIALS: list[tuple[Verdict, list[float], int | None, str]] = [
    ("baseline", [1.0, 1.02, 0.98], None, ""),
    ("discard", [1.01, 1.04, 0.99], 0, "a larger batch"),
    ("keep", [0.81, 0.8, 0.79], 0, "warm-up"),
    ("crash", [], 2, "mixed <precision> & more"),
    ("discard", [0.85, 0.78, 0.8], 2, "=cmd|' /C calc'!A0"),
    ("discard", [9e11, 1e12, 1.1e12], 2, "learning rate of 3"),
    ("keep", [0.62, 0.6, 0.61], 2, "cosine \x1b[31mschedule"),
    ("discard", [0.7, 0.66, 0.64], 6, "more layers"),
    ("running", [], 6, "less dropout"),
]


async def store_experiment(settings: Settings, folder: Path) -> list[Trial]:
    """Trial N left `train.py` with the line `trial N`, if it was kept."""
    snapshots = FolderSnapshots(settings.state_path(), str(folder), lambda path: False)
    async with await open_store(settings) as store:
        await store.threads.create(
            ThreadRow(THREAD, str(folder), "host", "title", "openai/stand-in", "auto")
        )
        await store.experiments.define(Experiment(THREAD, JUDGE, str(folder), "d", 1.0))
        for number, (verdict, runs, parent, hypothesis) in enumerate(TRIALS):
            (folder / "train.py").write_text(f"trial {number}\n")
            begun = await store.experiments.begin(
                Trial(THREAD, -1, f"c{number}", parent, hypothesis, began=1.0 + number)
            )
            if verdict == "running":
                continue
            place = Place(snapshots.take(THREAD, ""))
            await store.experiments.end(
                begun, place, verdict=verdict, metrics=[{"loss": run} for run in runs],
                value=sorted(runs)[len(runs) // 2] if runs else None, rule=f"rule of {number}",
                snapshot=place.at, seconds=2.5, cost=10_000 * number, ended=2.0 + number,
                diff=f"+trial {number}\n", files=["train.py"],
            )  # fmt: skip
        return await store.experiments.trials(THREAD)
