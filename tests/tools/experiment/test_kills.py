"""A process that is killed in the middle of a trial: the trial is counted once, and the folder is
at the trial or at its parent, never between."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from configs.settings import Settings
from core.store import open_store
from nodes.services import build_services
from tests.cli.program import ROOT
from tests.cli.program_process import start
from tests.tools.bench import THREAD, Bench
from tests.tools.experiment.driver import one_trial

KILLS = 6
FILES = [f"part{n}.txt" for n in range(12)]


def write(folder: Path, loss: float) -> None:
    for name in FILES:
        (folder / name).write_text(f"{loss}\n")


def read(folder: Path) -> set[str]:
    return {(folder / name).read_text().strip() for name in FILES}


@pytest.mark.parametrize("loss", [0.5, 0.95])
async def test_a_killed_trial_is_counted_once(
    settings: Settings, workdir: Path, loss: float
) -> None:
    state = str(settings.state_path())
    (workdir / "judge.sh").write_text("sleep 0.05; echo METRIC loss=$(cat part0.txt)\n")
    write(workdir, 0.9)
    own = Settings(state_dir=state, model_name="openai/stand-in")
    async with await open_store(own) as store:
        bench = Bench(build_services(own, store), workdir)
        await bench.call(
            "experiment", operation="define", metric="loss", command="sh judge.sh",
            frozen=["judge.sh"], repeats=1,
        )  # fmt: skip
    write(workdir, loss)
    call = f"call_{'a' * 24}"
    arguments = [str(workdir), state, call, str(loss)]
    moments = random.Random(loss)
    for _ in range(KILLS):
        command = [sys.executable, "-m", "tests.tools.experiment.driver", *arguments]
        child = start(command, cwd=ROOT)
        try:
            await asyncio.to_thread(child.wait, moments.uniform(0.1, 1.5))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    result = await one_trial(*arguments)
    async with await open_store(own) as store:
        trials = await store.experiments.trials(THREAD)
        experiment = await store.experiments.get(THREAD)
    assert [one.number for one in trials] == [0, 1], result.text
    assert trials[1].verdict == ("keep" if loss < 0.9 else "discard"), result.text
    assert len(trials[1].metrics) <= 2
    assert read(workdir) == ({str(loss)} if loss < 0.9 else {"0.9"})
    assert experiment is not None
    assert not experiment.place.to
    assert experiment.place.at == trials[1 if loss < 0.9 else 0].snapshot
