"""The SQLite file itself: how it is made, files that are none, places that cannot be used."""

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from configs.settings import Settings
from core.errors import NewerDatabase, StoreError
from core.quick import forbid_quick_work
from core.store import Store, ThreadRow, open_store
from tests.core.store.fresh import begin, delete_thread, run


@pytest.fixture
def database_url() -> str:
    """Only SQLite here."""
    return ""


PUT = """
async def main():
    async with await open_store(settings) as store:
        await store.inbox.put("t", TEXT)

asyncio.run(main())
"""


def row(id: str = "a") -> ThreadRow:
    return ThreadRow(id, "/w", "h", "t", "m", "ask")


async def refused(settings: Settings) -> StoreError:
    with pytest.raises(StoreError) as caught:
        await open_store(settings)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return caught.value


def sound(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")


async def test_how_the_file_is_made(settings: Settings) -> None:
    async with await open_store(settings) as store:
        path = Path(store.place)
        assert await pragma(store, "journal_mode") == "wal"
        assert await pragma(store, "synchronous") == 2
        assert await pragma(store, "auto_vacuum") == 2
        # On the loop nothing waits for another process; it would be done again in the thread.
        assert await pragma(store, "busy_timeout") == 0
        await store._database.reclaim()
        forbid_quick_work()
        assert await pragma(store, "busy_timeout") == 30_000
        await store.saver()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_what_another_process_has_locked_is_asked_for_again_in_the_thread(
    settings: Settings,
) -> None:
    threads: list[str] = []

    def work(connection: sqlite3.Connection) -> int:
        threads.append(threading.current_thread().name)
        if len(threads) == 1:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return int(connection.execute("PRAGMA busy_timeout").fetchone()[0])

    async with await open_store(settings) as store:
        assert await store._database._run(work) == 30_000
    assert threads[0] != threads[1]
    assert threads[1].startswith("ml-agent-db")


async def test_a_step_does_not_read_all_commands_to_find_jobs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await open_store(settings) as store:
        asked: list[str] = []
        rows = store._database.rows

        async def explained(sql: str, params: list[str], **_: object) -> list[tuple[object, ...]]:
            asked.extend(str(plan) for *_, plan in await rows(f"EXPLAIN QUERY PLAN {sql}", params))
            return []

        monkeypatch.setattr(store._database, "rows", explained)
        await store.journal.notes("t", "hf_jobs", "hf_eval")
    assert "USING INDEX journal_elsewhere (thread=? AND tool=?)" in asked[0]


async def pragma(store: Store, name: str) -> object:
    return (await store._database.rows(f"PRAGMA {name}"))[0][0]


async def test_a_newer_file_keeps_every_byte(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store._database.rows("UPDATE schema_version SET version = 99")
        path = Path(store.place)
    before = path.read_bytes()
    assert isinstance(await refused(settings), NewerDatabase)
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database(settings: Settings) -> None:
    settings.state_path().mkdir()
    path = settings.state_path() / "ml-agent.db"
    path.write_text("dear diary, " * 500)
    error = await refused(settings)
    assert str(path) in str(error)
    assert "not an SQLite database" in str(error)
    assert path.read_text() == "dear diary, " * 500


async def test_a_database_of_another_program(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    settings.database_url = f"sqlite:///{path}"
    assert "another program" in str(await refused(settings))
    assert path.read_bytes() == before


async def test_a_damaged_file(settings: Settings) -> None:
    async with await open_store(settings) as store:
        for n in range(200):
            await store.inbox.put("t", f"{n} " * 500)
        path = Path(store.place)
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xaa" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"):
        async with await open_store(settings) as store:
            await store.inbox.after("t", 0)


async def test_a_url_names_the_file(settings: Settings, tmp_path: Path) -> None:
    settings.database_url = f"sqlite:///{tmp_path}/deep/er/my threads.db"
    async with await open_store(settings) as store:
        await store.threads.create(row())
    assert (tmp_path / "deep" / "er" / "my threads.db").is_file()


# --- places that cannot be used ---------------------------------------------------------------


async def test_a_folder_where_the_file_should_be(settings: Settings) -> None:
    (settings.state_path() / "ml-agent.db").mkdir(parents=True)
    assert "ml-agent.db" in str(await refused(settings))


async def test_a_file_where_the_folder_should_be(settings: Settings) -> None:
    settings.state_path().write_text("")
    assert "ml-agent.db" in str(await refused(settings))


AS_NOBODY = """
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
async def main():
    try:
        async with await open_store(settings) as store:
            await store.inbox.put("t", "x")
            print("written")
    except StoreError as error:
        print(error, "|", error.hint)
asyncio.run(main())
"""


def open_to_all(folder: Path) -> None:
    """Let another user walk to `folder`, where tests run as root."""
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.getuid() and str(parent) not in ("/", "/tmp"):
            parent.chmod(0o755)


async def test_a_read_only_folder(settings: Settings) -> None:
    state = settings.state_path()
    state.mkdir()
    open_to_all(state)
    state.chmod(0o555)
    said = run(AS_NOBODY, state)
    assert "Permission denied" in said
    assert "ML_AGENT_DATABASE_URL" in said
    assert "\n" not in said


async def test_a_read_only_file(settings: Settings) -> None:
    async with await open_store(settings) as store:
        path = Path(store.place)
    open_to_all(path.parent)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    said = run(AS_NOBODY, settings.state_path())
    assert str(path) in said
    assert "\n" not in said
    path.chmod(0o600)
    path.parent.chmod(0o700)
    assert sound(path)


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
async def main():
    store = await open_store(settings)
    for n in range(20):
        await store.inbox.put("t", "y" * 1000)
    LIMIT
    try:
        for n in range(1000):
            await store.inbox.put("t", "y" * 5000)
    except StoreError as error:
        print(n, error, "|", error.hint, flush=True)
    assert await store.inbox.after("t", 0)
    os._exit(0)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        # The log next to the file may not grow: a quota, a limit of the shell.
        ("resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))", "ml-agent.db"),
        # SQLite's own answer to a disk without space.
        ("await store._database.rows('PRAGMA max_page_count = 60')", "is full"),
    ],
)
async def test_no_space(settings: Settings, limit: str, words: str) -> None:
    """What was accepted is there, the rest was refused in words, and it continues later."""
    said = run(FULL.replace("LIMIT", limit), settings.state_path())
    assert words in said
    assert "\n" not in said
    assert "space" in said
    assert sound(settings.state_path() / "ml-agent.db")
    written = 20 + int(said.split()[0])
    async with await open_store(settings) as store:
        assert len(await store.inbox.after("t", 0)) == written
        assert await store.inbox.put("t", "on we go") == written + 1


async def test_the_space_comes_back(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(row("big"))
        for _ in range(40):
            await store.inbox.put("big", "x" * 100_000)
        await delete_thread(store, "big")
        free = await store._database.rows("PRAGMA freelist_count")
        assert free[0][0] == 0


def test_a_checkpointer_without_space_does_not_keep_the_program_from_ending(
    settings: Settings,
) -> None:
    code = """
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async def main():
        async with await open_store(settings) as store:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            try:
                await store.saver()
            except StoreError as error:
                print("refused")
    asyncio.run(main())
    """
    process = begin(code, settings.state_path())
    try:
        assert process.communicate(timeout=60)[0] == "refused\n"
    finally:
        process.kill()


async def test_a_second_store_in_one_process_takes_no_lock_away(settings: Settings) -> None:
    """Closing a descriptor of the file would drop the first store's locks: then the next process
    that leaves deletes the log, and the first store reads and writes one that no one sees."""
    async with await open_store(settings) as first:
        await first.inbox.put("t", "before")
        log = Path(f"{first.place}-wal")
        inode = log.stat().st_ino
        async with await open_store(settings) as second:
            for text in ("one", "two"):
                run(PUT.replace("TEXT", repr(text)), settings.state_path())
                assert log.stat().st_ino == inode
            assert len(await second.inbox.after("t", 0)) == 3
            assert len(await first.inbox.after("t", 0)) == 3
            await first.inbox.put("t", "after")
    async with await open_store(settings) as store:
        texts = [r.text for r in await store.inbox.after("t", 0)]
        assert texts == ["before", "one", "two", "after"]
