"""Answers that are none: refused, stopped by a filter, thought only, a call written as text."""

from pathlib import Path

import pytest

from configs.settings import Settings
from tests.graph.driving import driven
from tests.stand_ins.model_script import Reply, in_order

CALL = '<tool_call>\n{"name": "bash", "arguments": {"command": "echo hi"}}\n</tool_call>'


@pytest.mark.parametrize("model", ["openai/stand-in", "litellm/openai/stand-in"])
@pytest.mark.parametrize("said", ["", "The first half"])
async def test_a_filter_ends_the_turn_at_once(
    settings: Settings, workdir: Path, model: str, said: str
) -> None:
    replies = [Reply(said, finish="content_filter"), Reply("fine")]
    async with driven(in_order(replies), settings, workdir, model=model) as driver:
        ended = await driver.send("do it")
        assert (ended.name, ended.kind) == ("error", "answer_refused")
        assert "content filter" in ended.message
        assert len(driver.server.bodies) == 1
        # What was said is kept, and the thread continues.
        assert (await driver.send("and in other words?")).text == "fine"
        assert said in driver.messages[-2]["content"]


async def test_a_refusal_of_anthropics(settings: Settings, workdir: Path) -> None:
    replies = [Reply("I cannot help with that.", finish="refusal"), Reply("fine")]
    model = "anthropic/claude-stand-in"
    async with driven(in_order(replies), settings, workdir, model=model) as driver:
        ended = await driver.send("do it")
        assert (ended.kind, len(driver.server.bodies)) == ("answer_refused", 1)
        assert "I cannot help with that." in ended.message
        assert (await driver.send("thanks")).text == "fine"


async def test_a_call_written_as_text_is_no_success(settings: Settings, workdir: Path) -> None:
    async with driven([Reply(CALL)] * 5, settings, workdir, mode="yolo") as driver:
        ended = await driver.send("count the files")
        assert (ended.name, ended.kind) == ("error", "no_tool_calls")
        assert len(driver.server.bodies) == 2
        assert "written as text" in driver.messages[-1]["content"]
        assert "--tool-call-parser" in ended.hint
        assert "--jinja" in ended.hint
        assert driver.outputs() == []


async def test_a_model_that_calls_after_all(settings: Settings, workdir: Path) -> None:
    replies = [Reply(CALL), Reply("There are three."), Reply(CALL), Reply("done")]
    async with driven(in_order(replies), settings, workdir) as driver:
        assert (await driver.send("count")).text == "There are three."
        # Told once each time, not once for ever.
        assert (await driver.send("again")).text == "done"


async def test_words_about_a_call_are_an_answer(settings: Settings, workdir: Path) -> None:
    said = f"Hermes writes a call so:\n```\n{CALL}\n```"
    async with driven([Reply(said)], settings, workdir) as driver:
        assert (await driver.send("explain")).text == said
        assert len(driver.server.bodies) == 1


@pytest.mark.parametrize("model", ["openai/stand-in", "anthropic/claude-stand-in"])
async def test_a_model_that_only_thinks_is_told_so(
    settings: Settings, workdir: Path, model: str
) -> None:
    replies = [Reply("", thinking="hm"), Reply("four")]
    async with driven(in_order(replies), settings, workdir, model=model) as driver:
        assert (await driver.send("2 + 2?")).text == "four"
        assert "then said nothing" in str(driver.messages[-1])
        # The words are not a part of the thread.
        driver.server.choose = lambda asked: Reply("five")
        await driver.send("2 + 3?")
        assert "then said nothing" not in str(driver.messages)


async def test_a_model_that_only_thinks_three_times(settings: Settings, workdir: Path) -> None:
    async with driven([Reply("", thinking="hm")] * 3, settings, workdir) as driver:
        ended = await driver.send("2 + 2?")
        assert (ended.name, ended.kind) == ("error", "model_unavailable")
        assert "only thought" in ended.message
        assert len(driver.server.bodies) == 3


async def test_an_unknown_window_is_said_once_per_model(settings: Settings, workdir: Path) -> None:
    given = settings.model_copy(update={"context_window": None})
    told = []
    for model in ("openai/one", "openai/one", "openai/two"):
        async with driven([Reply("hi")], given, workdir, model=model) as driver:
            await driver.send("hello")
            told.append([e.text for e in driver.named("tool_log") if "not known" in e.text])
    assert [len(notes) for notes in told] == [1, 0, 1]
    assert "config set context_window" in told[0][0]
