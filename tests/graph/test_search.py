"""Searching sessions: their turns, undo, forks, kills, older versions."""

from pathlib import Path

import pytest

from configs.settings import Settings
from core.store import Store, ThreadRow, open_store
from core.store.search import Said
from graph.search import Found, matching_line, search
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply


def answers(asked: Asked) -> Reply:
    if "write" in asked.user and asked.step == 0:
        return Reply("I look first.", calls=[Call("grep", {"pattern": "toolwords"})])
    return Reply(f"The answer to {asked.user.split()[-1]} is walrus")


async def ids(store: Store, text: str) -> list[str]:
    return [one.row.id for one in await search(store, text, None, 20)]


async def test_users_and_models_words_are_found(settings: Settings, workdir: Path) -> None:
    async with driven(answers, settings, workdir, mode="auto") as driver:
        await driver.send("write about LoRA ranks")
        await driver.send("and about warmup")
        id = driver.session.thread.id
    async with await open_store(settings) as store:
        assert await store.search.unread(None) == []
        (one,) = await search(store, "lora RANKS", str(workdir), 5)
        assert one == Found(one.row, 1, 1, "user", "write about LoRA ranks")
        (answer,) = await search(store, "walrus", None, 5)
        assert (answer.count, answer.turn, answer.role) == (2, 2, "assistant")
        assert await ids(store, "look first") == [id]
        assert await ids(store, "toolwords") == []  # results of tools are not what was said
        assert await search(store, "walrus", "/elsewhere", 5) == []
        await store.threads.rename(id, "Zebra run")
        (titled,) = await search(store, "zebra", None, 5)
        assert (titled.row.id, titled.count) == (id, 0)


async def test_undo_redo_and_forks(settings: Settings, workdir: Path) -> None:
    async with driven(answers, settings, workdir) as driver:
        await driver.send("first about cats")
        await driver.send("then about dogs")
        fork = await driver.session.fork()
        await driver.session.undo()
        id = driver.session.thread.id
        async with await open_store(settings) as store:
            assert await ids(store, "dogs") == [fork.id]
            assert set(await ids(store, "cats")) == {id, fork.id}
        await driver.send("now about birds")
        async with await open_store(settings) as store:
            assert await ids(store, "birds") == [id]
            assert await ids(store, "dogs") == [fork.id]


async def test_a_turn_that_failed_or_was_cut_off(settings: Settings, workdir: Path) -> None:
    async with driven([Reply(status=400)], settings, workdir) as driver:
        assert (await driver.send("this fails at once")).name == "error"
        id = driver.session.thread.id
    async with await open_store(settings) as store:
        assert await ids(store, "fails") == [id]
        await store.threads.update(id, status="running")
        assert await ids(store, "fails") == [id]


async def test_sessions_of_an_older_version(settings: Settings, workdir: Path) -> None:
    async with driven(answers, settings, workdir) as driver:
        await driver.send("about old times")
        id = driver.session.thread.id
    async with await open_store(settings) as store:
        for table in ("search_texts", "search_state"):
            await store.database.rows(f"DELETE FROM {table}")
    async with driven(answers, settings, workdir, thread=id) as driver:
        await driver.send("about new times")
    async with await open_store(settings) as store:
        (one,) = await search(store, "about times", None, 5)
        assert (one.count, one.turn) == (2, 2)


async def test_a_long_session_that_was_compacted(settings: Settings, workdir: Path) -> None:
    async with driven(answers, settings, workdir) as driver:
        for word in ("alpha", "beta", "gamma"):
            await driver.send(f"about {word} " + "x " * 3000)
        await driver.collect(driver.session.compact())
        await driver.send("about delta")
    async with await open_store(settings) as store:
        for whole in (False, True):
            if whole:
                await store.search.forget(driver.session.thread.id)
            found = [len(await ids(store, word)) for word in ("alpha", "beta", "delta")]
            assert found == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a\n  the cat sat\nb", ["cat"], "the cat sat"),
        ("cat\ncat and dog", ["dog", "cat"], "cat and dog"),
        ("x " * 200 + "needle" + " y" * 200, ["needle"], None),
    ],
)
def test_the_line_that_is_shown(text: str, words: list[str], line: str | None) -> None:
    shown = matching_line(text, words)
    if line is None:
        assert words[0] in shown
        assert len(shown) <= 162
        assert (shown[0], shown[-1]) == ("…", "…")
    else:
        assert shown == line


async def test_one_among_a_thousand_sessions(settings: Settings, workdir: Path) -> None:
    async with await open_store(settings) as store:
        for number in range(1000):
            row = ThreadRow(f"t{number:04}", str(workdir), "h", f"task {number}", "m", "ask")
            await store.threads.create(row)
            words = [Said(f"m{i}", i, i, "user", f"message {i} of {number}") for i in range(5)]
            await store.search.add(row.id, words, is_whole=True)
        (one,) = await search(store, "message 3 of 512", None, 20)
        assert (one.row.id, one.count, one.line) == ("t0512", 1, "message 3 of 512")
        newest = await search(store, "message", str(workdir), 20)
        assert [found.row.id for found in newest] == [f"t{n:04}" for n in range(999, 979, -1)]
