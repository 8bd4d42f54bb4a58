"""The lease next to a SQLite file: a lock that looking does not take."""

import asyncio
import fcntl
import os
import re

import pytest

from configs.settings import Settings
from core.errors import StoreError, ThreadBusy
from core.store import open_store


@pytest.fixture
def database_url() -> str:
    """Only SQLite here."""
    return ""


async def test_asking_does_not_write_who_holds_it(settings: Settings) -> None:
    """`is_driven` looks; a name that it left would be shown to the next who is denied."""
    async with await open_store(settings) as store:
        assert not store.is_driven("t")
        assert not (settings.state_path() / "locks").exists()
        async with store.lease("t"):
            assert store.is_driven("t")
            with pytest.raises(ThreadBusy, match=f"process {os.getpid()} on"):
                async with store.lease("t"):
                    pass


async def test_somebody_who_looks_at_that_instant_is_no_driver(settings: Settings) -> None:
    async with await open_store(settings) as store:
        async with store.lease("t"):
            pass
        looking = os.open(settings.state_path() / "locks" / "t.lock", os.O_RDONLY)
        fcntl.flock(looking, fcntl.LOCK_SH)
        asyncio.get_running_loop().call_later(0.01, os.close, looking)
        async with store.lease("t"):
            assert store.is_driven("t")


async def test_a_place_that_cannot_be_used(settings: Settings) -> None:
    async with await open_store(settings) as store:
        (settings.state_path() / "locks").write_text("no folder")
        with pytest.raises(StoreError) as caught:
            async with store.lease("t"):
                pass
        assert not re.search(r"\n|Errno", str(caught.value))
        with pytest.raises(StoreError):
            store.is_driven("t")
