"""process: background commands are found, followed and ended, from any process."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from core.store.runs import runs_of
from tests.core.store import fresh
from tests.tools.bench import THREAD, Bench, sleeper, sleeps, until


@pytest.fixture(autouse=True)
async def nothing_left(bench: Bench) -> AsyncIterator[None]:
    yield
    for run in runs_of(bench.services.outputs.runs(THREAD)):
        run.kill("killed")


async def background(bench: Bench, command: str) -> str:
    result = await bench.call("bash", command=command, background=True)
    found = re.match(r"(?:Started|Ran) in the background, id (\w+)", result.text)
    assert found is not None, result.text
    return found[1]


async def test_follow_and_wait(bench: Bench) -> None:
    command = "echo one; until [ -e gate ]; do sleep 0.02; done; echo two; exit 3"
    name = await background(bench, command)
    run = bench.run_of(bench.last_id)
    await asyncio.to_thread(until, lambda: run.read_new(0)[0])
    listed = await bench.call("process", operation="list")
    assert re.fullmatch(rf"{name}  alive  started \d+ s ago  echo one; .*", listed.text)
    printed = await bench.call("process", operation="output", id=name)
    assert re.fullmatch(r"one\n\[still running, started \d+ s ago\]", printed.text)
    waited = await bench.call("process", operation="wait", id=name, timeout=1)
    assert "[still running" in waited.text
    (bench.cwd / "gate").touch()
    done = await bench.call("process", operation="wait", id=name)
    assert (done.text, done.ok) == ("one\ntwo\n[exit code 3]", True)
    listed = await bench.call("process", operation="list")
    assert listed.text.startswith(f"{name}  exit code 3  ")


async def test_kill_with_all_it_started(bench: Bench) -> None:
    seconds = sleeper()
    name = await background(bench, f"sh -c 'sleep {seconds}; true' & sleep 600")
    await asyncio.to_thread(until, lambda: sleeps(seconds))
    killed = await bench.call("process", operation="kill", id=name)
    assert killed.text == "[killed]"
    until(lambda: not sleeps(seconds))
    assert f"{name}  killed  " in (await bench.call("process", operation="list")).text


async def test_a_kill_that_was_cut_off_is_done_again(bench: Bench) -> None:
    name = await background(bench, "sleep 600")
    call_id = bench.new_id()
    await bench.begun(call_id, "process", {"kill": name})
    result = await bench.call("process", call_id=call_id, operation="kill", id=name)
    assert result.text == "[killed]"


async def test_waiting_can_be_interrupted_and_the_command_goes_on(bench: Bench) -> None:
    name = await background(bench, "sleep 600")
    run = bench.run_of(bench.last_id)
    waiting = asyncio.create_task(bench.call("process", operation="wait", id=name))
    await asyncio.sleep(0.05)
    bench.services.stop.set()
    assert (await waiting).outcome == "interrupted"
    assert run.state() == "alive"


async def test_an_id_that_is_not_there(bench: Bench) -> None:
    assert (await bench.call("process", operation="list")).text.startswith("no background")
    missing = await bench.call("process", operation="output", id="")
    assert missing.text == "no command has the id ''; available: none"
    name = await background(bench, "true")
    missing = await bench.call("process", operation="kill", id="abc")
    assert missing.text == f"no command has the id 'abc'; available: {name}"


async def test_it_survives_the_process_that_started_it(bench: Bench) -> None:
    code = f"""
    from nodes.services import build_services
    from tests.tools.bench import Bench
    from pathlib import Path
    async def main():
        async with await open_store(settings) as store:
            bench = Bench(build_services(settings, store), Path({str(bench.cwd)!r}))
            command = "until [ -e gate ]; do sleep 0.02; done; echo done"
            print((await bench.call("bash", command=command, background=True)).text)
    asyncio.run(main())
    """
    printed = fresh.run(code, bench.services.settings.state_path())
    found = re.match(r"Started in the background, id (\w+)", printed)
    assert found is not None
    # The other process numbered its calls from 1 too.
    bench.new_id()
    assert f"{found[1]}  alive" in (await bench.call("process", operation="list")).text
    (bench.cwd / "gate").touch()
    done = await bench.call("process", operation="wait", id=found[1])
    assert done.text == "done\n[exit code 0]"
