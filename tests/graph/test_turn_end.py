"""After a cut: what was stored is found, a new message closes the turn first, effects stay one."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

from configs.settings import Settings
from core.events import Event
from tests.cli.program import program
from tests.cli.program_process import start
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


async def leave(events: AsyncGenerator[Event, None], at: str, text: str = "") -> None:
    """Walk away in the middle of a turn, as a program does that lets its iterator go."""
    async for event in events:
        if event.name == at and text in str(event.to_dict()):
            break
    await events.aclose()


def steps(asked: Asked) -> Reply:
    if asked.user_messages == 2 or asked.step == 1:
        return Reply("ok")
    # The quick one ends once the slow one has begun, so that leaving cuts off exactly one.
    quick = "until [ -s effects ]; do sleep 0.02; done; echo quick >> effects"
    return Reply(calls=[bash(quick), bash("echo slow >> effects; sleep 1")])


async def test_a_turn_that_was_left_goes_on(settings: Settings, workdir: Path) -> None:
    async with driven(steps, settings, workdir) as driver:
        await leave(driver.session.send("go"), "tool_output", "exit code")
        thread = driver.session.thread.id
    async with driven(steps, settings, workdir, thread=thread) as driver:
        assert await driver.session.unfinished()
        assert (await driver.resume()).text == "ok"
        assert sorted((workdir / "effects").read_text().split()) == ["quick", "slow"]
        assert not await driver.session.unfinished()
        again = await driver.resume()
        assert (again.name, again.status) == ("turn_complete", "done")


async def test_a_new_message_closes_the_cut_turn_first(settings: Settings, workdir: Path) -> None:
    async with driven(steps, settings, workdir) as driver:
        await leave(driver.session.send("go"), "tool_output", "exit code")
        thread = driver.session.thread.id
    async with driven(steps, settings, workdir, thread=thread) as driver:
        assert (await driver.send("never mind")).text == "ok"
        roles = [m["role"] for m in driver.messages]
        assert roles == ["system", "user", "assistant", "tool", "tool", "user"]
        assert (workdir / "effects").read_text().split().count("quick") == 1
        # The repair is stored, not only sent.
        assert (await driver.send("and more")).name == "turn_complete"


async def test_a_message_survives_a_turn_that_never_began(
    settings: Settings, workdir: Path
) -> None:
    async with driven(steps, settings, workdir) as driver:
        await leave(driver.session.send("go"), "processing")
        thread = driver.session.thread.id
    async with driven(steps, settings, workdir, thread=thread) as driver:
        assert await driver.session.unfinished()
        assert (await driver.resume()).text == "ok"
        assert [m["role"] for m in driver.messages].count("user") == 1


async def test_what_went_on_alone_is_found_by_the_next_message(
    settings: Settings, workdir: Path
) -> None:
    """Two commands whose session was killed: one ended meanwhile, one still runs."""
    wait = "until [ -e {} ]; do sleep 0.02; done"
    calls = [
        bash(f"touch one; {wait.format('killed')}; echo ended"),
        bash(f"{wait.format('one')}; touch on; {wait.format('go')}"),
    ]

    def choose(asked: Asked) -> Reply:
        return Reply(calls=calls) if asked.user_messages == 1 else Reply("ok")

    with program(workdir, choose) as run:
        process = start(
            run.command("-m", "openai/stand-in", "go"), cwd=run.work, env=run.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not (run.work / "on").exists():
            await asyncio.sleep(0.02)
        process.kill()
        process.wait()
        (run.work / "killed").touch()
        while not list(run.work.parent.glob("state/threads/*/runs/*/exit")):
            await asyncio.sleep(0.02)
        assert run.task("-c", "never mind").returncode == 0
        results = [m["content"] for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        (run.work / "go").touch()
        assert results[0] == "ended\n[exit code 0]"
        assert "left running and still runs" in results[1]
        assert not run.server.violations
