"""What a database must do, whichever it is: many processes at once, versions, kill -9."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from configs.settings import Settings
from core.errors import NewerDatabase, StoreError
from core.store import ThreadRow, open_store
from core.store.goals import GoalRow, Terms
from core.store.sqlite import schema
from core.store.sqlite.schema import MIGRATIONS, Migration
from tests.core.store.fresh import begin


@pytest.fixture
def postgres_url(bare_postgres_url: str) -> str:
    """Our tables are made here."""
    return bare_postgres_url


def row(id: str = "a") -> ThreadRow:
    return ThreadRow(id, "/w", "h", "t", "m", "ask")


# --- several processes ------------------------------------------------------------------------

WRITER = """
from langgraph.checkpoint.base import empty_checkpoint
async def main():
    sys.stdin.readline()
    async with await open_store(settings) as store:
        saver = await store.saver()
        me = str(os.getpid())
        await store.threads.create(ThreadRow(me, "/w", "h", "t", "m", "ask"))
        for n in range(25):
            await store.inbox.put("shared", me)
            await store.journal.begin(me, str(n), "bash")
            await store.journal.finish(me, str(n), {"text": "x" * 5000})
            config = {"configurable": {"thread_id": me, "checkpoint_ns": ""}}
            await saver.aput(config, empty_checkpoint(), {}, {})
asyncio.run(main())
"""


async def test_two_turns_that_begin_at_once_share_one_saver(settings: Settings) -> None:
    async with await open_store(settings) as store:
        first, second = await asyncio.gather(store.saver(), store.saver())
    assert first is second


async def test_eight_processes_write_one_fresh_database(settings: Settings) -> None:
    writers = [begin(WRITER, settings) for _ in range(8)]
    for writer in writers:  # all of them at once
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, err = writer.communicate(timeout=180)
        assert writer.returncode == 0, err
    async with await open_store(settings) as store:
        assert len(await store.threads.list()) == 8
        assert [r.seq for r in await store.inbox.after("shared", 0)] == list(range(1, 201))
        counts = await store._database.rows("SELECT COUNT(*) FROM journal WHERE state = 'done'")
        assert counts == [(200,)]


async def test_what_was_written_survives_kill_9(settings: Settings) -> None:
    code = """
    async def main():
        store = await open_store(settings)
        await store.inbox.put("t", "typed")
        os.kill(os.getpid(), 9)
    asyncio.run(main())
    """
    begin(code, settings).communicate(timeout=60)
    async with await open_store(settings) as store:
        assert [r.text for r in await store.inbox.after("t", 0)] == ["typed"]


async def test_a_statement_that_checks_and_writes_does_both_at_once(settings: Settings) -> None:
    """Four processes reserve under one cap: together they stay within it."""
    code = """
    async def main():
        async with await open_store(settings) as store:
            print("ready", flush=True)
            sys.stdin.readline()
            for _ in range(20):
                await store._database.rows(
                    "INSERT INTO inbox (thread, seq, text) SELECT 'cap', "
                    "COALESCE(MAX(seq), 0) + 1, ? FROM inbox WHERE thread = 'cap' "
                    "HAVING COUNT(*) + 1 <= ? RETURNING seq", ["taken", 30])
    asyncio.run(main())
    """
    writers = [begin(code, settings) for _ in range(4)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        _, err = writer.communicate("go\n", timeout=180)
        assert writer.returncode == 0, err
    async with await open_store(settings) as store:
        assert len(await store.inbox.after("cap", 0)) == 30


async def test_a_batch_is_all_or_nothing(settings: Settings) -> None:
    async with await open_store(settings) as store:
        put = "INSERT INTO inbox (thread, seq, text) VALUES (?, ?, ?)"
        with pytest.raises(StoreError):
            await store._database.batch([(put, ["t", 1, "a"]), (put, ["t", 1, "b"])])
        assert await store.inbox.after("t", 0) == []
        await store._database.batch([(put, ["t", 1, "it's 100 % ?"]), (put, ["t", 2, "\\"])])
        assert [r.text for r in await store.inbox.after("t", 0)] == ["it's 100 % ?", "\\"]
        await store._database.batch([])


async def test_values_come_back_as_what_they_were(settings: Settings) -> None:
    async with await open_store(settings) as store:
        rows = store._database.rows
        big, time, text = 9_007_199_254_740_993, 1_800_000_000.123456, "? ' \" % %s \\ \n ä 😀"
        await rows(
            "INSERT INTO threads (id, cwd, host, title, model, mode, caps, status, turns, "
            "created, updated) VALUES (?, ?, 'a?b', 'it''s 5 %', '', ?, '', '', ?, ?, ?)",
            [text, "/w", True, big, time, -1.5e-300],
        )
        columns = "id, host, title, turns, created, updated"
        assert await rows(f"SELECT {columns} FROM threads WHERE cwd = ?", ["/w"]) == [
            (text, "a?b", "it's 5 %", big, time, -1.5e-300)
        ]
        await store.threads.create(row())
        await rows("UPDATE threads SET turns = ? WHERE id = ?", [False, "a"])
        sums = await rows("SELECT SUM(turns), COUNT(*), COALESCE(SUM(turns), 0) FROM threads")
        assert sums == [(big, 2, big)]
        assert [type(value) for value in sums[0]] == [int, int, int]
        assert await rows("SELECT SUM(turns) FROM threads WHERE ? IS NULL", [None]) == [(big,)]
        assert await rows("SELECT SUM(turns) FROM threads WHERE 1 = 0") == [(None,)]
        assert await store.size() > 0


# --- versions ---------------------------------------------------------------------------------


async def test_opening_twice_keeps_everything(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(row())
    async with await open_store(settings) as store:
        assert await store.threads.get("a") is not None
        await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.threads.get("a")


def migrated(settings: Settings, steps: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the database of `settings` to where `steps` lead, as opening it does."""
    if settings.database_url:
        from core.store.postgres import connection as postgres_connection
        from core.store.postgres import schema as postgres_schema

        address = postgres_connection.Address(settings.database_url)
        with postgres_connection.connect(address) as connection:
            postgres_schema.migrate(connection, address, steps)
        return
    path = settings.state_path() / "ml-agent.db"
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        schema.migrate(connection, path, steps)
    finally:
        connection.close()


async def test_a_newer_version_is_left_untouched(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(row())
        await store._database.rows("UPDATE schema_version SET version = 99")
    with pytest.raises(NewerDatabase, match="99") as caught:
        await open_store(settings)
    assert "update ml-agent" in caught.value.hint
    with pytest.raises(NewerDatabase):
        migrated(settings)


def test_tables_of_an_older_version_are_brought_forward_once(settings: Settings) -> None:
    later = (
        *MIGRATIONS,
        (
            "ALTER TABLE threads ADD COLUMN extra TEXT NOT NULL DEFAULT 'new'",
            "CREATE TABLE numbered (id INTEGER PRIMARY KEY, paid INTEGER, at REAL, raw BLOB)",
        ),
    )
    migrated(settings)
    asyncio.run(create(settings))
    for _ in range(2):
        migrated(settings, later)
    assert asyncio.run(extras(settings, later)) == [("a", "new")]
    with pytest.raises(NewerDatabase):
        migrated(settings)


async def test_tables_before_waits_and_goals_get_them(settings: Settings) -> None:
    """Of either database: a thread of that time waits for nothing and has no goal."""
    before = next(n for n, step in enumerate(MIGRATIONS) if "TABLE waits" in step[0])
    migrated(settings, MIGRATIONS[:before])
    insert = (
        "INSERT INTO threads (id, cwd, host, title, model, mode, caps, status, turns, created, "
        "updated) VALUES ('a', '/w', 'h', 't', 'm', 'ask', '{}', 'done', 1, 1.0, 2.0)"
    )
    put_row(settings, insert)
    async with await open_store(settings) as store:
        found = await store.threads.resolve("a")
        assert (found.title, found.status) == ("t", "done")
        assert await store.waits.of("a") is None
        await store.goals.put(GoalRow("a", "text", "true", Terms("i", files={"/w/x": "1"})))
        stored = await store.goals.needed("a")
        assert stored.terms.files == {"/w/x": "1"}


def put_row(settings: Settings, insert: str) -> None:
    if settings.database_url:
        from core.store.postgres import connection as postgres_connection

        address = postgres_connection.Address(settings.database_url)
        with postgres_connection.connect(address) as connection:
            connection.execute(insert)
        return
    with sqlite3.connect(settings.state_path() / "ml-agent.db") as file:
        file.execute(insert)


async def create(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(row())


async def extras(settings: Settings, steps: tuple[Migration, ...]) -> list[tuple[Any, ...]]:
    with pytest.MonkeyPatch.context() as patch:
        for defaults in defaults_of_migrate():
            patch.setattr(defaults, "__defaults__", (steps,))
        async with await open_store(settings) as store:
            rows = store._database.rows
            for n in (1, 2):
                put = "INSERT INTO numbered (paid, at, raw) VALUES (?, ?, ?) RETURNING id"
                assert await rows(put, [2**40, 1.5, b"\x00\xff"]) == [(n,)]
            found = await rows("SELECT paid, at, raw FROM numbered WHERE id = 2")
            assert found == [(2**40, 1.5, b"\x00\xff")]
            return await rows("SELECT id, extra FROM threads")


def defaults_of_migrate() -> list[Callable[..., None]]:
    from core.store.postgres import schema as postgres_schema

    return [schema.migrate, postgres_schema.migrate]


async def test_a_migration_that_fails_changes_nothing(settings: Settings) -> None:
    await create(settings)
    bad = (*MIGRATIONS, ("ALTER TABLE threads ADD COLUMN extra TEXT", "SELECT nonsense"))
    with pytest.raises(Exception, match="nonsense"):
        migrated(settings, bad)
    async with await open_store(settings) as store:
        with pytest.raises(StoreError, match="extra"):
            await store._database.rows("SELECT extra FROM threads")


async def test_a_url_of_another_kind(settings: Settings) -> None:
    settings.database_url = "mysql://user:secret@host/db"
    with pytest.raises(StoreError, match="not in mysql") as caught:
        await open_store(settings)
    assert "secret" not in str(caught.value) + caught.value.hint
