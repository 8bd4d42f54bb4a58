"""The lease: one driver per thread, free at once when its holder dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from configs.settings import Settings
from graph.errors import StoreError, ThreadBusy
from graph.store import Store, ThreadRow, open_store
from tests.graph.store.fresh import begin

HOLD = """
async def main():
    async with await open_store(settings) as store, store.lease("t"):
        print("held", flush=True)
        sys.stdin.readline()
asyncio.run(main())
"""


@contextmanager
def holder(settings: Settings, code: str = HOLD) -> Iterator[subprocess.Popen[str]]:
    """Another process that drives thread t."""
    process = begin(code, settings.state_path())
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_a_second_process_is_told_who_holds_it(settings: Settings) -> None:
    async with await open_store(settings) as store:
        with holder(settings) as process:
            assert store.is_driven("t")
            assert not store.is_driven("u")
            with pytest.raises(ThreadBusy, match=rf"process {process.pid} on .+ since \d\d:"):
                async with store.lease("t"):
                    pass
            async with store.lease("u"):
                pass


async def test_kill_9_frees_it(settings: Settings) -> None:
    async with await open_store(settings) as store:
        with holder(settings) as process:
            process.kill()
            process.wait()
            assert not store.is_driven("t")
            async with store.lease("t"):
                assert store.is_driven("t")
        assert not store.is_driven("t")


async def test_a_command_that_outlives_its_holder_does_not_keep_it(settings: Settings) -> None:
    code = HOLD.replace("sys.stdin.readline()", "os.system('sleep 60 & echo $! >&2')", 1).replace(
        'print("held", flush=True)', ""
    )
    process = begin(code, settings.state_path())
    assert process.stderr is not None
    child = int(process.stderr.readline())
    process.kill()
    process.wait()
    try:
        async with await open_store(settings) as store, store.lease("t"):
            pass
    finally:
        os.kill(child, 9)
        process.communicate()


async def test_the_same_process_is_refused_too(settings: Settings) -> None:
    async with await open_store(settings) as store, await open_store(settings) as other:
        async with store.lease("t"):
            for opened in (store, other):
                with pytest.raises(ThreadBusy, match=f"process {os.getpid()} on"):
                    async with opened.lease("t"):
                        pass
        async with other.lease("t"):
            pass


async def test_it_ends_with_its_block_whatever_happens(settings: Settings) -> None:
    async with await open_store(settings) as store:
        with pytest.raises(ZeroDivisionError):
            await fail_under_lease(store)
        assert not store.is_driven("t")


async def fail_under_lease(store: Store) -> None:
    async with store.lease("t"):
        raise ZeroDivisionError


async def test_asking_does_not_write_who_holds_it(settings: Settings) -> None:
    """`is_driven` looks; a name that it left would be shown to the next who is refused."""
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


async def test_a_driven_thread_is_not_deleted(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(ThreadRow("t", "/w", "h", "t", "m", "ask"))
        with holder(settings):
            with pytest.raises(ThreadBusy):
                await store.delete_thread("t")
            assert await store.threads.get("t") is not None
        await store.delete_thread("t")
        assert await store.threads.get("t") is None


async def test_a_place_that_cannot_be_used(settings: Settings) -> None:
    async with await open_store(settings) as store:
        (settings.state_path() / "locks").write_text("no folder")
        with pytest.raises(StoreError) as caught:
            async with store.lease("t"):
                pass
        assert not re.search(r"\n|Errno", str(caught.value))
        with pytest.raises(StoreError):
            store.is_driven("t")
