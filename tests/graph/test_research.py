"""research in turns: side by side, bounded in every way, and nothing twice after a kill."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchmarks.research_chaos import LINES, trial
from configs.instructions import research_prompt, system_prompt
from configs.sections import Price
from configs.settings import Settings
from core.events import Event
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply, Usage

TASKS = ("what is in a.txt", "what is in b.txt", "what is in c.txt")


def inside(asked: Asked) -> bool:
    return asked.turns[0].text == research_prompt()


def name_of(asked: Asked) -> str:
    """The file that a sub-agent's task names."""
    return next(t.text for t in asked.turns if t.role == "user").split()[-1]


def found(asked: Asked) -> str:
    return " ".join(t.text for t in asked.turns if t.role == "tool")


def side_by_side(asked: Asked) -> Reply:
    """Three questions at once; each sub-agent reads its file and says what is in it."""
    if inside(asked):
        if asked.step == 0:
            return Reply(calls=[Call("read", {"path": name_of(asked)})])
        return Reply(f"It holds: {found(asked)}")
    if asked.step == 0:
        return Reply(calls=[Call("research", {"task": task}) for task in TASKS])
    return Reply("done")


def one(*steps: Reply, after: str = "done") -> Any:
    """A turn with one research, whose sub-agent answers with `steps`; the last one repeats."""

    def choose(asked: Asked) -> Reply:
        answers = sum(t.role == "assistant" for t in asked.turns)
        if inside(asked):
            return steps[min(answers, len(steps) - 1)]
        if answers == 0:
            return Reply(calls=[Call("research", {"task": "look", "context": "at this"})])
        return Reply(after)

    return choose


@pytest.fixture
def files(workdir: Path) -> Path:
    for name in "abc":
        (workdir / f"{name}.txt").write_text(f"words of {name}\n")
    return workdir


def lines_of(driver: Driver, call: str) -> list[str]:
    return [e.text for e in driver.named("tool_log") if e.id == call]


async def test_three_side_by_side_told_as_lines_of_their_calls(
    settings: Settings, files: Path
) -> None:
    async with driven(side_by_side, settings, files) as driver:
        last = await driver.send("look at three files")
        assert (last.name, last.text, last.iterations) == ("turn_complete", "done", 2)
        calls = driver.named("tool_call")
        assert {c.tool for c in calls} == {"research"}
        ids = list(dict.fromkeys(c.id for c in calls))
        outputs = {e.id: e.text for e in driver.named("tool_output")}
        for call, name in zip(ids, "abc", strict=True):
            assert outputs[call].startswith("It holds: ")
            assert f"words of {name}" in outputs[call]
            assert lines_of(driver, call) == [f"read {name}.txt"]
        # Nothing of what they said or read is told as the thread's own.
        assert [e.text for e in driver.named("assistant_message")] == ["done"]
        shown = "".join(e.text for e in driver.named("assistant_chunk"))
        assert shown == "done"


async def test_it_has_a_prompt_tools_and_context_of_its_own(
    settings: Settings, files: Path
) -> None:
    (files / "AGENTS.md").write_text("Say please.")
    async with driven(one(Reply("report")), settings, files) as driver:
        await driver.send("go")
        outer, inner, _ = driver.server.bodies
        assert outer["messages"][0]["content"] == system_prompt()
        assert inner["messages"][0]["content"] == research_prompt()
        assert len(inner["messages"]) == 2
        task = inner["messages"][1]["content"]
        assert task.endswith("look\n\nWhat is known already:\nat this")
        assert "<environment>" in task
        assert "Say please." in task
        offered = {t["function"]["name"] for t in inner["tools"]}
        assert {"read", "grep", "web", "hf_papers", "hf_docs"} <= offered
        assert not offered & {"write", "edit", "bash", "research", "ask_user", "plan", "hf_jobs"}


async def test_the_cheaper_model_looks_things_up_and_the_main_one_stands_in(
    settings: Settings, files: Path
) -> None:
    small = settings.model_copy(update={"small_model_name": "openai/small"})
    async with driven(one(Reply("report")), small, files) as driver:
        await driver.send("go")
        models = [body["model"] for body in driver.server.bodies]
        assert models == ["stand-in", "small", "stand-in"]

    def choose(asked: Asked) -> Reply:
        if asked.model == "small":
            return Reply(status=404)
        return one(Reply("report"))(asked)  # type: ignore[no-any-return]

    async with driven(choose, small, files) as driver:
        await driver.send("go")
        assert driver.outputs() == ["report"]
        models = [body["model"] for body in driver.server.bodies]
        assert models == ["stand-in", "small", "stand-in", "stand-in"]


async def test_what_would_change_something_or_ask_is_refused_and_told(
    settings: Settings, files: Path
) -> None:
    (files / ".env").write_text("KEY=value")
    steps = Reply(
        calls=[
            Call("hf_repo", {"operation": "create", "repo": "ann/x"}),
            Call("write", {"path": "a.txt", "content": "x"}),
            Call("read", {"path": ".env"}),
            Call("read", {"path": "b.txt"}),
            Call("read", {"path": "a.txt"}),
        ]
    )
    ruled = settings.model_copy(
        update={"permissions": settings.permissions.model_copy(update={"ask": ["read(b.txt)"]})}
    )
    async with driven(
        one(steps, Reply("report")), ruled, files, mode="ask", interactive=True
    ) as driver:
        last = await driver.send("go")
        assert last.name == "turn_complete"
        results = [m["content"] for m in driver.server.bodies[2]["messages"] if m["role"] == "tool"]
        assert results[0].startswith("Refused by policy (mode:read-only)")
        assert "there is no tool 'write'" in results[1]
        assert results[2].startswith("Refused by policy (secret-file)")
        assert results[3].startswith("Refused by policy")
        assert "no one can approve it here" in results[3]
        assert "words of a" in results[4]
        (call,) = {c.id for c in driver.named("tool_call")}
        told = [line for line in lines_of(driver, call) if "Refused" in line]
        assert len(told) == 3


async def test_it_reports_before_its_last_step_is_used_up(settings: Settings, files: Path) -> None:
    few = settings.model_copy(
        update={"research": settings.research.model_copy(update={"max_iterations": 3})}
    )

    def obeys(asked: Asked) -> Reply:
        if inside(asked) and "This is your last answer" in asked.user:
            return Reply("the report in time")
        return goes_on(asked)

    def goes_on(asked: Asked) -> Reply:
        done = sum(t.role == "assistant" for t in asked.turns)
        reading = Call("read", {"path": f"{'abc'[done % 3]}.txt"})
        return one(Reply(f"step {done}", calls=[reading]))(asked)  # type: ignore[no-any-return]

    async with driven(obeys, few, files) as driver:
        await driver.send("go")
        assert driver.outputs() == ["the report in time"]
        assert len(driver.server.bodies) == 5
    async with driven(goes_on, few, files) as driver:
        assert (await driver.send("go")).status == "done"
        (output,) = driver.outputs()
        assert output.startswith("It ended early: the turn used its 3 iterations")
        assert "step 0\n\nstep 1\n\nstep 2" in output


async def test_it_spends_a_slice_of_what_is_left_and_all_of_it_counts(
    settings: Settings, files: Path
) -> None:
    """Each answer costs 1 cent; of the dollar at the start, 99 cents are left and 24.75 of them
    are the slice."""
    priced = settings.model_copy(update={"price": Price(input=100, output=0)})

    def choose(asked: Asked) -> Reply:
        done = sum(t.role == "assistant" for t in asked.turns)
        reading = Call("grep", {"pattern": f"word{done}"})
        return one(Reply(f"step {done}", calls=[reading], usage=Usage(100, 0)))(asked)  # type: ignore[no-any-return]

    async with driven(choose, priced, files, max_cost=1.0) as driver:
        assert (await driver.send("go")).status == "done"
        assert "its slice of the budget was $0.2475" in driver.outputs()[0]
        inner = [
            b for b in driver.server.bodies if b["messages"][0]["content"] == research_prompt()
        ]
        assert len(inner) == 25
        told = [b for b in inner if "your budget is used up" in str(b["messages"])]
        assert len(told) == 25 - 19
        cost = await driver.session.cost()
        assert {name: s.amount for name, s in cost.items()} == dict.fromkeys(
            ("invocation", "turn", "thread", "day"), 27 * 10_000
        )


async def test_a_report_is_bounded(settings: Settings, files: Path) -> None:
    async with driven(one(Reply("x" * 9000)), settings, files) as driver:
        await driver.send("go")
        (output,) = driver.outputs()
        assert len(output) <= 6000
        assert output.endswith("characters more were cut off]")


async def test_a_model_that_cannot_be_had_is_this_calls_failure(
    settings: Settings, files: Path
) -> None:
    async with driven(one(Reply(status=400)), settings, files) as driver:
        assert (await driver.send("go")).text == "done"
        assert driver.named("tool_output")[0].ok is False
    reading = Reply("half a finding", calls=[Call("read", {"path": "a.txt"})])
    async with driven(one(reading, Reply(status=400)), settings, files) as driver:
        assert (await driver.send("go")).text == "done"
        (output,) = driver.outputs()
        assert output.startswith("It failed: ")
        assert output.endswith("half a finding")


async def test_a_stop_ends_it_with_what_it_has(settings: Settings, files: Path) -> None:
    reading = Reply("half a finding", calls=[Call("read", {"path": "a.txt"})])
    script = one(reading, Reply("never seen", delay=60))
    async with driven(script, settings, files) as driver:
        async with asyncio.timeout(30):
            async for event in driver.session.send("go"):
                driver.events.append(event)
                if is_step(event):
                    stop_when_asked(driver)
        assert driver.events[-1].name == "interrupted"
        (output,) = driver.outputs()
        assert output.startswith("Interrupted by the user. What it had found so far:\nhalf a")
        assert (await driver.send("and now?")).name == "turn_complete"


def is_step(event: Event) -> bool:
    return event.name == "tool_log"


def stop_when_asked(driver: Driver) -> None:
    """Interrupt once the sub-agent's second request is on its way."""

    async def wait() -> None:
        while len(driver.server.bodies) < 3:
            await asyncio.sleep(0.01)
        driver.session.interrupt()

    driver.waiting = asyncio.ensure_future(wait())  # type: ignore[attr-defined]


async def test_what_a_person_types_meanwhile_is_for_the_thread_itself(
    settings: Settings, files: Path
) -> None:
    reading = Reply(calls=[Call("read", {"path": "a.txt"})])
    async with driven(one(reading, Reply("report")), settings, files) as driver:
        async for event in driver.session.send("go"):
            if is_step(event):
                await driver.session.enqueue("and be quick")
        bodies = [str(body["messages"]) for body in driver.server.bodies]
        assert ["and be quick" in body for body in bodies] == [False, False, False, True]


async def test_what_it_read_the_thread_has_not_seen(settings: Settings, files: Path) -> None:
    def choose(asked: Asked) -> Reply:
        if not inside(asked) and asked.step == 1:
            return Reply(calls=[Call("write", {"path": "a.txt", "content": "new"})])
        return one(Reply(calls=[Call("read", {"path": "a.txt"})]), Reply("report"))(asked)  # type: ignore[no-any-return]

    async with driven(choose, settings, files) as driver:
        await driver.send("go")
        assert (files / "a.txt").read_text() == "words of a\n"
        assert driver.named("tool_output")[-1].ok is False


async def test_beside_a_call_that_a_person_approves(settings: Settings, files: Path) -> None:
    def choose(asked: Asked) -> Reply:
        if inside(asked) or asked.step:
            return side_by_side(asked)
        calls = [Call("bash", {"command": "touch made"}), Call("research", {"task": TASKS[0]})]
        return Reply(calls=calls)

    async with driven(choose, settings, files, mode="ask", interactive=True) as driver:
        assert (await driver.send("go")).name == "approval_required"
        assert (await driver.resume([{"type": "approve"}])).text == "done"
        assert (files / "made").exists()
        assert any(text.startswith("It holds: ") for text in driver.outputs())


async def test_a_new_message_over_a_cut_off_research_closes_it(
    settings: Settings, files: Path
) -> None:
    reading = Reply("half a finding", calls=[Call("read", {"path": "a.txt"})])
    async with driven(one(reading, Reply("late", delay=60)), settings, files) as driver:
        thread = driver.session.thread.id
        turn = driver.session.send("go")
        async for event in turn:
            if is_step(event):
                break
        # As a kill leaves it: open, and nothing of it stored.
        await turn.aclose()
    async with driven([Reply("on it")], settings, files, thread=thread) as driver:
        assert (await driver.send("do something else")).text == "on it"
        results = [m["content"] for m in driver.messages if m["role"] == "tool"]
        assert results == ["Cut off before its report: the turn was left."]


# --- killed in the middle -------------------------------------------------------------------------


@pytest.mark.parametrize("line", [2, 6, LINES // 3, LINES // 2, LINES - 8, LINES - 2])
def test_a_kill_inside_resumes_inside_and_repeats_nothing(line: int) -> None:
    """Three sub-agents of different lengths; the process dies at its n-th request or call."""
    assert trial(line) == (True, [])


def test_the_same_on_postgres(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_AGENT_DATABASE_URL", postgres_url)
    assert trial(LINES // 2) == (True, [])
