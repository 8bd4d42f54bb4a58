"""Searching what was said, on both databases."""

import pytest

from configs.settings import Settings
from core.store import Store, ThreadRow, open_store
from core.store.search import Said, folded

SECRET = "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"


@pytest.fixture
def postgres_url(bare_postgres_url: str) -> str:
    """Without the tables of LangGraph."""
    return bare_postgres_url


def row(id: str, cwd: str = "/a") -> ThreadRow:
    return ThreadRow(id, cwd, "host", f"title of {id}", "openai/m", "ask")


def said(number: int, text: str, role: str = "user") -> Said:
    return Said(f"m{number}", number, number, role, text)


async def found(store: Store, *words: str, cwd: str | None = None) -> list[tuple[str, int, int]]:
    hits = await store.search.find([folded(word) for word in words], cwd, 10)
    return [(hit.thread, hit.turn, hit.count) for hit in hits]


async def test_words_in_any_case_and_order(settings: Settings) -> None:
    async with await open_store(settings) as store:
        for id, cwd in (("one", "/a"), ("two", "/b")):
            await store.threads.create(row(id, cwd))
            await store.search.add(id, [said(1, "Größere LERNRATE, bitte")], is_whole=True)
        await store.search.add(
            "one", [said(2, "a lernrate\nof 100%_x", "assistant")], is_whole=False
        )
        assert await found(store, "lernrate") == [("two", 1, 1), ("one", 2, 2)]
        assert await found(store, "GRÖSSERE", "lern") == [("two", 1, 1), ("one", 1, 1)]
        assert await found(store, "lernrate", cwd="/a") == [("one", 2, 2)]
        assert await found(store, "100%_X") == [("one", 2, 1)]
        assert await found(store, "1_0") == []
        assert await found(store, "l%e") == []
        assert await found(store, "\\") == []


async def test_what_is_to_be_read_whole(settings: Settings) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(row("old"))
        await store.search.add("old", [said(7, "the end alone")], is_whole=False)
        assert await store.search.unread("/a") == ["old"]
        assert await found(store, "alone") == []
        await store.search.replace("old", [said(1, "the start"), said(7, "the end alone")])
        assert (await store.search.unread("/a"), await store.search.unread("/b")) == ([], [])
        assert await found(store, "the") == [("old", 7, 2)]
        await store.threads.update("old", status="running")
        assert await store.search.unread(None) == ["old"]
        await store.threads.update("old", status="done")
        await store.search.forget("old")
        assert await store.search.unread("/a") == ["old"]
        assert await found(store, "the") == []


async def test_a_repeated_turn_is_there_once_and_a_deleted_thread_is_gone(
    settings: Settings,
) -> None:
    async with await open_store(settings) as store:
        await store.threads.create(row("one"))
        for _ in range(2):
            await store.search.add("one", [said(1, "hello"), said(2, "hello")], is_whole=True)
        assert await found(store, "hello") == [("one", 2, 2)]
        await store.threads.delete(["one"])
        for table in ("search_texts", "search_state"):
            assert await store.database.rows(f"SELECT * FROM {table}") == []


@pytest.mark.parametrize("column", ["text", "folded"])
async def test_no_secret_is_stored(settings: Settings, column: str) -> None:
    async with await open_store(settings) as store:
        await store.search.add("one", [said(1, f"use {SECRET} for it")], is_whole=True)
        ((text,),) = await store.database.rows(f"SELECT {column} FROM search_texts")
        assert folded(SECRET)[5:] not in folded(text)
        assert "for it" in text
