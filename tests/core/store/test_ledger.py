"""The ledger, from several processes at once."""

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from configs.settings import Settings
from core.durable import Caps, Scope
from core.store import Store, open_store
from tests.cli.program import ROOT
from tests.cli.program_process import start

SCOPE = Scope("t", "i", "t/1", "2026-11-21")
CAPS = Caps(day=1000)

PROCESS = """
import asyncio, sys
from configs.settings import Settings
from core.durable import Caps, Scope
from core.store import open_store

async def main(state, url, name):
    async with await open_store(Settings(state_dir=state, database_url=url)) as store:
        got = 0
        for n in range(20):
            scope = Scope(name, name, name, "2026-11-21")
            got += await store.ledger.reserve(f"{name}-{n}", 30, scope, Caps(day=1000))
        print(got)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with await open_store(settings) as opened:
        yield opened


async def test_processes_side_by_side_never_overshoot(store: Store, settings: Settings) -> None:
    place = [settings.state_dir, settings.database_url]
    running = [
        start(
            [sys.executable, "-c", PROCESS, *place, f"p{n}"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for n in range(4)
    ]  # fmt: skip
    got = sum(int(process.communicate(timeout=120)[0]) for process in running)
    assert got == 33
    assert (await store.ledger.spent("day", "2026-11-21")).amount == 990


async def test_one_reference_is_one_charge(store: Store) -> None:
    for _ in range(3):
        assert await store.ledger.reserve("c", 600, SCOPE, CAPS)
    assert not await store.ledger.reserve("d", 600, SCOPE, CAPS)
    assert await store.ledger.left(SCOPE, CAPS) == (400, "day")
    await store.ledger.settle("c", 100)
    await store.ledger.settle("c", 100)
    await store.ledger.settle("unknown", 100)
    assert await store.ledger.left(SCOPE, CAPS) == (900, "day")
    assert await store.ledger.reserve("d", 600, SCOPE, CAPS)
    await store.ledger.settle("d", None)
    assert (await store.ledger.spent("turn", "t/1")).amount == 100


async def test_the_narrowest_cap_counts_and_an_unknown_price_is_remembered(store: Store) -> None:
    await store.ledger.book("r", 500, SCOPE)
    caps = Caps(invocation=2000, turn=700, thread=None, day=1000)
    assert await store.ledger.left(SCOPE, caps) == (200, "turn")
    assert await store.ledger.left(SCOPE, Caps()) is None
    assert not (await store.ledger.spent("thread", "t")).unknown
    await store.ledger.book("s", None, SCOPE)
    spent = await store.ledger.spent("thread", "t")
    assert (spent.amount, spent.unknown) == (500, True)
