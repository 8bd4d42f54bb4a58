"""bash: output while it runs, an end for everything it started, a result that can be trusted."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from core.store import runs
from core.tool import ToolResult
from tests.tools.bench import Bench, sleeper, sleeps, until


async def soon(ready: Any) -> Any:
    """`until` next to a running call."""
    return await asyncio.to_thread(until, ready)


@pytest.mark.parametrize(
    ("command", "text", "ok"),
    [
        ("echo out; echo err >&2", "out\nerr\n[exit code 0]", True),
        ("true", "[exit code 0]", True),
        ("echo no; exit 3", "no\n[exit code 3]", False),
        ("kill -9 $$", "[exit code 137, SIGKILL]", False),
        ("exit 255", "[exit code 255]", False),
        (r"printf 'ab\377'", "ab\\xff\n[exit code 0]", True),
        (r"printf '1%%\r2%%\r3%%\r\nend'", "3%\nend\n[exit code 0]", True),
        ("cat", "[exit code 0]", True),
    ],
)
async def test_output_then_exit_code(bench: Bench, command: str, text: str, ok: bool) -> None:
    result = await bench.call("bash", command=command)
    assert result == ToolResult(text, ok, "done" if ok else "failed")


async def test_output_is_told_while_it_runs(bench: Bench) -> None:
    gate = bench.cwd / "gate"
    call = asyncio.create_task(
        bench.call("bash", command="echo one; until [ -e gate ]; do sleep 0.02; done; echo two")
    )
    await soon(lambda: bench.logs() == ["one"])
    assert not call.done()
    gate.touch()
    assert (await call).text == "one\ntwo\n[exit code 0]"
    assert bench.logs() == ["one", "two"]


async def test_a_flood_of_lines_is_no_flood_of_events(bench: Bench) -> None:
    result = await bench.call("bash", command="seq 1 200000")
    assert len(bench.logs()) < 2000
    assert bench.logs()[-1] == "200000"
    assert result.text.startswith("1\n2\n")
    assert "bytes left out" in result.text
    assert result.text.endswith("200000\n[exit code 0]")


async def test_a_progress_bar_is_told_by_its_last_words(bench: Bench) -> None:
    await bench.call("bash", command=r"printf '10%%\r20%%\r100%%\n'")
    assert bench.logs() == ["100%"]


async def test_a_progress_bar_is_told_while_it_grows(bench: Bench) -> None:
    grow = r"n=0; until [ -e gate ]; do n=$((n+1)); printf '%s%%\r' $n; sleep 0.02; done"
    call = asyncio.create_task(bench.call("bash", command=f"{grow}; echo"))
    await soon(lambda: len(bench.logs()) >= 2)
    (bench.cwd / "gate").touch()
    assert (await call).ok
    assert len(bench.logs()) < 50


async def test_two_commands_go_side_by_side(bench: Bench) -> None:
    meet = "touch {}; until [ -e {} ]; do sleep 0.02; done"
    both = await asyncio.gather(
        bench.call("bash", command=meet.format("a", "b"), timeout=30),
        bench.call("bash", command=meet.format("b", "a"), timeout=30),
    )
    assert [result.ok for result in both] == [True, True]


async def test_timeout_ends_grandchildren_and_says_so(bench: Bench) -> None:
    seconds = sleeper()
    command = f"echo early; sh -c 'sleep {seconds}; true' & sleep 600"
    result = await bench.call("bash", command=command, timeout=1)
    assert (result.ok, result.outcome) == (False, "failed")
    assert result.text.startswith("early\n[killed after its timeout of 1 s")
    until(lambda: not sleeps(seconds))


async def test_interrupted_it_keeps_its_output_and_leaves_nothing(bench: Bench) -> None:
    seconds = sleeper()
    stays = f'trap "" TERM; sleep {seconds}; sleep {seconds}'
    command = f"echo early; sh -c '{stays}' & sleep 600"
    call = asyncio.create_task(bench.call("bash", command=command))
    await soon(lambda: bench.logs() == ["early"])
    await asyncio.to_thread(until, lambda: sleeps(seconds))
    bench.services.stop.set()
    result = await call
    assert (result.ok, result.outcome) == (False, "interrupted")
    assert result.text.startswith("early\n[interrupted")
    assert bench.run_of(bench.last_id).state() == "finished"
    until(lambda: not sleeps(seconds))


@pytest.mark.parametrize("background", [False, True])
async def test_interrupted_while_it_starts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, background: bool
) -> None:
    """The stop comes while a thread is starting the command: that one must not be left over."""
    really = runs.start

    def start(folder: Path, *args: Any, **kwargs: Any) -> runs.Run:
        loop.call_soon_threadsafe(bench.services.stop.set)
        until(bench.services.stop.is_set)
        return really(folder, *args, **kwargs)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(runs, "start", start)
    result = await bench.call("bash", command="sleep 600", background=background)
    assert result.outcome == "interrupted"
    assert bench.run_of(bench.last_id).state() == "finished"


async def test_cwd(bench: Bench) -> None:
    (bench.cwd / "sub").mkdir()
    assert (await bench.call("bash", command="pwd")).text.startswith(f"{bench.cwd}\n")
    inside = await bench.call("bash", command="pwd", cwd="sub")
    assert inside.text.startswith(f"{bench.cwd}/sub\n")


async def test_cwd_that_is_gone(bench: Bench) -> None:
    result = await bench.call("bash", command="true", cwd="nowhere")
    assert result.text == f"there is no folder {bench.cwd}/nowhere to run in"
    bench.cwd.rmdir()
    assert (await bench.call("bash", command="true")).outcome == "failed"


@pytest.mark.parametrize("command", ["echo a\0b", "echo a\0" + "x" * 200_000])
async def test_a_command_that_no_shell_takes(bench: Bench, command: str) -> None:
    result = await bench.call("bash", command=command)
    assert result.text.startswith("the command could not be started: ")


async def test_what_a_command_sees_of_the_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("HF_TOKEN", "hf_seen")
    result = await bench.call("bash", command="echo $AI_AGENT [$OPENAI_API_KEY] [$HF_TOKEN]")
    assert result.text.startswith("ml-agent [] []\n")


# --- a later process finds the call -------------------------------------------------------


def note_for(bench: Bench, call_id: str) -> dict[str, Any]:
    return {"run": str(bench.run_of(call_id).folder), "host": socket.gethostname()}


def begin(bench: Bench, call_id: str, command: str, *, background: bool = False) -> runs.Run:
    return runs.start(
        bench.run_of(call_id).folder,
        runs.Meta(command, str(bench.cwd), None, background),
        os.environ,
    )


@pytest.mark.parametrize("noted", [False, True])
async def test_killed_before_the_command_began(bench: Bench, noted: bool) -> None:
    call_id = bench.new_id()
    bench.run_of(call_id).folder.mkdir(parents=True)  # made before the note
    await bench.begun(call_id, "bash", note_for(bench, call_id) if noted else None)
    result = await bench.call("bash", call_id=call_id, command="echo once >>log; cat log")
    assert result.text == "once\n[exit code 0]"


async def test_without_its_directory_it_ran_elsewhere(bench: Bench) -> None:
    """A machine of the same name and another disk, or another home: never run again here."""
    call_id = bench.new_id()
    await bench.begun(call_id, "bash", note_for(bench, call_id))
    result = await bench.call("bash", call_id=call_id, command="echo once >>log")
    assert (result.ok, result.outcome) == (False, "unknown")
    assert "not here" in result.text
    assert not (bench.cwd / "log").exists()


async def test_killed_while_it_ran_it_is_waited_for(bench: Bench) -> None:
    call_id = bench.new_id()
    command = "echo a >>log; until [ -e gate ]; do sleep 0.02; done; cat log"
    await bench.begun(call_id, "bash", note_for(bench, call_id))
    begin(bench, call_id, command)
    call = asyncio.create_task(bench.call("bash", call_id=call_id, command=command))
    await soon(lambda: (bench.cwd / "log").exists())
    (bench.cwd / "gate").touch()
    assert (await call).text == "a\n[exit code 0]"


async def test_killed_after_it_ended_its_result_is_found(bench: Bench) -> None:
    call_id = bench.new_id()
    await bench.begun(call_id, "bash", note_for(bench, call_id))
    run = begin(bench, call_id, "echo a >>log; cat log; exit 2")
    await soon(lambda: run.state() == "finished")
    result = await bench.call("bash", call_id=call_id, command="echo a >>log; cat log; exit 2")
    assert (result.text, result.outcome) == ("a\n[exit code 2]", "failed")


@pytest.mark.parametrize("background", [False, True])
async def test_killed_with_its_command_the_outcome_is_unknown(
    bench: Bench, background: bool
) -> None:
    call_id, command = bench.new_id(), "echo a; sleep 600"
    await bench.begun(call_id, "bash", note_for(bench, call_id))
    run = begin(bench, call_id, command, background=background)
    await soon(lambda: run.read_new(0)[0])
    os.killpg(int((run.folder / "pid").read_text()), signal.SIGKILL)
    await soon(lambda: run.state() != "alive")
    result = await bench.call("bash", call_id=call_id, command=command, background=background)
    assert (result.ok, result.outcome) == (False, "unknown")
    assert result.text.startswith("a\n[it was killed together with the session")


async def test_a_timeout_that_passed_meanwhile_counts(bench: Bench) -> None:
    call_id, command = bench.new_id(), "sleep 600"
    await bench.begun(call_id, "bash", note_for(bench, call_id))
    run = begin(bench, call_id, command)
    await asyncio.sleep(1.1)
    result = await bench.call("bash", call_id=call_id, command=command, timeout=1)
    assert "timeout" in result.text
    assert run.state() == "finished"


async def test_begun_on_another_machine_it_is_not_run_again(bench: Bench) -> None:
    call_id = bench.new_id()
    note = {**note_for(bench, call_id), "host": "elsewhere"}
    await bench.begun(call_id, "bash", note)
    result = await bench.call("bash", call_id=call_id, command="touch again")
    assert result.outcome == "unknown"
    assert not (bench.cwd / "again").exists()


async def test_a_result_that_was_stored_is_given_again(bench: Bench) -> None:
    first = await bench.call("bash", command="echo a >>log; cat log")
    again = await bench.call("bash", call_id=bench.last_id, command="echo a >>log; cat log")
    assert again == first
