"""Removing threads with all they left, on both databases."""

import asyncio
import fcntl
import os
from pathlib import Path

import pytest

from configs.settings import Settings
from core.store import Store, ThreadRow, open_store
from core.store.files import history
from core.store.files.file_snapshots import locked
from core.store.files.history import Snapshots
from core.store.files.recorder import Turn
from core.store.prune import in_use, remove
from core.store.runs import Meta, start


def row(id: str, cwd: Path) -> ThreadRow:
    return ThreadRow(id, str(cwd), "host", id, "openai/x", "ask")


def snapshots_of(store: Store, settings: Settings) -> Snapshots:
    return Snapshots(store.database, settings.state_path(), lambda path: False)


async def made(store: Store, settings: Settings, id: str, cwd: Path) -> ThreadRow:
    """A thread with a turn's snapshot, a message and a saved result."""
    created = await store.threads.create(row(id, cwd))
    await store.inbox.put(id, "x" * 200_000)
    snapshots = snapshots_of(store, settings)
    await snapshots.begin(Turn(id, "before", str(cwd)))
    kept = await snapshots.changes(Turn(id, "before", str(cwd)))
    assert kept is not None
    assert not kept.off
    results = store.folder_of(id) / "results"
    results.mkdir(parents=True)
    (results / "c.txt").write_text("y" * 5000)
    return created


def shadows(settings: Settings) -> set[str]:
    return {path.suffix for path in (settings.state_path() / "snapshots").iterdir()}


async def test_what_threads_left_goes_with_them(settings: Settings, workdir: Path) -> None:
    other = workdir.parent / "other"
    other.mkdir()
    (workdir / "data").write_text("z" * 30_000)
    async with await open_store(settings) as store:
        rows = [await made(store, settings, f"t{n}", workdir) for n in range(60)]
        kept = await made(store, settings, "kept", other)
        before = await store.size()
        removed = await remove(store, settings.state_path(), rows[:-1])
        assert (removed.threads, removed.left) == (rows[:-1], {})
        assert removed.freed >= 59 * 5000
        if not settings.database_url:
            path = Path(store.place)
            assert path.stat().st_size == await store.size() < before - 59 * 200_000
            assert removed.freed > before - path.stat().st_size
        # The last thread of the folder still has its snapshot.
        snapshots = snapshots_of(store, settings)
        assert await snapshots.changes(Turn("t59", "before", str(workdir)))
        assert not await snapshots.changes(Turn("t58", "before", str(workdir)))
        git = settings.state_path() / "snapshots"
        assert len(list(git.glob("*.git"))) == 2
        last = await remove(store, settings.state_path(), rows[-1:])
        assert last.freed >= 5000
        (left,) = git.glob("*.git")
        assert await snapshots.changes(Turn("kept", "before", str(other)))
        assert [r.id for r in await store.threads.list()] == [kept.id]
        assert sorted(p.name for p in (settings.state_path() / "threads").iterdir()) == ["kept"]
        assert shadows(settings) == {".git", ".json", ".turns", ""}
        assert left.with_suffix(".json").exists()


async def test_one_that_is_used_stays(settings: Settings, workdir: Path) -> None:
    async with await open_store(settings) as store, await open_store(settings) as other:
        driven, touched, gone = [
            await store.threads.create(row(id, workdir)) for id in ("driven", "touched", "gone")
        ]
        await store.threads.update("touched", turns=1)
        async with other.lease("driven"):
            assert await in_use(store, driven) == "it is open right now"
            removed = await remove(store, settings.state_path(), [driven, touched, gone])
        assert removed.threads == [gone]
        assert set(removed.left) == {"driven", "touched"}
        assert f"process {os.getpid()}" in removed.left["driven"]
        assert removed.left["touched"] == "it was used meanwhile"
        assert {r.id for r in await store.threads.list()} == {"driven", "touched"}
        again = await remove(store, settings.state_path(), [driven, gone])
        assert (again.threads, list(again.left)) == ([driven], ["gone"])


async def test_why_a_thread_stays(settings: Settings, workdir: Path) -> None:
    async with await open_store(settings) as store:
        for status, reason in [
            ("done", ""),
            ("limit", ""),
            ("interrupted", ""),
            ("approval", "it waits for approval"),
            ("running", "its last turn was cut off"),
        ]:
            await store.threads.create(row(status, workdir))
            asked = await store.threads.update(status, status=status)
            assert await in_use(store, asked) == reason
            shown = "cut off" if status == "running" else status
            assert store.standing(asked) == shown
        done = await store.threads.get("done")
        assert done is not None
        folder = store.folder_of("done") / "runs" / "call_1"
        run = start(
            folder, Meta("sleep 60", str(workdir), timeout=None, background=True), os.environ
        )
        assert await in_use(store, done) == "a command of it still runs"
        run.kill("killed")
        assert await in_use(store, done) == ""


async def test_while_snapshots_are_taken_no_repository_goes(
    settings: Settings, workdir: Path
) -> None:
    async with await open_store(settings) as store:
        thread = await made(store, settings, "a", workdir)
        home = settings.state_path() / "snapshots"
        with locked(home, fcntl.LOCK_SH):
            removed = await remove(store, settings.state_path(), [thread])
        assert removed.threads == [thread]
        assert len(list(home.glob("*.git"))) == 1
        # A later clean-up takes it, and what a killed one put aside.
        (home / "x.1.gone").mkdir()
        assert await snapshots_of(store, settings).drop_unused([str(workdir)]) > 0
        assert [path.name for path in home.iterdir()] == ["lock"]


async def test_a_damaged_repository_keeps_no_thread(settings: Settings, workdir: Path) -> None:
    async with await open_store(settings) as store:
        thread = await made(store, settings, "a", workdir)
        (git,) = (settings.state_path() / "snapshots").glob("*.git")
        (git / "HEAD").unlink()
        assert (await remove(store, settings.state_path(), [thread])).threads == [thread]
        assert await store.threads.list() == []


async def test_a_look_waits_for_a_clean_up_on_the_same_loop(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks are done on the event loop while they take little: one that waited there for a lock
    that another task of this loop holds would wait forever."""
    monkeypatch.setattr(history, "LONGEST_LOOK", 3600.0)
    (workdir / "a.txt").write_text("a")
    turn = Turn("t", "before", str(workdir))
    async with await open_store(settings) as store:
        looking = snapshots_of(store, settings)
        await looking.begin(turn)
        await looking.leave(turn, await looking.enter(turn), goes_on=False)
        with locked(settings.state_path() / "snapshots", fcntl.LOCK_EX):
            look = asyncio.ensure_future(looking.enter(turn))
            await asyncio.wait({look}, timeout=0.2)
            assert not look.done()
        assert "a.txt" in (await asyncio.wait_for(look, 60)).entries
