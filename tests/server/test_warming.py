"""What the server imports before the first session."""

import asyncio

from configs.settings import Settings
from core.models import loading
from server.warming import Warming


async def test_a_session_waits_for_it_and_then_finds_all_imported(settings: Settings) -> None:
    async with asyncio.timeout(60):
        await Warming(settings).over()
    assert loading.is_loaded(direct=True)
