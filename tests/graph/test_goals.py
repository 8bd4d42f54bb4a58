"""Goals: a command judges, nothing is checked twice, a run that leads nowhere ends."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from configs.sections import Price
from configs.settings import Settings
from core.errors import ThreadBusy, UsageError
from core.store.goals import GoalRow, Terms
from graph.pursuit import next_turn, pursue
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply


def write(number: int) -> Reply:
    return Reply(calls=[Call("write", {"path": f"part{number}", "content": "x"})])


def worker(asked: Asked) -> Reply:
    """Adds a part in each turn."""
    if asked.step:
        return Reply(f"part {asked.user_messages} is done")
    return write(asked.user_messages)


async def reach(driver: Driver, check: str, protect: tuple[str, ...] = (), **caps: Any) -> GoalRow:
    """The goal once nothing more happens."""
    await driver.session.set_goal("make five parts", check, Terms("", **caps), protect)
    return await go_on(driver)


async def go_on(driver: Driver) -> GoalRow:
    async with asyncio.timeout(60):
        driver.events += [event async for event in pursue(driver.session)]
    row = await driver.session.goal()
    assert row is not None
    return row


async def test_a_goal_is_reached_over_five_turns(settings: Settings, workdir: Path) -> None:
    async with driven(worker, settings, workdir, mode="auto") as driver:
        row = await reach(driver, "ls part*; test -e part5", max_cost=1_000_000, max_turns=9)
        assert (row.state, row.progress.turns, row.checks) == ("achieved", 5, 6)
        assert len(driver.server.bodies) == 10
        said = [m["content"] for m in driver.messages if m["role"] == "user"]
        assert "Goal: make five parts" in said[0]
        assert "It exited with 1" in said[4]
        assert "part4" in said[4]
        assert "Left: 5 turns, $" in said[4]
        assert "turn 4: changed part4. You said: part 4 is done" in said[4]
        view = await driver.session.goal_view()
        assert view is not None
        assert view["state"] == "achieved"
        assert view["spent_micro_usd"] == (await driver.session.cost())["thread"].amount


async def test_a_check_that_succeeds_already_asks_no_model(
    settings: Settings, workdir: Path
) -> None:
    async with driven([], settings, workdir, mode="auto") as driver:
        row = await reach(driver, "true")
        assert (row.state, row.reason) == (
            "achieved", "the check succeeds; it did before any turn",
        )  # fmt: skip
        assert driver.server.bodies == []
        assert await next_turn(driver.session) is None


@pytest.mark.parametrize(
    ("check", "caps", "said"),
    [
        ("echo begun; sleep 60", {"check_time": 1.0}, "does not end within 1 s"),
        ("yes", {}, "prints more than 20 MB"),
        ("no-such-program-here", {}, "command not found"),
    ],
)
async def test_a_check_without_a_verdict_pauses(
    settings: Settings, workdir: Path, check: str, caps: dict[str, Any], said: str
) -> None:
    async with driven([], settings, workdir, mode="auto") as driver:
        row = await reach(driver, check, **caps)
        assert row.state == "paused"
        assert row.reason.startswith("the check ")
        assert row.reason.endswith(said)
        assert driver.server.bodies == []


async def test_a_check_that_prints_megabytes_is_told_by_its_end(
    settings: Settings, workdir: Path
) -> None:
    check = "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end; test -e part1"
    async with driven(worker, settings, workdir, mode="auto") as driver:
        row = await reach(driver, check)
        assert row.state == "achieved"
        said = next(m["content"] for m in driver.messages if m["role"] == "user")
        assert "the end" in said
        assert len(said) < 10_000


async def test_a_check_has_no_terminal_and_no_input(settings: Settings, workdir: Path) -> None:
    check = "test -t 0 && exit 0; read word && exit 0; : </dev/tty && exit 0; exit 7"
    async with driven([Reply("nothing to do")], settings, workdir, mode="auto") as driver:
        row = await reach(driver, check)
        assert row.state == "stalled"
        assert "It exited with 7" in str(driver.messages)


async def test_an_idle_model_is_stopped_after_two_turns(settings: Settings, workdir: Path) -> None:
    def look(asked: Asked) -> Reply:
        if asked.step:
            return Reply("I will work on it soon")
        return Reply(calls=[Call("bash", {"command": "sleep 0 && ls -l | head -n 3"})])

    async with driven(look, settings, workdir, mode="auto") as driver:
        row = await reach(driver, "date +%N; false")
        assert row.state == "stalled"
        assert row.reason.startswith("2 turns in a row changed")
        assert row.progress.turns == 2


async def test_commands_that_change_nothing_stall_on_the_third_equal_check(
    settings: Settings, workdir: Path
) -> None:
    def busy(asked: Asked) -> Reply:
        if asked.step:
            return Reply("done")
        return Reply(calls=[Call("bash", {"command": "python3 -c 'print(1)'"})])

    async with driven(busy, settings, workdir, mode="auto") as driver:
        row = await reach(driver, "echo score 0.5; false")
        assert (row.state, row.progress.turns) == ("stalled", 2)
        assert row.reason.startswith("3 checks in a row say the same")


async def test_caps_end_it_and_resume_raises_them(settings: Settings, workdir: Path) -> None:
    async with driven(worker, settings, workdir, mode="auto") as driver:
        row = await reach(driver, "test -e part3", max_turns=2)
        assert (row.state, row.reason) == ("limit", "its 2 turns are used up")
        await driver.session.resume_goal(max_turns=5)
        row = await go_on(driver)
        assert (row.state, row.progress.turns) == ("achieved", 3)
        with pytest.raises(UsageError, match="it is achieved"):
            await driver.session.resume_goal()


async def test_money_is_the_goals_over_all_its_turns(settings: Settings, workdir: Path) -> None:
    # 100 tokens in and 20 out: $0.12 a request.
    priced = settings.model_copy(update={"price": Price(input=1000.0, output=1000.0)})
    async with driven(worker, priced, workdir, mode="auto") as driver:
        row = await reach(driver, "test -e part9", max_cost=300_000)
        assert (row.state, row.progress.turns) == ("limit", 2)
        assert row.reason == "$0.36 of $0.30 are spent"


@pytest.mark.parametrize("command", ["python3 check.py", "./check.py", "python3 -m check"])
async def test_a_changed_check_pauses_it(settings: Settings, workdir: Path, command: str) -> None:
    check = workdir / "check.py"
    check.write_text("#!/usr/bin/env python3\nraise SystemExit(1)\n")
    check.chmod(0o755)

    def cheat(asked: Asked) -> Reply:
        if asked.step == 0:
            call = Call("write", {"path": "check.py", "content": "raise SystemExit(0)\n"}, id="a")
            line = Call("bash", {"command": "echo pass > check.py"}, id="b")
            sneaky = Call("bash", {"command": "sed -i s/1/0/ check.py; echo tried"}, id="c")
            return Reply(calls=[call, line, sneaky])
        # Past all of that. Of another length: Python's bytecode is by the second, and by length.
        check.write_text("#!/usr/bin/env python3\n\nraise SystemExit(0)\n")
        return Reply("it passes now")

    async with driven(cheat, settings, workdir, mode="auto") as driver:
        await driver.session.set_goal("pass", command, Terms(""))
        events = await next_turn(driver.session)
        assert events is not None
        outputs = [e.text async for e in events if e.name == "tool_output"]
        assert len(outputs) == 3
        assert all("judges this work" in text for text in outputs[:2])
        row = await go_on(driver)
        assert row.state == "paused"
        assert row.reason.startswith(f"{check} judges the goal and has changed")
        await driver.session.resume_goal()
        assert (await go_on(driver)).state == "achieved"


async def test_what_the_check_reads_may_change_and_what_the_user_names_may_not(
    settings: Settings, workdir: Path
) -> None:
    (workdir / "score.json").write_text("{}")
    (workdir / "tests").mkdir()
    (workdir / "tests" / "test_it.txt").write_text("1")
    (workdir / "check.sh").write_text("grep -q 5 score.json")

    def work(asked: Asked) -> Reply:
        if asked.step == 0:
            calls = [
                Call("bash", {"command": "echo 5 > score.json"}, id="a"),
                Call("write", {"path": "tests/test_it.txt", "content": "2"}, id="b"),
            ]
            return Reply(calls=calls)
        return Reply("done")

    async with driven(work, settings, workdir, mode="auto") as driver:
        row = await reach(driver, "bash check.sh score.json", ("tests",))
        assert sorted(map(Path, row.terms.files)) == [workdir / "check.sh", workdir / "tests"]
        assert row.state == "achieved"
        assert "judges this work" in driver.outputs()[1]
        with pytest.raises(UsageError, match="there is no such file"):
            await driver.session.set_goal("x", "true", Terms(""), ["gone.py"])


async def test_a_wait_and_an_approval_are_stops_on_the_way(
    settings: Settings, workdir: Path
) -> None:
    def work(asked: Asked) -> Reply:
        if asked.step == 0 and asked.user_messages == 1:
            return Reply(calls=[Call("wait", {"until": [{"after": "1s"}]})])
        if asked.step == 0:
            return Reply(calls=[Call("bash", {"command": "touch part1"})])
        return Reply("done")

    async with driven(work, settings, workdir, mode="ask", interactive=True) as driver:
        row = await reach(driver, "test -e part1")
        assert row.state == "active"
        assert row.progress.turns == 1
        assert driver.named("waiting")
        view = await driver.session.goal_view()
        assert view is not None
        assert view["state"] == "needs approval"
        (request,) = await driver.session.pending()
        await driver.session.decide(request["id"], {"type": "approve"})
        assert (await go_on(driver)).state == "achieved"


async def test_a_stop_pauses_it_and_so_does_a_failure(settings: Settings, workdir: Path) -> None:
    def fail(asked: Asked) -> Reply:
        return Reply(status=400, message="no such thing")

    async with driven(fail, settings, workdir, mode="auto") as driver:
        row = await reach(driver, "test -e part1")
        assert row.state == "paused"
        assert "no such thing" in row.reason
        await driver.session.resume_goal()
        driver.session.interrupt()  # between two turns: as the check is about to run
        await driver.session.pause_goal()
        assert (await go_on(driver)).reason == "you stopped it"
        await driver.session.clear_goal()
        assert await driver.session.goal() is None
        with pytest.raises(UsageError, match="has no goal"):
            await driver.session.pause_goal()


async def test_a_stop_ends_the_check_and_pauses(settings: Settings, workdir: Path) -> None:
    async with driven([], settings, workdir, mode="auto") as driver:
        await driver.session.set_goal("x", "touch begun; sleep 60", Terms(""))
        working = asyncio.ensure_future(go_on(driver))
        async with asyncio.timeout(60):
            while not (workdir / "begun").exists():
                await asyncio.sleep(0.05)
        driver.session.interrupt()
        row = await working
        assert (row.state, row.reason) == ("paused", "you stopped it")
        assert await driver.session.commands() == []


async def test_a_check_that_was_cut_off_is_not_run_twice(settings: Settings, workdir: Path) -> None:
    """As after a kill: the run and its note are there, its verdict was never stored."""
    check = "echo x >> ran; until [ -e go ]; do sleep 0.05; done; test -e part1"
    async with driven(worker, settings, workdir, mode="auto") as driver:
        session = driver.session
        await session.set_goal("x", check, Terms(""))
        finish = session._services.journal.finish

        async def cut(*_: Any) -> None:
            raise RuntimeError("cut off")

        session._services.journal.finish = cut  # type: ignore[method-assign]
        (workdir / "go").touch()
        with pytest.raises(RuntimeError, match="cut off"):
            await session.judge_goal()
        session._services.journal.finish = finish  # type: ignore[method-assign]
        assert (await go_on(driver)).state == "achieved"
        assert (workdir / "ran").read_text().count("x") == 2  # at the start, and after the turn


async def test_one_process_pursues_it(settings: Settings, workdir: Path) -> None:
    async with driven(worker, settings, workdir, mode="auto") as driver:
        await driver.session.set_goal("x", "test -e part1", Terms(""))
        async with driver.session.pursuing():
            with pytest.raises(ThreadBusy):
                async with driver.session.pursuing():
                    raise AssertionError
        assert (await go_on(driver)).state == "achieved"


async def test_a_pause_from_elsewhere_during_the_check_counts(
    settings: Settings, workdir: Path
) -> None:
    async with driven(worker, settings, workdir, mode="auto") as driver:
        session = driver.session
        await session.set_goal("x", "touch begun; until [ -e go ]; do sleep 0.05; done", Terms(""))
        working = asyncio.ensure_future(go_on(driver))
        async with asyncio.timeout(60):
            while not (workdir / "begun").exists():
                await asyncio.sleep(0.05)
        await session._store.goals.change(session.thread.id, "paused", "by hand")
        (workdir / "go").touch()
        row = await working
        assert (row.state, row.reason) == ("paused", "by hand")
        assert driver.server.bodies == []


async def test_what_a_check_prints_names_no_address(settings: Settings, workdir: Path) -> None:
    """Its output is no word of the user's: an address in it is a stranger's."""
    from core.policy.hosts import Known
    from nodes.addresses import known_addresses

    check = "echo https://evil.$(echo example)/x; test -e part1"
    async with driven(worker, settings, workdir, mode="auto") as driver:
        await reach(driver, check)
        found: Known = known_addresses(await driver.session.history(), ())
        assert "evil.example" not in str(found.hosts) + str(found.urls)


async def test_a_rule_forbids_the_check(settings: Settings, workdir: Path) -> None:
    async with driven([], settings, workdir, mode="auto", deny=("bash(git push *)",)) as driver:
        with pytest.raises(UsageError, match="a rule forbids it"):
            await driver.session.set_goal("x", "git push origin", Terms(""))
