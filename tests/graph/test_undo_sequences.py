"""Undo held to its model over random sequences; thousands: python -m benchmarks.undo_sequences."""

from pathlib import Path

import pytest

from configs.settings import Settings
from tests.graph.undo_world import Direct, World


@pytest.mark.parametrize("part", range(6))
async def test_the_files_of_random_sequences(part: int, settings: Settings, tmp_path: Path) -> None:
    for seed in range(part * 20, part * 20 + 20):
        await sequence(Direct, seed, settings, tmp_path)


@pytest.mark.parametrize("part", range(4))
async def test_random_sequences_of_a_session(part: int, settings: Settings, tmp_path: Path) -> None:
    for seed in range(part * 3, part * 3 + 3):
        await sequence(World, seed, settings, tmp_path)


async def sequence(kind: type[World], seed: int, settings: Settings, folder: Path) -> None:
    place = folder / f"{kind.__name__}-{seed}"
    (place / "work").mkdir(parents=True)
    own = settings.model_copy(update={"state_dir": str(place / "state")})
    world = kind(seed, own, place / "work")
    try:
        await world.run(8)
    except AssertionError as error:
        raise AssertionError("\n".join([*world.log, str(error)])) from error
