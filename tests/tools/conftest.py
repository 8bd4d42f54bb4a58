"""A bench for each test of a tool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from configs.settings import Settings
from graph.services import build_services
from graph.store import open_store
from tests.tools.bench import Bench


@pytest.fixture
async def bench(settings: Settings, workdir: Path) -> AsyncIterator[Bench]:
    store = await open_store(settings)
    try:
        yield Bench(build_services(settings, store), workdir)
    finally:
        await store.close()
