"""Journal, inbox, files seen and threads, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from configs.settings import Settings
from core.durable import WaitRow
from core.errors import NoSuchThread
from core.experiments.record import Experiment, Judge, Trial
from core.store import Store, ThreadRow, new_thread_id, open_store
from core.store.goals import GoalRow, Terms
from core.store.search import Said
from core.store.sqlite.tables import Database, Row, Statement
from core.store.threads import TITLE_CHARACTERS, ThreadRows
from tests.core.store.fresh import delete_thread


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with await open_store(settings) as opened:
        yield opened


def row(id: str, cwd: str = "/w", title: str = "t") -> ThreadRow:
    return ThreadRow(id, cwd, "host", title, "openai/x", "ask")


# --- journal ---------------------------------------------------------------------------------


async def test_a_call_is_begun_noted_done_and_forgotten(store: Store) -> None:
    journal = store.journal
    assert await journal.begin("t", "c", "bash") is None
    again = await journal.begin("t", "c", "bash")
    assert again is not None
    assert (again.state, again.note, again.result) == ("started", None, None)
    await journal.note("t", "c", {"run": "ä"})
    await journal.finish("t", "c", {"text": "x\ud800y", "ok": True})
    done = await journal.begin("t", "c", "bash")
    assert done is not None
    assert (done.state, done.note) == ("done", {"run": "ä"})
    assert done.result == {"text": "x\ud800y", "ok": True}
    await journal.drop_results("t", ["c", "other"])
    left = await journal.row("t", "c")
    assert left is not None
    assert (left.state, left.result) == ("done", None)


async def test_the_notes_of_some_tools_are_found_among_those_of_commands(store: Store) -> None:
    journal = store.journal
    for call, tool in (("c", "bash"), ("d", "hf_jobs"), ("e", "hf_eval"), ("f", "hf_jobs")):
        await journal.begin("t", call, tool)
        if call != "f":
            await journal.note("t", call, {"at": 1.0})
    assert await journal.notes("t", "hf_jobs", "hf_eval") == [
        ("d", {"at": 1.0}),
        ("e", {"at": 1.0}),
    ]
    assert await journal.notes("t", "bash") == [("c", {"at": 1.0})]
    assert await journal.notes("t", "bash", "hf_eval") == [
        ("c", {"at": 1.0}),
        ("e", {"at": 1.0}),
    ]
    assert await journal.notes("other", "bash", "hf_jobs") == []


async def test_calls_of_two_threads_are_apart(store: Store) -> None:
    assert await store.journal.begin("a", "c", "bash") is None
    assert await store.journal.begin("b", "c", "bash") is None
    assert await store.journal.row("c", "c") is None
    await store.journal.drop_results("a", [])


async def test_only_one_of_many_begins_a_call(store: Store) -> None:
    begun = await asyncio.gather(*(store.journal.begin("t", "c", "bash") for _ in range(20)))
    assert begun.count(None) == 1


async def test_thousands_of_results_are_dropped_at_once(store: Store) -> None:
    ids = [f"c{n}" for n in range(40_000)]
    await store.journal.begin("t", "c7", "bash")
    await store.journal.finish("t", "c7", {"text": "x"})
    await store.journal.drop_results("t", ids)
    left = await store.journal.row("t", "c7")
    assert left is not None
    assert left.result is None


# --- inbox and files -------------------------------------------------------------------------


async def test_messages_keep_their_order_and_their_text(store: Store) -> None:
    texts = ["first", "", "ä\n😀\x00 end", "lone \ud800"]
    assert [await store.inbox.put("t", text) for text in texts] == [1, 2, 3, 4]
    assert await store.inbox.put("u", "other") == 1
    found = await store.inbox.after("t", 0)
    assert [r.seq for r in found] == [1, 2, 3, 4]
    assert [r.text for r in found[:2]] == texts[:2]
    # What no database or provider takes is there as an escape.
    assert [r.text for r in found[2:]] == ["ä\n😀\\x00 end", "lone \\ud800"]
    assert [r.seq for r in await store.inbox.after("t", 3)] == [4]
    assert await store.inbox.after("t", 4) == []


async def test_a_message_that_was_withdrawn_keeps_its_number(store: Store) -> None:
    for text in ("first", "second"):
        await store.inbox.put("t", text)
    await store.inbox.withdraw("t", 2)
    assert [r.text for r in await store.inbox.after("t", 0)] == ["first"]
    assert await store.inbox.put("t", "third") == 3
    await store.inbox.withdraw("t", 3)
    assert await store.inbox.after("t", 1) == []
    assert await store.inbox.put("t", "fourth") == 4


async def test_messages_that_come_together_get_numbers_of_their_own(store: Store) -> None:
    taken = await asyncio.gather(*(store.inbox.put("t", str(n)) for n in range(50)))
    assert sorted(taken) == list(range(1, 51))


async def test_files_are_known_by_their_newest_content(store: Store) -> None:
    assert await store.files_seen.get("t", "/a") is None
    await store.files_seen.mark("t", "/a", "1")
    await store.files_seen.mark("t", "/a", "2")
    await store.files_seen.mark("t", "/\udcff", "3")
    assert await store.files_seen.get("t", "/a") == "2"
    assert await store.files_seen.get("t", "/\udcff") == "3"
    assert await store.files_seen.get("u", "/a") is None


# --- threads ---------------------------------------------------------------------------------


async def test_a_thread_remembers(store: Store) -> None:
    made = await store.threads.create(row("a", title="fix\n  the   loss " + "x" * 200))
    assert made.title.startswith("fix the loss xxx")
    assert len(made.title) == TITLE_CHARACTERS
    assert await store.threads.get("a") == made
    changed = await store.threads.update("a", status="error", turns=3)
    assert (changed.status, changed.turns) == ("error", 3)
    assert changed.created == made.created
    assert changed.updated >= made.updated
    assert await store.threads.get("b") is None
    with pytest.raises(NoSuchThread):
        await store.threads.update("b", status="done")


async def test_a_thread_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    for id in ("20260101-aa", "20260101-ab", "20260202-aa", "2026", "100%_x"):
        await store.threads.create(row(id))
    assert (await store.threads.resolve("20260101-ab")).id == "20260101-ab"
    assert (await store.threads.resolve("202602")).id == "20260202-aa"
    assert (await store.threads.resolve("2026")).id == "2026"
    assert (await store.threads.resolve("100%_")).id == "100%_x"
    with pytest.raises(NoSuchThread) as several:
        await store.threads.resolve("20260101")
    assert "20260101-aa" in str(several.value)
    assert "20260101-ab" in str(several.value)
    assert several.value.exit_code == 2
    for wanted in ("", "zz", "%", "_026", "20260101-AA"):
        with pytest.raises(NoSuchThread, match="no session matches"):
            await store.threads.resolve(wanted)


async def test_a_thread_is_found_by_its_end_its_place_and_its_title(store: Store) -> None:
    for id, title, cwd in [
        ("20260101-aaaa", "Train on beans", "/w"),
        ("20260101-bbbb", "Bean counting", "/w"),
        ("20260101-cccc", "Überprüfe beans", "/v"),
    ]:
        await store.threads.create(replace(row(id, cwd), title=title))
    for wanted, cwd, end in [
        ("bbb", "", "bbbb"), ("train", "/w", "aaaa"), ("beans", "/w", "aaaa"),
        ("beans", "/v", "cccc"), ("überprüfe", "/w", "cccc"), ("on train", "/w", "aaaa"),
        ("@1", "/w", "bbbb"), ("@2", "/w", "aaaa"), ("@1", "/v", "cccc"), ("@1", "", "cccc"),
    ]:  # fmt: skip
        assert (await store.threads.resolve(wanted, cwd)).id == f"20260101-{end}", (wanted, cwd)
    for wanted, cwd, words in [
        ("beans", "", "several sessions: .*Überprüfe"), ("bean train", "/w", "no session matches"),
        ("@3", "/w", "the last one is @2"), ("@0", "/w", "no session @0"),
        ("@1", "/nowhere", "this folder has no sessions"), ("rai", "/w", "no session matches"),
    ]:  # fmt: skip
        with pytest.raises(NoSuchThread, match=words):
            await store.threads.resolve(wanted, cwd)


async def test_lists_are_newest_first_and_by_folder(store: Store) -> None:
    for id, cwd in (("a", "/w"), ("b", "/w/sub"), ("c", "/w"), ("d", "/v")):
        await store.threads.create(row(id, cwd))
    await store.threads.update("a", status="running")
    assert [r.id for r in await store.threads.list()] == ["a", "d", "c", "b"]
    assert [r.id for r in await store.threads.list("/w")] == ["a", "c"]
    assert [r.id for r in await store.threads.list(limit=1)] == ["a"]
    newest = await store.threads.newest("/w/sub")
    assert newest is not None
    assert newest.id == "b"
    assert await store.threads.newest("/nowhere") is None


class Watched:
    """A database, and what was asked of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[Statement] = []

    async def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        self.asked.append((sql, params))
        return await self._database.rows(sql, params)


async def test_ten_thousand_threads_are_listed_by_index(settings: Settings) -> None:
    postgres = bool(settings.database_url)
    async with await open_store(settings) as store:
        await store._database.batch([(INSERT, thread(n, f"/w/{n % 50}")) for n in range(10_000)])
        watched = Watched(store._database)
        threads = ThreadRows(cast(Database, watched))
        assert [r.id for r in await threads.list(limit=2)] == ["t9999", "t9998"]
        assert [r.id for r in await threads.list("/w/7", 2)] == ["t9957", "t9907"]
        newest = await threads.newest("/w/7")
        assert newest is not None
        assert newest.id == "t9957"
        # Where this folder has fewer than are wanted, the others fill up.
        found = [r.id for r in await threads.by_folder("/w/7", 203)]
        assert found[:200] == [f"t{n}" for n in range(9957, 0, -50)]
        assert found[200:] == ["t9999", "t9998", "t9997"]
        if postgres:
            await store._database.rows("ANALYZE threads")
        assert len(watched.asked) == 5
        for sql, params in watched.asked:
            await never_sorts(store, sql, params, postgres)


INSERT = (
    "INSERT INTO threads (id, cwd, host, title, model, mode, caps, status, turns, created, updated)"
    " VALUES (?, ?, 'h', 't', 'm', 'ask', '{}', 'done', 1, ?, ?)"
)


def thread(n: int, cwd: str) -> list[Any]:
    return [f"t{n}", cwd, n, n]


async def never_sorts(store: Store, sql: str, params: Sequence[Any], postgres: bool) -> None:
    """How `sql` is answered: along an index, without sorting all there are."""
    explain = "EXPLAIN" if postgres else "EXPLAIN QUERY PLAN"
    found = await store._database.rows(f"{explain} {sql}", params)
    steps = " / ".join(str(r[-1]) for r in found)
    assert "Index Scan" in steps if postgres else "USING INDEX threads_" in steps, steps
    # Postgres may take a folder's rows by the index and sort those: few, never all there are.
    slow = ("TEMP B-TREE", "Seq Scan", *(() if "Index Cond: (cwd" in steps else ("Sort",)))
    assert not [step for step in slow if step in steps], steps


async def test_other_folders_stand_together(store: Store) -> None:
    for id, cwd in (("a", "/w"), ("b", "/x"), ("c", "/w"), ("d", "/y"), ("e", "/x"), ("f", "/y")):
        await store.threads.create(row(id, cwd))
    assert [r.id for r in await store.threads.by_folder("/w")] == ["c", "a", "f", "d", "e", "b"]
    assert [r.id for r in await store.threads.by_folder("/w", 4)] == ["c", "a", "f", "e"]
    assert [r.id for r in await store.threads.by_folder("/w", 1)] == ["c"]
    assert [r.id for r in await store.threads.by_folder("/v", 3)] == ["f", "d", "e"]


async def test_a_new_title_is_no_use_of_the_thread(store: Store) -> None:
    made = await store.threads.create(row("a"))
    named = await store.threads.rename("a", "a  better\nname " + "x" * 200)
    assert named.title.startswith("a better name xx")
    assert len(named.title) == TITLE_CHARACTERS
    assert await store.threads.get("a") == replace(made, title=named.title)
    with pytest.raises(NoSuchThread):
        await store.threads.rename("b", "x")


async def test_outdated_threads_are_found_by_age_and_place(store: Store) -> None:
    pairs = [(n, f"/w/{n % 2}") for n in range(8)]
    await store._database.batch([(INSERT, thread(n, cwd)) for n, cwd in pairs])

    async def found(before: float, **which: Any) -> list[str]:
        return [r.id for r in await store.threads.outdated(before, **which)]

    assert await found(4) == ["t0", "t1", "t2", "t3"]
    assert await found(4, cwd="/w/1") == ["t1", "t3"]
    assert await found(100, keep=3) == ["t0", "t1"]
    assert await found(1, keep=3) == ["t0"]
    assert await found(100, keep=1, cwd="/w/0") == ["t0", "t2", "t4"]
    assert await found(0) == await found(100, keep=4) == []


def test_ids_sort_by_time() -> None:
    ids = [new_thread_id(1_800_000_000 + n * 86_400) for n in range(5)]
    assert ids == sorted(ids)
    assert len({new_thread_id(1_800_000_000) for _ in range(20)}) > 15


# --- deleting --------------------------------------------------------------------------------


async def test_a_deleted_thread_leaves_nothing(store: Store, settings: Settings) -> None:
    saver = await store.saver()
    for thread in ("gone", "kept"):
        await store.threads.create(row(thread))
        await store.inbox.put(thread, "text")
        await store.journal.begin(thread, "c", "bash")
        await store.files_seen.mark(thread, "/a", "1")
        await store.decisions.put(thread, "c", {"type": "approve"})
        await store.waits.make(WaitRow(thread, "c", [], "", 1.0, None, 0, {}))
        await store.goals.put(GoalRow(thread, "goal", "true", Terms("money")))
        await store.search.add(thread, [Said("m", 1, 1, "user", "hello")], is_whole=True)
        judge = Judge("loss", "min", "python judge.py")
        await store.experiments.define(Experiment(thread, judge, "/w", "digest", 1.0))
        await store.experiments.begin(Trial(thread, 0, f"{thread}-c", None, "baseline"))
        await put_checkpoint(saver, thread)
        await store.database.rows(
            "INSERT INTO snapshots (thread, before_id, start, finish, off) "
            "VALUES (?, 'c', '', '', '')",
            [thread],
        )
        folder = settings.state_path() / "threads" / thread / "runs"
        folder.mkdir(parents=True)
    await delete_thread(store, "gone")
    # What was spent stays spent.
    others = {"schema_version", "checkpoint_migrations", "ledger", "grants"}
    tables = sorted(await store._database.tables() - others)
    theirs = {"checkpoints", "writes", "checkpoint_writes", "checkpoint_blobs"} & set(tables)
    assert len(theirs) == (3 if settings.database_url else 2)
    assert {"journal", "inbox", "files_seen", "threads"} <= set(tables)
    left = {}
    for table in tables:
        name = "id" if table == "threads" else "thread_id" if table in theirs else "thread"
        found = await store._database.rows(f"SELECT {name} FROM {table}")
        left[table] = sorted({v for (v,) in found})
    assert left == {table: ["kept"] for table in tables}
    assert [p.name for p in (settings.state_path() / "threads").iterdir()] == ["kept"]


async def put_checkpoint(saver: object, thread: str) -> None:
    from langgraph.checkpoint.base import empty_checkpoint

    config = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    checkpoint = empty_checkpoint()
    checkpoint["channel_values"] = {"messages": [thread]}
    versions = {"messages": "1"}
    stored = await saver.aput(config, checkpoint, {}, versions)  # type: ignore[attr-defined]
    await saver.aput_writes(stored, [("messages", "x")], "task", "path")  # type: ignore[attr-defined]


async def test_deleting_what_is_not_there_is_fine(store: Store) -> None:
    await delete_thread(store, "never")
