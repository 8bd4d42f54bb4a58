"""Writes that go to disk together: when, in which order, and what becomes of those that cannot."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from configs.settings import Settings
from core.errors import StoreError
from core.store import Store, open_store
from core.store.base import database
from core.store.sqlite import tables
from tests.core.store.fresh import run
from tests.stand_ins.transactions import counted

CONFIG: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


@pytest.fixture
def only_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes to disk by itself, however slow this machine is."""
    monkeypatch.setattr(database, "GROUP_SECONDS", 3600.0)


async def a_step(store: Store) -> None:
    """What a step of a turn writes, up to the result that the model is told."""
    saver = await store.saver()
    stored = await saver.aput(CONFIG, empty_checkpoint(), {}, {})
    assert await store.journal.begin("t", "call", "bash") is None
    await store.journal.note("t", "call", {"run": "r"})
    await store.journal.finish("t", "call", {"text": "done"})
    await saver.aput_writes(stored, [("messages", "x"), ("turn", {})], "task", "path")
    await saver.aput(CONFIG, empty_checkpoint(), {}, {})
    await store.journal.drop_results("t", ["call"])


@pytest.mark.usefixtures("only_on_demand")
async def test_a_step_is_two_transactions(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.saver()
        with counted(store) as transactions:
            await a_step(store)
        assert transactions.count == 2
    async with await open_store(settings) as store:
        row = await store.journal.row("t", "call")
        assert row is not None
        assert (row.state, row.note, row.result) == ("done", {"run": "r"}, None)
        found = [c async for c in (await store.saver()).alist(CONFIG)]
        assert len(found) == 2
        assert [c.pending_writes for c in found if c.pending_writes] == [
            [("task", "messages", "x"), ("task", "turn", {})]
        ]


async def test_what_waits_is_on_disk_soon(settings: Settings) -> None:
    async with await open_store(settings) as store, await open_store(settings) as other:
        await store.journal.begin("t", "call", "bash")
        async with asyncio.timeout(30):
            while await other.journal.row("t", "call") is None:
                await asyncio.sleep(0.01)


@pytest.mark.usefixtures("only_on_demand")
async def test_a_read_sees_what_waits(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.journal.begin("t", "call", "bash")
        await store.files_seen.mark("t", "/a", "1")
        await store.files_seen.mark("t", "/a", "2")
        assert await store.files_seen.get("t", "/a") == "2"
        saver = await store.saver()
        stored = await saver.aput(CONFIG, empty_checkpoint(), {}, {})
        found = await saver.aget_tuple(CONFIG)
        assert found is not None
        assert found.config == stored
        await store.journal.finish("t", "call", {"text": "x"})
        row = await store.journal.row("t", "call")
        assert row is not None
        assert row.state == "done"


@pytest.mark.usefixtures("only_on_demand")
async def test_reads_of_other_rows_leave_it_waiting(settings: Settings) -> None:
    async with await open_store(settings) as store:
        with counted(store) as transactions:
            await store.journal.begin("t", "one", "bash")
            assert await store.journal.begin("t", "two", "bash") is None
            assert await store.inbox.after("t", 0) == []
        assert transactions.count == 0


@pytest.mark.usefixtures("only_on_demand")
async def test_what_waits_is_written_with_the_end_of_the_lease(settings: Settings) -> None:
    async with await open_store(settings) as store, await open_store(settings) as other:
        async with store.lease("t"):
            await store.journal.begin("t", "call", "bash")
        assert await other.journal.row("t", "call") is not None


@pytest.mark.usefixtures("only_on_demand")
async def test_a_statement_that_fails_takes_nothing_along(settings: Settings) -> None:
    put = "INSERT INTO inbox (thread, seq, text) VALUES ('t', 1, 'x')"
    async with await open_store(settings) as store:
        await store.journal.begin("t", "call", "bash")
        with pytest.raises(StoreError):
            await store.database.batch([(put, []), (put, [])])
        assert await store.inbox.after("t", 0) == []
        assert await store.journal.row("t", "call") is not None


def test_a_kill_leaves_no_later_write_without_an_earlier_one(settings: Settings) -> None:
    code = """
    from core.store.base import database
    database.GROUP_SECONDS = 3600
    async def main():
        store = await open_store(settings)
        await store.journal.begin("t", "call", "bash")
        await store.files_seen.mark("t", "/a", "1")
        await store.journal.note("t", "call", {"run": "r"})
        await store.journal.finish("t", "call", {"text": "lost"})
        os.kill(os.getpid(), 9)
    try:
        asyncio.run(main())
    finally:
        print("alive")
    """
    with pytest.raises(AssertionError):
        run(code, settings)

    async def look() -> None:
        async with await open_store(settings) as store:
            assert await store.files_seen.get("t", "/a") == "1"
            row = await store.journal.row("t", "call")
            assert row is not None
            assert (row.state, row.note) == ("started", {"run": "r"})

    asyncio.run(look())


class TestSqlite:
    @pytest.fixture
    def database_url(self) -> str:
        return ""

    async def test_what_the_disk_refused_is_told_at_the_next_call(self, settings: Settings) -> None:
        async with await open_store(settings) as store:
            await store.database.rows("PRAGMA max_page_count = 40")
            await store.files_seen.mark("t", "/a", "x" * 1_000_000)
            await store.files_seen.mark("t", "/b", "small")
            async with asyncio.timeout(30):
                while store.database._failure is None:
                    await asyncio.sleep(0.01)
            for _ in range(2):
                with pytest.raises(StoreError, match="is full"):
                    await store.inbox.put("t", "a later one")
            await store.database._run(lambda c: c.execute("PRAGMA max_page_count = 4000"))
            # Nothing is lost, and nothing comes before what it follows.
            assert await store.inbox.put("t", "a later one") == 1
            assert await store.files_seen.get("t", "/b") == "small"

    async def test_another_process_that_writes_holds_up_no_loop(self, settings: Settings) -> None:
        async with await open_store(settings) as store:
            other = sqlite3.connect(Path(store.place), isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            put = asyncio.ensure_future(store.inbox.put("t", "typed"))
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert not put.done()
            later = asyncio.ensure_future(store.inbox.put("t", "and more"))
            other.execute("COMMIT")
            other.close()
            async with asyncio.timeout(30):
                assert (await put, await later) == (1, 2)


async def test_a_failure_is_not_told_once_the_writes_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next write of another task puts them there before any call is told."""
    monkeypatch.setattr(tables, "BUSY_SECONDS", 2.0)
    db = tables.SqliteDatabase(tmp_path / "ml-agent.db")
    await db.open()
    await db.rows("CREATE TABLE x (a TEXT)")
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await db.later([("INSERT INTO x VALUES ('waits')", [])])
    async with asyncio.timeout(60):
        while not db._writing.locked():
            await asyncio.sleep(0.01)
        writing = asyncio.create_task(db.rows("INSERT INTO x VALUES ('next')"))
        while db._failure is None:
            await asyncio.sleep(0.01)
        other.execute("ROLLBACK")
        await writing
    assert await db.rows("SELECT a FROM x") == [("waits",), ("next",)]
    await db.close()
    other.close()
