"""Runs whose history is many times the model's window: they end well, whatever the window is and
however little the summariser helps."""

import gc
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from configs.settings import Settings
from core.models import tokens as token_counts
from core.models.tokens import _count
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply

#: Characters of a task, or a message, that no window takes.
HUGE = "important data " * 40_000
#: The same messages come again with each request.
count = cache(_count)


def tokens(asked: Asked) -> int:
    """As the provider counts them: everything that is in the request."""
    return sum(count(t.text) for t in asked.turns) + 7 * len(asked.turns)


def worker(workdir: Path, window: int, command: str, until: int) -> Callable[[Asked], Reply]:
    """A model of that window, which runs `command` until a file has so many lines."""

    def choose(asked: Asked) -> Reply:
        if tokens(asked) > window:
            return Reply(status=400, error="context_length")
        if not asked.tools:
            return Reply(f"SUMMARY of {sum(len(t.text) for t in asked.turns)} characters")
        file = workdir / "count"
        done = len(file.read_text().splitlines()) if file.exists() else 0
        if done >= until:
            return Reply("all done")
        return Reply(calls=[Call("bash", {"command": f"echo {done} >> count; {command}"})])

    return choose


async def test_a_long_history_is_not_counted_again_after_a_restart(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five results of 16,000 characters are more than the window in bytes, not in tokens."""
    given = settings.model_copy(update={"context_window": 64_000})
    choose = worker(workdir, 64_000, "yes 'some words of a log' | head -c 16000", 5)
    async with driven(choose, given, workdir, mode="yolo") as driver:
        assert (await driver.send("print")).text == "all done"
        assert not driver.named("compacted")
        thread = driver.session.thread.id
    gc.collect()

    def again(text: str) -> int:
        raise AssertionError(f"counted: {text[:99]}")

    monkeypatch.setattr(token_counts, "_count", again)
    async with driven([Reply("yes")], given, workdir, mode="yolo", thread=thread) as driver:
        assert (await driver.send("Is all done?")).text == "yes"


@pytest.mark.parametrize(("window", "steps"), [(32_000, 60), (200_000, 60)])
async def test_one_message_and_two_million_tokens_of_output(
    settings: Settings, workdir: Path, window: int, steps: int
) -> None:
    """Each command prints 35,000 tokens, which makes 2.1 million in all."""
    command = "seq 100000 111700"
    choose = worker(workdir, window, command, steps)
    given = settings.model_copy(update={"context_window": window})
    async with driven(choose, given, workdir, mode="yolo") as driver:
        ended = await driver.send("print the numbers")
        assert (ended.name, ended.text) == ("turn_complete", "all done")
        assert ended.iterations == steps + 1
        assert all(e.tokens_after < e.tokens_before for e in driver.named("compacted"))
        assert driver.named("compacted")
        assert first_person(driver).endswith("print the numbers")


def first_person(driver: Driver) -> str:
    return str(next(m["content"] for m in driver.messages if m["role"] == "user"))


async def test_a_window_that_is_smaller_than_it_is_believed_to_be(
    settings: Settings, workdir: Path
) -> None:
    choose = worker(workdir, 16_000, "seq 100000 102000", 20)
    given = settings.model_copy(update={"context_window": 64_000})
    async with driven(choose, given, workdir, mode="yolo") as driver:
        ended = await driver.send("print")
        assert (ended.name, ended.text) == ("turn_complete", "all done")


async def test_a_task_that_alone_is_too_long(settings: Settings, workdir: Path) -> None:
    choose = worker(workdir, 32_000, "true", 3)
    given = settings.model_copy(update={"context_window": 32_000})
    async with driven(choose, given, workdir, mode="yolo") as driver:
        ended = await driver.send(f"begin {HUGE} end")
        assert (ended.name, ended.text) == ("turn_complete", "all done")
        assert "characters left out to fit the model's window" in first_person(driver)
        assert first_person(driver).endswith(" end")


async def test_many_long_results_in_one_answer(settings: Settings, workdir: Path) -> None:
    """Twenty results of a tenth of the window each are twice the window."""

    def choose(asked: Asked) -> Reply:
        if tokens(asked) > 32_000:
            return Reply(status=400, error="context_length")
        if not asked.tools:
            return Reply("SUMMARY")
        if any("SUMMARY" in t.text for t in asked.turns):
            return Reply("all done")
        calls = [Call("bash", {"command": f"seq {n}00000 {n}09000"}) for n in range(1, 21)]
        return Reply(calls=calls)

    given = settings.model_copy(update={"context_window": 32_000})
    async with driven(choose, given, workdir, mode="yolo") as driver:
        assert (await driver.send("print")).text == "all done"


async def test_a_summary_that_is_no_shorter_is_cut(settings: Settings, workdir: Path) -> None:
    work = worker(workdir, 32_000, "seq 100000 101500", 30)

    def choose(asked: Asked) -> Reply:
        return Reply("blah " * 30_000) if not asked.tools else work(asked)

    given = settings.model_copy(update={"context_window": 32_000})
    async with driven(choose, given, workdir, mode="yolo") as driver:
        assert (await driver.send("print")).text == "all done"


async def test_a_cheaper_model_that_fails_is_replaced(settings: Settings, workdir: Path) -> None:
    work = worker(workdir, 32_000, "seq 100000 101500", 30)
    models: list[str] = []

    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            models.append(asked.model)
            if asked.model == "cheap":
                return Reply(status=401)
        return work(asked)

    given = settings.model_copy(
        update={"context_window": 32_000, "small_model_name": "openai/cheap"}
    )
    async with driven(choose, given, workdir, mode="yolo") as driver:
        assert (await driver.send("print")).text == "all done"
        assert models[:2] == ["cheap", "stand-in"]
        assert any("replaces it" in e.text for e in driver.named("tool_log"))


@pytest.mark.parametrize("reply", [Reply(""), Reply(status=400)], ids=["nothing", "refused"])
async def test_without_a_summary_the_thread_stays_usable(
    settings: Settings, workdir: Path, reply: Reply
) -> None:
    work = worker(workdir, 32_000, "seq 100000 101500", 30)
    given = settings.model_copy(update={"context_window": 32_000})
    async with driven(
        lambda asked: work(asked) if asked.tools else reply, given, workdir, mode="yolo"
    ) as driver:
        ended = await driver.send("print")
        assert ended.name == "error"
        driver.server.choose = work
        assert (await driver.resume()).text == "all done"


async def test_a_window_without_room_is_said(settings: Settings, workdir: Path) -> None:
    given = settings.model_copy(update={"context_window": 3_000})
    async with driven([Reply("x")], given, workdir) as driver:
        ended = await driver.send("hello")
        assert (ended.name, ended.kind) == ("error", "context_too_long")
        assert re.search(r"3,000 tokens, the system prompt and the tools take \d,", ended.message)
        assert driver.server.bodies == []


async def test_compaction_on_request_says_what_it_did(settings: Settings, workdir: Path) -> None:
    async with driven(lambda asked: Reply("hi"), settings, workdir) as driver:
        await driver.send("hello")
        await driver.collect(driver.session.compact())
        (event,) = driver.named("compacted")
        assert event.tokens_after == event.tokens_before
        assert (await driver.send("again")).text == "hi"


async def test_signed_thinking_does_not_outlive_a_compaction(
    settings: Settings, workdir: Path
) -> None:
    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY")
        if asked.step > 12 or any("SUMMARY" in t.text for t in asked.turns):
            return Reply("all done")
        call = Call("bash", {"command": f"seq {asked.step}00000 {asked.step}02500"})
        return Reply("I look", thinking=f"thought {asked.step}", calls=[call])

    given = settings.model_copy(
        update={"context_window": 32_000, "model_name": "anthropic/claude-stand-in"}
    )
    async with driven(choose, given, workdir, mode="yolo") as driver:
        assert (await driver.send("print")).text == "all done"
        blocks = [_thinking(body) for body in driver.server.bodies if body.get("tools")]
        # Replayed with its signature while what comes before it stands, and not after.
        assert blocks[:4] == [0, 1, 2, 3]
        assert blocks[-1] == 0


def _thinking(body: dict[str, object]) -> int:
    messages = body["messages"]
    assert isinstance(messages, list)
    content = [b for m in messages if isinstance(m["content"], list) for b in m["content"]]
    return sum(b.get("type") == "thinking" and bool(b["signature"]) for b in content)
