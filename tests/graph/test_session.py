"""The front door: turns, their events in order, approvals, limits, steering, interrupts."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver

from configs.settings import Settings
from core.events import Processing
from core.store import open_store
from core.store.base import database
from core.store.files import history
from core.store.sqlite import tables
from graph.session import Session
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.transactions import counted
from tools.workspace import this_machine


def bash(command: str, **more: Any) -> Call:
    return Call("bash", {"command": command, **more})


async def test_a_task_in_tools_run_an_answer_out(settings: Settings, workdir: Path) -> None:
    script = [
        Reply(text="I look.", thinking="hm", calls=[bash("echo one; echo two"), bash("exit 3")]),
        Reply(text="There are two."),
    ]
    async with driven(script, settings, workdir) as driver:
        done = await driver.send("count")
        assert (done.status, done.text, done.iterations) == ("done", "There are two.", 2)
        assert done.usage == {"input": 200, "cached": 0, "output": 40, "reasoning": 0}
        assert sorted(driver.outputs()) == ["[exit code 3]", "one\ntwo\n[exit code 0]"]
        assert [m["role"] for m in driver.messages] == [
            "system", "user", "assistant", "tool", "tool",
        ]  # fmt: skip
        assert driver.messages[1]["content"].endswith("\n\ncount")


async def test_events_come_in_the_promised_order(settings: Settings, workdir: Path) -> None:
    script = [Reply(text="I look.", calls=[bash("echo one")]), Reply(text="Done.")]
    async with driven(script, settings, workdir) as driver:
        await driver.send("go")
        await driver.send("and again")
        names = [event.name for event in driver.events]
        assert names[:2] == ["ready", "processing"]
        assert names.count("ready") == 1
        assert [e.seq for e in driver.events] == list(range(1, len(names) + 1))
        assert {e.thread for e in driver.events} == {driver.session.thread.id}
        assert [e.turn for e in driver.named("turn_complete")] == [1, 2]
        first = names.index("tool_call")
        assert names.index("assistant_stream_end") < first
        assert first < names.index("tool_log") < names.index("tool_output")
        assert (await driver.session.close()).name == "shutdown"


async def test_output_shows_while_the_command_runs(settings: Settings, workdir: Path) -> None:
    command = "echo early; while [ ! -e go ]; do sleep 0.02; done; echo late"
    async with driven(
        [Reply(calls=[bash(command)]), Reply(text="ok")], settings, workdir
    ) as driver:
        async for event in driver.session.send("go"):
            driver.events.append(event)
            if event.name == "tool_log" and event.text == "early":  # type: ignore[attr-defined]
                (workdir / "go").touch()
        assert [e.text for e in driver.named("tool_log")] == ["early", "late"]


async def test_neighbours_run_side_by_side(settings: Settings, workdir: Path) -> None:
    # Each waits for the other: in a row they would wait until their timeout.
    meet = "touch {0}; while [ ! -e {1} ]; do sleep 0.02; done"
    calls = [bash(meet.format("a", "b"), timeout=20), bash(meet.format("b", "a"), timeout=20)]
    async with driven([Reply(calls=calls), Reply(text="ok")], settings, workdir) as driver:
        await driver.send("go")
        assert driver.outputs() == ["[exit code 0]"] * 2


async def test_results_stand_in_the_order_of_the_calls(settings: Settings, workdir: Path) -> None:
    calls = [bash(f"sleep 0.{9 - i}; echo {i}") for i in range(6)]
    calls[3] = Call("write", {"path": "three.txt", "content": "3"})
    calls[5] = Call("nope", {})
    async with driven([Reply(calls=calls), Reply(text="ok")], settings, workdir) as driver:
        await driver.send("go")
        results = [m["content"] for m in driver.messages if m["role"] == "tool"]
        assert [r[:7] for r in results] == [
            "0\n[exit",
            "1\n[exit",
            "2\n[exit",
            "Created",
            "4\n[exit",
            "Not run",
        ]


async def test_a_bad_call_comes_back_and_harms_nobody(settings: Settings, workdir: Path) -> None:
    calls = [
        Call("bash", {"comand": "ls"}),
        Call("bash", '{"command": "ls"'),
        Call("bash", "[1]"),
        Call("read", {"path": "absent"}),
        bash("echo fine"),
    ]
    async with driven([Reply(calls=calls), Reply(text="ok")], settings, workdir) as driver:
        done = await driver.send("go")
        assert done.status == "done"
        results = [m["content"] for m in driver.messages if m["role"] == "tool"]
        assert "command: field required" in results[0]
        assert "not valid JSON" in results[1]
        assert "not a JSON object" in results[2]
        assert "there is no" in results[3]
        assert results[4].startswith("fine")


async def test_calls_of_a_cut_answer_never_run(settings: Settings, workdir: Path) -> None:
    cut = Reply(calls=[bash("touch ran")], finish="length")
    async with driven([cut, Reply(text="ok")], settings, workdir) as driver:
        assert (await driver.send("go")).status == "done"
        assert not (workdir / "ran").exists()
        assert "cut at the token limit" in driver.outputs()[0]


@pytest.mark.parametrize("calls", [(), (bash("touch ran"),)])
async def test_answers_that_are_always_cut_end_the_turn(
    calls: Any, settings: Settings, workdir: Path
) -> None:
    cut = Reply(text="and so", calls=calls, finish="length")
    async with driven([cut] * 4, settings, workdir) as driver:
        failed = await driver.send("go")
        assert (failed.name, failed.kind) == ("error", "answer_cut")
        assert not (workdir / "ran").exists()


async def test_an_empty_answer_is_asked_again(settings: Settings, workdir: Path) -> None:
    replies = iter([Reply(), Reply(text="here")])
    async with driven(lambda asked: next(replies), settings, workdir) as driver:
        assert (await driver.send("go")).text == "here"


async def test_a_loop_is_noted_once_and_then_stopped(settings: Settings, workdir: Path) -> None:
    async with driven([Reply(calls=[bash("echo same")])] * 9, settings, workdir) as driver:
        failed = await driver.send("go")
        assert (failed.name, failed.kind) == ("error", "stuck_in_loop")
        assert [t.startswith("same") for t in driver.outputs()] == [True] * 3 + [False] * 2


async def test_the_iteration_limit_ends_with_a_reason(settings: Settings, workdir: Path) -> None:
    script = [Reply(calls=[bash(f"echo {i}")]) for i in range(5)]
    async with driven(script, settings, workdir, max_iterations=3) as driver:
        done = await driver.send("go")
        assert (done.status, done.iterations) == ("limit", 3)
        assert "3 iterations" in done.reason


async def test_the_time_limit_stops_a_running_command(settings: Settings, workdir: Path) -> None:
    script = [Reply(calls=[bash("sleep 60")])]
    async with driven(script, settings, workdir, max_time=0.5) as driver:
        done = await driver.send("go")
        assert done.status == "limit"
        assert "0.5 seconds" in done.reason


async def test_ctrl_c_in_a_tool_keeps_what_it_printed(settings: Settings, workdir: Path) -> None:
    def choose(asked: Asked) -> Reply:
        calls = [bash("echo shown; sleep 60"), bash("echo quick")]
        return Reply(calls=calls) if asked.user_messages == 1 else Reply(text="ok")

    async with driven(choose, settings, workdir) as driver:
        async for event in driver.session.send("go"):
            driver.events.append(event)
            if event.name == "tool_log" and event.text == "shown":  # type: ignore[attr-defined]
                driver.session.interrupt()
        assert driver.events[-1].name == "interrupted", driver.events[-1]
        assert any(t.startswith("shown\n[interrupted") for t in driver.outputs())
        await driver.send("and now?")
        roles = [m["role"] for m in driver.messages]
        assert roles == ["system", "user", "assistant", "tool", "tool", "user"]


async def test_ctrl_c_in_the_stream_keeps_what_was_shown(settings: Settings, workdir: Path) -> None:
    def choose(asked: Asked) -> Reply:
        long = Reply(text="word " * 200, pieces=200, chunk_delay=0.05)
        return long if asked.user_messages == 1 else Reply(text="ok")

    async with driven(choose, settings, workdir) as driver:
        async for event in driver.session.send("go"):
            driver.events.append(event)
            if event.name == "assistant_chunk":
                driver.session.interrupt()
        assert driver.events[-1].name == "interrupted", driver.events[-1]
        assert (await driver.send("go on")).text == "ok"
        kept = driver.messages[2]
        assert kept["role"] == "assistant"
        assert kept["content"].startswith("word")
        assert len(kept["content"]) < 1000


async def test_a_message_typed_meanwhile_joins_at_the_next_step(
    settings: Settings, workdir: Path
) -> None:
    def choose(asked: Asked) -> Reply:
        if asked.user_messages == 1:
            return Reply(calls=[bash("echo one")])
        return Reply(text="both heard")

    async with driven(choose, settings, workdir) as driver:
        async for event in driver.session.send("first"):
            if event.name == "tool_call":
                await driver.session.enqueue("second")
        assert [m["role"] for m in driver.messages] == [
            "system", "user", "assistant", "tool", "user",
        ]  # fmt: skip


async def test_a_failed_turn_can_be_resumed(settings: Settings, workdir: Path) -> None:
    replies = iter([Reply(status=401), Reply(text="ok")])
    async with driven(lambda asked: next(replies), settings, workdir) as driver:
        failed = await driver.send("go")
        assert (failed.kind, driver.session.thread.status) == ("not_authenticated", "error")
        assert "OPENAI_API_KEY" in failed.hint
        assert await driver.session.unfinished()
        assert (await driver.resume()).text == "ok"
        assert [m["role"] for m in driver.messages] == ["system", "user"]


async def test_a_message_after_a_failed_turn_loses_nothing(
    settings: Settings, workdir: Path
) -> None:
    replies = iter([Reply(status=400), Reply(text="ok")])
    async with driven(lambda asked: next(replies), settings, workdir) as driver:
        await driver.send("first")
        assert (await driver.send("second")).text == "ok"
        said = [m["content"] for m in driver.messages if m["role"] == "user"]
        assert len(said) == 2
        assert said[0].endswith("first")


async def test_a_message_to_a_thread_that_is_driven_joins_the_turn_there(
    settings: Settings, workdir: Path
) -> None:
    replies = iter([Reply(calls=[bash("sleep 0.5")]), Reply(text="ok")])
    async with driven(lambda asked: next(replies), settings, workdir) as one:
        turn = []
        async for event in one.session.send("go"):
            turn.append(event)
            if event.name == "tool_call":
                async with Session.open(settings, thread=one.session.thread.id) as two:
                    assert two.driver() == "elsewhere"
                    told: list[Any] = [e async for e in two.send("me too")]
                    resumed: list[Any] = [e async for e in two.resume()]
                assert (told[-1].name, told[-1].kind) == ("error", "message_queued")
                assert "process" in told[-1].message
                assert resumed[-1].kind == "thread_busy"
        said = [m["content"] for m in one.messages if m["role"] == "user"]
        assert said[1:] == ["me too"]
        first, joined = [event for event in turn if isinstance(event, Processing)]
        assert (first.text, first.number, joined.text, joined.number) == ("go", 1, "me too", 2)
        assert turn[-1].name == "turn_complete"


async def test_a_message_queued_at_the_very_end_is_answered(
    settings: Settings, workdir: Path
) -> None:
    """It comes after the driver's last look into the inbox, and before the lease ends."""
    replies = iter([Reply(text="one"), Reply(text="two")])
    async with driven(lambda asked: next(replies), settings, workdir) as one:
        session, look = one.session, one.session._keep_row
        late: list[Any] = []

        async def late_message(status: str, turns: int, **rest: Any) -> None:
            await look(status, turns, **rest)
            if status == "done" and not late:
                async with Session.open(settings, thread=session.thread.id) as two:
                    late.extend([event async for event in two.send("late")])

        session._keep_row = late_message  # type: ignore[method-assign]
        last = await one.send("go")
        assert late[-1].kind == "message_queued"
        assert last.text == "two"
        assert [e.text for e in one.named("processing")] == ["go", "late"]
        assert not await session.unfinished()


async def test_a_resume_says_what_it_resumes(settings: Settings, workdir: Path) -> None:
    script = [Reply(calls=[bash("touch x")]), Reply(text="ok")]
    async with driven(script, settings, workdir, mode="ask") as driver:
        await driver.send("make x")
        await driver.resume([{"type": "approve"}])
        await driver.resume()
        told = [(e.text, e.resumes) for e in driver.named("processing")]
        assert told == [("make x", ""), ("make x", "approval"), ("make x", "nothing")]


async def test_undo_and_redo_tell_an_event_and_the_row_follows(
    settings: Settings, workdir: Path
) -> None:
    async with driven(lambda asked: Reply(text="ok"), settings, workdir) as driver:
        await driver.send("one")
        await driver.send("two")
        session = driver.session
        _, dry = await session.undo(dry_run=True)
        moved, undone = await session.undo()
        assert (dry.seq, undone.seq) == (0, driver.events[-1].seq + 1)
        assert (moved.turn, undone.undone_turn, undone.turn, session.thread.turns) == (1, 2, 1, 1)
        _, redone = await session.redo()
        assert (redone.turn, session.thread.turns) == (2, 2)
        fork = await session.fork()
        assert fork.title == "fork of one"


async def test_sessions_share_a_store_and_numbers_continue(
    settings: Settings, workdir: Path
) -> None:
    async with (
        driven([Reply(text="ok")], settings, workdir) as one,
        await open_store(settings) as store,
    ):
        last = await one.send("go")
        thread = one.session.thread.id
        async with Session.open(settings, thread=thread, store=store, seq=last.seq) as two:
            await two.refresh()
            assert not await two.refresh()
            await store.threads.rename(thread, "another name")
            assert await two.refresh()
            assert two.thread.title == "another name"
            assert (await two.close()).seq == last.seq + 1
        assert await store.threads.get(thread)  # still open


async def test_a_thread_remembers(settings: Settings, workdir: Path) -> None:
    async with driven([Reply(text="ok")], settings, workdir, mode="read-only") as driver:
        await driver.send("the title\nand more")
        thread = driver.session.thread.id
    async with driven([Reply(text="ok")], settings, workdir / "..", thread=thread[:-2]) as driver:
        row = driver.session.thread
        assert (row.title, row.mode, row.cwd) == ("the title", "read-only", str(workdir))
        await driver.send("more")
        assert [m["role"] for m in driver.messages] == ["system", "user", "assistant", "user"]
    async with await open_store(settings) as store:
        (row,) = await store.threads.list(str(workdir))
        assert (row.status, row.turns) == ("done", 2)


async def test_a_message_during_the_final_answer_opens_the_next_turn(
    settings: Settings, workdir: Path
) -> None:
    async with driven(lambda asked: Reply(text="ok"), settings, workdir) as driver:
        async for event in driver.session.send("first"):
            if event.name == "assistant_stream_end" and event.turn == 1:
                await driver.session.enqueue("second")
        said = [m["content"] for m in driver.messages if m["role"] == "user"]
        assert (len(said), said[-1]) == (2, "second")
        assert event.turn == 2


@pytest.mark.parametrize("max_cost", [None, 5.0])
async def test_a_step_is_two_transactions_without_a_hand_off_and_leaves_no_run_directory(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch, max_cost: float | None
) -> None:
    # Nothing goes to disk by itself, and nothing takes long, however slow this machine is.
    monkeypatch.setattr(database, "GROUP_SECONDS", 3600.0)
    monkeypatch.setattr(tables, "SLOW_SECONDS", 3600.0)
    monkeypatch.setattr(history, "LONGEST_LOOK", 3600.0)
    monkeypatch.setattr(this_machine, "LONGEST_START", 3600.0)
    counts, loop, hand_offs = [], asyncio.get_running_loop(), [0]
    in_thread = loop.run_in_executor

    def counting(*arguments: Any) -> Any:
        hand_offs[0] += 1
        return in_thread(*arguments)

    monkeypatch.setattr(loop, "run_in_executor", counting)

    def script(asked: Asked) -> Reply:
        counts.append((transactions.count, hand_offs[0]))
        return Reply(calls=[bash(f"echo {asked.step}")]) if asked.step < 6 else Reply("done")

    async with driven(script, settings, workdir, max_cost=max_cost) as driver:
        store = driver.session._store
        with counted(store) as transactions:
            assert (await driver.send("go")).text == "done"
        # Two transactions: before the effect, with its note; after it, with its result. Looks at
        # the folder and the command's start are done here, once the first ones took little.
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(counts)]
        assert steps[1:] == [(2, 0)] * 5
        assert steps[0][0] == 2
        runs = store.folder_of(driver.session.thread.id) / "runs"
        assert list(runs.iterdir()) == []


async def test_background_commands_and_long_outputs_keep_their_run_directory(
    settings: Settings, workdir: Path
) -> None:
    calls = [bash("echo hi", background=True), bash("head -c 90000 /dev/zero | tr '\\0' x")]
    async with driven([Reply(calls=calls), Reply(text="ok")], settings, workdir) as driver:
        await driver.send("go")
        runs = driver.session._store.folder_of(driver.session.thread.id) / "runs"
        assert len(list(runs.iterdir())) == 2
        assert any(str(runs) in text for text in driver.outputs())


@pytest.mark.parametrize("turns", [2, 3])
async def test_a_turn_loads_its_thread_once(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    loads = []
    read = SqliteSaver.get_delta_channel_history

    def counting(self: Any, **asked: Any) -> Any:
        loads.append(asked)
        return read(self, **asked)

    monkeypatch.setattr(SqliteSaver, "get_delta_channel_history", counting)
    steps = [Reply(calls=[bash("echo one")]), Reply(text="ok")]
    async with driven(steps, settings, workdir) as driver:
        for number in range(turns):
            loads.clear()
            await driver.send(f"turn {number}")
            await driver.session.cost()
            await driver.session.taken()
        assert len(loads) == 1
        assert len(await driver.session.history()) == 4 * turns
