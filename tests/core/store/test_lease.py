"""The lease: one driver per thread, free at once when its holder dies."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from configs.settings import Settings
from core.errors import ThreadBusy
from core.store import Store, ThreadRow, open_store
from tests.core.store.fresh import begin, delete_thread

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
    process = begin(code, settings)
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
            async with store.lease("t"):
                assert store.is_driven("t")
        assert not store.is_driven("t")
        with holder(settings) as process:
            process.kill()
            process.wait()
            while store.is_driven("t"):  # a server needs an instant to see it
                await asyncio.sleep(0.01)


async def test_a_command_that_outlives_its_holder_does_not_keep_it(settings: Settings) -> None:
    code = HOLD.replace("sys.stdin.readline()", "os.system('sleep 60 & echo $! >&2')", 1).replace(
        'print("held", flush=True)', ""
    )
    process = begin(code, settings)
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


async def test_a_driven_thread_is_not_deleted(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(ThreadRow("t", "/w", "h", "t", "m", "ask"))
        with holder(settings):
            with pytest.raises(ThreadBusy):
                await delete_thread(store, "t")
            assert await store.threads.get("t") is not None
        await delete_thread(store, "t")
        assert await store.threads.get("t") is None


async def test_who_is_refused_frees_nothing(settings: Settings) -> None:
    async with (
        await open_store(settings) as store,
        await open_store(settings) as other,
        store.lease("t"),
    ):
        for refused in (store, store, other):
            with pytest.raises(ThreadBusy):
                async with refused.lease("t"):
                    pass
            assert other.is_driven("t")


@pytest.mark.parametrize("yields", range(8))
async def test_a_lease_that_is_cancelled_is_free(settings: Settings, yields: int) -> None:
    async def drive(store: Store) -> None:
        async with store.lease("t"):
            await asyncio.Event().wait()

    async with await open_store(settings) as store, await open_store(settings) as other:
        task = asyncio.ensure_future(drive(store))
        for _ in range(yields):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with other.lease("t"):
            pass


async def test_one_process_drives_many_threads(settings: Settings) -> None:
    async with await open_store(settings) as store, await open_store(settings) as other:
        async with store.lease("t"), store.lease("u"):
            pass
        async with store.lease("t"):
            async with other.lease("u"):
                assert store.is_driven("u")
            assert not other.is_driven("u")
            assert other.is_driven("t")
