"""Compaction: what is kept, where the history is cut, and that a run continues across it."""

from pathlib import Path

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from configs.settings import Settings
from nodes.compact import split
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply


def steps(count: int) -> list[AnyMessage]:
    messages: list[AnyMessage] = [HumanMessage("task", id="task")]
    for n in range(count):
        calls = [{"name": "bash", "args": {}, "id": f"{n}{x}"} for x in "ab"]
        messages.append(AIMessage("", tool_calls=calls, id=f"ai{n}"))
        messages += [ToolMessage("result", tool_call_id=f"{n}{x}") for x in "ab"]
    return messages


def test_the_cut_is_never_inside_a_step() -> None:
    messages = steps(6)
    for budget in range(25):
        head, middle, tail = split(messages, budget, len)
        assert [m.id for m in head] == ["task"]
        assert [*head, *middle, *tail] == messages
        assert len(tail) <= budget
        assert not tail or isinstance(tail[0], AIMessage)


def test_the_newest_message_of_the_person_is_kept_in_its_words() -> None:
    messages = [*steps(3), HumanMessage("now this", id="now"), *steps(3)[1:]]
    head, middle, tail = split(messages, 3, len)
    assert [m.id for m in head] == ["task", "now"]
    assert len(head) + len(middle) + len(tail) == len(messages)


async def test_a_long_run_with_one_message_goes_on(settings: Settings, workdir: Path) -> None:
    """60 steps of 8,000 characters do not fit a window of 16k tokens; the run ends all the same."""

    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY of what was done")
        size = sum(len(t.text) for t in asked.turns)
        if size > 80_000:
            return Reply(status=400, error="context_length")
        done = (workdir / "count").read_text().count("x") if (workdir / "count").exists() else 0
        if done >= 40:
            return Reply("all done")
        command = f"printf x >> count; echo {done}; seq 1000 2600"
        return Reply(calls=[Call("bash", {"command": command})])

    small = settings.model_copy(update={"context_window": 16_000})
    async with driven(choose, small, workdir) as driver:
        done = await driver.send("count to forty")
        assert (done.status, done.text) == ("done", "all done")
        compactions = driver.named("compacted")
        assert compactions
        assert all(e.tokens_after < e.tokens_before for e in compactions)
        users = [m["content"] for m in driver.messages if m["role"] == "user"]
        assert users[0].endswith("count to forty")
        assert "SUMMARY" in users[1]


async def test_compaction_on_request(settings: Settings, workdir: Path) -> None:
    steps = iter(range(6))

    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY")
        step = next(steps, None)
        if step is None:
            return Reply("ok")
        return Reply(calls=[Call("bash", {"command": f"seq 2000; echo {step}"})])

    tight = settings.model_copy(update={"compact_at": 20_000})
    async with driven(choose, tight, workdir) as driver:
        await driver.send("first")
        before = len(driver.messages)
        ended = await driver.collect(driver.session.compact())
        assert (ended.name, ended.status) == ("turn_complete", "done"), ended
        assert driver.named("compacted")
        assert (await driver.send("second")).name == "turn_complete"
        assert len(driver.messages) < before + 7
