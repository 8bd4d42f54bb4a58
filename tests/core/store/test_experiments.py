"""The tables of experiments, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from configs.settings import Settings
from core.durable import Scope
from core.experiments.record import Experiment, Judge, Place, Trial, best_of
from core.store import Store, ThreadRow, open_store

JUDGE = Judge("loss", "min", "python judge.py", frozen=("judge.py",), repeats=2)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with await open_store(settings) as opened:
        yield opened


def trial(call: str, parent: int | None = 0, thread: str = "t") -> Trial:
    return Trial(thread, -1, call, parent, f"try {call}", began=1.0)


async def test_an_experiment_is_as_it_was_stored(store: Store) -> None:
    assert await store.experiments.get("t") is None
    stored = Experiment("t", JUDGE, "/w", "abc", 12.5, 7, 9, Place("s1"), ("ä",))
    await store.experiments.define(stored)
    assert await store.experiments.get("t") == stored
    await store.experiments.put_place("t", Place("s1", "s0"))
    found = await store.experiments.get("t")
    assert found is not None
    assert found.place == Place("s1", "s0")


async def test_a_call_that_begins_twice_is_one_trial(store: Store) -> None:
    begun = [await store.experiments.begin(trial(c)) for c in ("a", "b", "a")]
    assert [t.number for t in begun] == [0, 1, 0]
    assert len(await store.experiments.trials("t")) == 2


async def test_parallel_trials_take_different_numbers(settings: Settings) -> None:
    async with await open_store(settings) as one, await open_store(settings) as other:
        work = [s.experiments.begin(trial(f"{i}")) for i, s in enumerate([one, other] * 10)]
        numbers = {found.number for found in await asyncio.gather(*work)}
        assert numbers == set(range(20))


async def test_the_first_end_counts(store: Store) -> None:
    begun = await store.experiments.begin(trial("a"))
    ended = await store.experiments.update(
        begun, verdict="keep", value=0.5, metrics=[{"loss": 0.5}], files=["a.py"], ended=2.0
    )
    assert (ended.verdict, ended.values("loss"), ended.files) == ("keep", [0.5], ["a.py"])
    again = await store.experiments.update(begun, verdict="discard", value=9.0)
    assert again == ended
    await store.experiments.annotate("t", 0, "one")
    await store.experiments.annotate("t", 0, "two")
    (found,) = await store.experiments.trials("t")
    assert found.note == "one\ntwo"


async def test_a_new_definition_begins_anew_and_a_deleted_thread_leaves_nothing(
    store: Store,
) -> None:
    row = await store.threads.create(ThreadRow("t", "/w", "host", "title", "m", "auto"))
    await store.experiments.define(Experiment("t", JUDGE, "/w", "abc", 1.0))
    await store.experiments.begin(trial("a"))
    await store.experiments.annotate("t", None, "lesson")
    ((thread, found),) = await store.experiments.all("/w")
    assert (thread.id, found.notes) == ("t", ("lesson",))
    assert await store.experiments.all("/elsewhere") == []
    await store.experiments.define(Experiment("t", JUDGE, "/w", "abd", 2.0))
    assert await store.experiments.trials("t") == []
    await store.experiments.begin(trial("a"))
    await store.threads.delete([row.id])
    assert await store.experiments.get("t") is None
    assert await store.experiments.trials("t") == []


async def test_the_ledger_counts_tokens(store: Store) -> None:
    scope = Scope("t", "i", "t/1", "2026-11-29")
    await store.ledger.book("a", 5, scope, 100)
    await store.ledger.book("a", 5, scope, 100)
    await store.ledger.book("b", None, scope, 20)
    assert await store.ledger.tokens("t") == 120
    assert await store.ledger.tokens("other") == 0


def test_the_best_is_the_newest_that_was_kept() -> None:
    verdicts = ("baseline", "discard", "keep", "crash")
    trials = [Trial("t", n, str(n), None, "", v) for n, v in enumerate(verdicts)]  # type: ignore[arg-type]
    best = best_of(trials)
    assert best is not None
    assert best.number == 2
    assert best_of([]) is None
