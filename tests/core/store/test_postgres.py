"""What is Postgres's own: servers that refuse, vanish or hang, lost leases, schemas."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from configs.settings import Settings
from core.errors import StoreError, ThreadBusy
from core.store import Store, ThreadRow, open_store
from core.store.postgres import connection
from core.store.postgres.tables import PostgresDatabase
from tests.cli.program import complaints, program
from tests.core.store.fresh import delete_thread, run
from tests.stand_ins.postgres_server import server

CONFIG: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
SECRET = "geheim-%?'4711"


@pytest.fixture
def settings(settings: Settings, bare_postgres_url: str) -> Settings:
    settings.database_url = bare_postgres_url
    return settings


@pytest.fixture
def database_url() -> str:
    """The settings above say which."""
    return ""


@contextmanager
def person(*, password: bool = False) -> Iterator[str]:
    """A role without rights; with `password`, one that the server asks for."""
    name = "locked" if password else "nobody"
    rules = server().data / "pg_hba.conf"
    before = rules.read_text()
    doubled = SECRET.replace("'", "''")
    server().execute(f"CREATE ROLE {name} LOGIN PASSWORD '{doubled}'")
    try:
        if password:
            rules.write_text(f"local all {name} scram-sha-256\n{before}")
            server().execute("SELECT pg_reload_conf()")
        yield name
    finally:
        rules.write_text(before)
        server().execute("SELECT pg_reload_conf()")
        server().execute(f"DROP ROLE {name}")


async def refused(settings: Settings, url: str) -> StoreError:
    settings.database_url = url
    with pytest.raises(StoreError) as caught:
        await open_store(settings)
    said = str(caught.value) + caught.value.hint
    assert "\n" not in said
    assert "geheim" not in said
    assert caught.value.hint
    return caught.value


def name_of(settings: Settings) -> str:
    return settings.database_url.split("/")[3].split("?")[0]


# --- connecting -------------------------------------------------------------------------------


async def test_a_wrong_password(settings: Settings) -> None:
    with person(password=True) as user:
        for wrong in ("", "geheim-0"):
            error = await refused(settings, server().url("postgres", user, wrong))
            assert "does not accept this user and password" in str(error)
            assert f"postgresql://{user}@" in str(error)


async def test_the_right_password_opens_and_is_not_shown(settings: Settings) -> None:
    with person(password=True) as user:
        server().execute(f"ALTER DATABASE {name_of(settings)} OWNER TO {user}")
        settings.database_url = server().url(name_of(settings), user, quote(SECRET))
        async with await open_store(settings) as store:
            await (await store.saver()).aput(CONFIG, empty_checkpoint(), {}, {})
            assert "geheim" not in store.place
            with pytest.raises(StoreError) as caught:
                await store._database.rows(f"SELECT nonsense_{SECRET[:6]} FROM threads")
            assert "failed" in str(caught.value)
        server().execute(f"ALTER DATABASE {name_of(settings)} OWNER TO postgres")
        server().execute("REASSIGN OWNED BY locked TO postgres", name_of(settings))


async def test_a_database_that_is_not_there(settings: Settings) -> None:
    error = await refused(settings, server().url("nowhere"))
    assert "no such database: postgresql://postgres@" in str(error)
    assert "createdb" in error.hint


async def test_no_server_there(settings: Settings) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    error = await refused(settings, f"postgresql://me:geheim@127.0.0.1:{port}/db")
    assert f"no Postgres server answers at postgresql://me@127.0.0.1:{port}/db" in str(error)
    error = await refused(settings, "postgres://me:geheim@/db?host=/no/such/folder")
    assert "no Postgres server answers" in str(error)


async def test_a_host_that_has_no_such_name(settings: Settings) -> None:
    error = await refused(settings, "postgresql://me:geheim@no.such.host.invalid/db")
    assert "no host has the name" in str(error)


async def test_a_server_that_never_answers(settings: Settings) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        port = mute.getsockname()[1]
        url = f"postgresql://me:geheim@127.0.0.1:{port}/db?connect_timeout=2"
        assert "did not answer in time" in str(await refused(settings, url))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:geheim@geheim@host/db",
        "postgresql://me:geheim/geheim@host/db",
        "postgresql://me:gehe%imgeheim@host/db",
        "postgresql://me@host/db?geheim=1",
        "postgresql://me@host:geheim/db",
    ],
)
async def test_a_url_that_cannot_be_read(settings: Settings, url: str) -> None:
    error = await refused(settings, url)
    assert "cannot be read" in str(error)
    assert "%XX" in error.hint


def test_without_the_extra_one_line_says_how_to_install_it(settings: Settings) -> None:
    code = """
    for name in [name for name in sys.modules if "postgres" in name or "psycopg" in name]:
        del sys.modules[name]
    sys.modules["psycopg"] = None
    async def main():
        try:
            await open_store(settings)
        except StoreError as error:
            print(error, "|", error.hint)
    asyncio.run(main())
    """
    said = run(code, settings)
    assert "\n" not in said
    assert "pip install 'ml-agent[postgres]'" in said
    assert "uv sync --extra postgres" in said


def test_doctor_names_the_database_without_its_password(settings: Settings, tmp_path: Any) -> None:
    with person(password=True) as user, program(tmp_path, []) as call:
        for database, mark in ((name_of(settings), "fail "), ("nowhere", "fail ")):
            call.extra["ML_AGENT_DATABASE_URL"] = server().url(database, user, quote(SECRET))
            done = call("doctor")
            lines = [line for line in done.stdout.splitlines() if f"locked@{server().host}" in line]
            assert len(lines) == 1
            assert lines[0].startswith(mark)
            assert "geheim" not in done.stdout + done.stderr
            assert done.returncode == 1
        refused = call.task("hello")
        assert len(complaints(refused)) == 1
        assert "geheim" not in refused.stdout + refused.stderr
    call.extra["ML_AGENT_DATABASE_URL"] = settings.database_url
    found = [line for line in call("doctor").stdout.splitlines() if "database post" in line]
    assert found[0].startswith("ok  database postgresql://postgres@")
    assert "MB" in found[0]


# --- rights and schemas -----------------------------------------------------------------------


async def test_a_role_without_rights(settings: Settings) -> None:
    with person() as user:
        error = await refused(settings, server().url(name_of(settings), user))
    assert "no permission" in str(error)
    assert "GRANT CREATE" in error.hint


async def test_a_server_that_only_reads(settings: Settings) -> None:
    url = f"{settings.database_url}&options=-cdefault_transaction_read_only%3Don"
    assert "read-only" in str(await refused(settings, url))


async def test_our_tables_have_a_schema_of_their_own(settings: Settings) -> None:
    """In a database with other tables of the same names."""
    name = name_of(settings)
    server().execute("CREATE TABLE threads (theirs int); CREATE TABLE checkpoints (x int)", name)
    async with await open_store(settings) as store:
        await (await store.saver()).aput(CONFIG, empty_checkpoint(), {}, {})
        await store.threads.create(ThreadRow("t", "/w", "h", "t", "m", "ask"))
        await delete_thread(store, "t")
        tables = await store._database.tables()
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = '{}'"
    assert {t for (t,) in server().execute(asked.format("ml_agent"), name)} == tables
    public = server().execute(asked.format("public"), name)
    assert sorted(public) == [("checkpoints",), ("threads",)]


async def test_a_search_path_of_the_url_is_kept(settings: Settings) -> None:
    plain, name = settings.database_url, name_of(settings)
    url = f"{plain}&options=-csearch_path%3Dours"
    assert "search_path names is not in" in str(await refused(settings, url))
    server().execute("CREATE SCHEMA ours", name)
    for open_at in (url, plain):
        settings.database_url = open_at
        async with await open_store(settings) as store:
            await store.inbox.put("t", open_at)
            await store.saver()
            assert [r.text for r in await store.inbox.after("t", 0)] == [open_at]
            async with store.lease("t"):  # of this schema's thread
                pass
    server().execute("CREATE SCHEMA theirs; CREATE TABLE theirs.inbox (x int)", name)
    error = await refused(settings, f"{plain}&options=-csearch_path%3Dtheirs")
    assert "another program" in str(error)
    assert server().execute("SELECT * FROM theirs.inbox", name) == []


# --- a connection that ends -------------------------------------------------------------------


def cut(settings: Settings) -> None:
    """End every connection to the database of `settings`, from the server's side."""
    server().execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        f"WHERE datname = '{name_of(settings)}'"
    )


@pytest.mark.parametrize("trusted_seconds", [0.0, 1000.0])
async def test_a_connection_that_was_cut_is_opened_again(
    settings: Settings, trusted_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_SECONDS", trusted_seconds)
    async with await open_store(settings) as store:
        saver = await store.saver()
        for n in range(1, 4):
            cut(settings)
            assert await store.inbox.put("t", "typed") == n
            await saver.aput(CONFIG, empty_checkpoint(), {}, {})
            cut(settings)
            assert len([c async for c in saver.alist(CONFIG)]) == n
            async with store.lease("t"):
                assert store.is_driven("t")


async def test_a_cut_is_told_in_words_and_nothing_is_sent_twice(settings: Settings) -> None:
    async with await open_store(settings) as store:
        saver = await store.saver()
        end = "SELECT pg_terminate_backend(pg_backend_pid())"
        put = "INSERT INTO inbox (thread, seq, text) VALUES ('t', 1, 'lost')"
        with pytest.raises(StoreError, match="ended the connection") as caught:
            await store._database.batch([(put, []), (end, [])])
        assert "resume" in caught.value.hint
        assert await store.inbox.put("t", "kept") == 1
        await saver.aput(CONFIG, empty_checkpoint(), {}, {})


async def test_a_lost_lease_ends_the_turn(settings: Settings) -> None:
    """Another process may drive the thread now: no call is begun, no checkpoint written."""
    async with await open_store(settings) as store, await open_store(settings) as other:
        saver = await store.saver()
        async with store.lease("t"):
            assert await store.journal.begin("t", "before", "bash") is None
            cut(settings)
            async with other.lease("t"):
                with pytest.raises(StoreError, match="hold on the session"):
                    await store.journal.begin("t", "after", "bash")
                with pytest.raises(StoreError, match="hold on the session"):
                    await saver.aput(CONFIG, empty_checkpoint(), {}, {})
                with pytest.raises(StoreError, match="hold on the session"):
                    await saver.aput_writes(CONFIG, [("messages", "x")], "task")
                with pytest.raises(StoreError, match="hold on the session"):
                    await store.inbox.put("t", "x")
                assert await other.journal.row("t", "after") is None
        # The next turn has its own connection.
        async with store.lease("t"):
            assert await store.journal.begin("t", "after", "bash") is None
            with pytest.raises(ThreadBusy):
                async with other.lease("t"):
                    pass


async def test_a_server_that_was_restarted(settings: Settings) -> None:
    async with await open_store(settings) as store:
        try:
            server().stop()
            with pytest.raises(StoreError, match="no Postgres server answers") as caught:
                await store.threads.list()
            assert caught.value.hint
        finally:
            server().start()
        assert await store.threads.list() == []


async def test_a_server_that_hangs_holds_nobody_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await open_store(settings) as store:
        saver = await store.saver()
        pid = backend(store)
        monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(StoreError, match="did not answer for"):
                await store.threads.list()
        finally:
            os.kill(pid, signal.SIGCONT)
        monkeypatch.undo()
        assert await store.threads.list() == []
        assert await saver.aget_tuple(CONFIG) is None


def backend(store: Store) -> int:
    database = store._database
    assert isinstance(database, PostgresDatabase)
    assert database._connection is not None
    return database._connection.info.backend_pid
