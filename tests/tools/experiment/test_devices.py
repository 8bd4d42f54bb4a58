"""Judges of one user take turns on a device, whichever session they are in."""

import asyncio
from itertools import pairwise
from pathlib import Path

from configs.settings import Settings
from core.store import open_store
from nodes.services import build_services
from tests.tools.bench import Bench
from tools.experiment.devices import devices_of, on_a_device

#: Says when it ran, in nanoseconds.
JUDGE = "began=$(date +%s%N); sleep 0.3; echo METRIC loss=1 began=$began ended=$(date +%s%N)\n"
DEFINE = {"operation": "define", "metric": "loss", "frozen": ["judge.sh"], "repeats": 2}


async def runs_of(
    settings: Settings, folder: Path, thread: str, command: str
) -> tuple[list[tuple[float, float]], Bench]:
    """When each run of a session's baseline began and ended."""
    folder.mkdir()
    (folder / "judge.sh").write_text(JUDGE)
    async with await open_store(settings) as store:
        bench = Bench(build_services(settings, store), folder, thread=thread)
        result = await bench.call("experiment", command=command, **DEFINE)
        assert result.ok, result.text
        (trial,) = await bench.services.experiments.trials(thread)
        return [(run["began"], run["ended"]) for run in trial.metrics], bench


async def test_two_sessions_judge_one_after_the_other(settings: Settings, workdir: Path) -> None:
    work = [runs_of(settings, workdir / name, name, "sh judge.sh") for name in ("one", "other")]
    both = await asyncio.gather(*work)
    runs = sorted(run for runs, _ in both for run in runs)
    assert len(runs) >= 4
    assert all(ended <= began for (_, ended), (began, _) in pairwise(runs))
    assert any("waits for cpu: another judge runs on it" in bench.logs() for _, bench in both)


async def test_judges_on_other_gpus_wait_for_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    commands = ["CUDA_VISIBLE_DEVICES=0 python a.py", "CUDA_VISIBLE_DEVICES=1,2 python b.py"]
    async with asyncio.timeout(20), on_a_device(tmp_path, commands[0], said.append) as first:
        async with on_a_device(tmp_path, commands[1], said.append) as second:
            assert (first, second, said) == (0.0, 0.0, [])
        held = asyncio.create_task(_held(tmp_path, "CUDA_VISIBLE_DEVICES=1,0 python c.py", said))
        while not said:
            await asyncio.sleep(0.02)
        assert said == ["waits for gpu-0: another judge runs on it"]
    assert await held > 0


async def _held(state: Path, command: str, said: list[str]) -> float:
    async with on_a_device(state, command, said.append) as waited:
        return waited


def test_what_a_judge_runs_on() -> None:
    assert devices_of("CUDA_VISIBLE_DEVICES=3,1 python j.py") == ["gpu-1", "gpu-3"]
    assert devices_of("CUDA_VISIBLE_DEVICES=-1 python j.py") == ["cpu"]
