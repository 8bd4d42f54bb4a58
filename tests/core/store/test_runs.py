"""Run directories: whatever is killed, and when, the directory says what became of a command."""

import asyncio
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from core.store import command_words
from core.store.runs import Meta, Run, remove_told, runs_of, start
from tests.cli.program_process import start as start_python
from tests.tools.bench import alive, until

ROOT = Path(__file__).parents[3]

PARENT = """
import fcntl, os, signal, subprocess, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from core.store import runs
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
def begin():
    return runs.start(Path({folder!r}), runs.Meta({command!r}, "/", None, False), os.environ)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "runs" / "call_0123456789ab"
    yield folder
    for run in runs_of(folder.parent):
        run.kill("killed")


def began(folder: Path, command: str, cwd: str = "/") -> Run:
    return start(folder, Meta(command, cwd, None, False), os.environ)


def ended(run: Run) -> Run:
    until(lambda: run.state() != "alive")
    return run


def killed_parent(folder: Path, command: str, code: str) -> None:
    """A process that starts `command` in `folder` and is killed -9 where `code` says."""
    head = PARENT.format(root=str(ROOT), folder=str(folder), command=command)
    parent = start_python([sys.executable, "-c", head + textwrap.dedent(code)])
    assert parent.wait(60) == -signal.SIGKILL


def wrapper_of(run: Run) -> int:
    return int(until(lambda: (run.folder / "pid").exists() and (run.folder / "pid").read_text()))


# --- the process that started it dies -----------------------------------------------------


def test_killed_before_anything_was_written(folder: Path) -> None:
    killed_parent(folder, "echo hi", "runs.json.dumps = die; begin()")
    assert Run(folder).state() == "not begun"


def test_killed_right_after_the_lock(folder: Path) -> None:
    killed_parent(folder, "echo hi", "runs.subprocess.Popen = die; begin()")
    assert Run(folder).state() == "not begun"
    assert ended(began(folder, "echo again")).read_output(100) == ("again\n", False)


@pytest.mark.parametrize("window", ["right after Popen", "while it runs"])
def test_a_command_goes_on_without_its_parent(folder: Path, tmp_path: Path, window: str) -> None:
    gate = tmp_path / "gate"
    command = f"echo one; until [ -e {gate} ]; do sleep 0.02; done; echo two; exit 7"
    after_popen = "run = runs.subprocess.Popen\nruns.subprocess.Popen = "
    killed_parent(
        folder,
        command,
        f"{after_popen}lambda *a, **k: (run(*a, **k), die())\nbegin()"
        if window == "right after Popen"
        else "run = begin()\nwhile not run.read_new(0)[0]: time.sleep(0.01)\ndie()",
    )
    run = Run(folder)
    assert run.state() == "alive"
    gate.touch()
    ended(run)
    assert (run.state(), run.exit_code()) == ("finished", 7)
    assert run.read_output(100) == ("one\ntwo\n", False)


def test_a_directory_of_an_older_version(folder: Path) -> None:
    """It had a file for the lock alone."""
    folder.mkdir(parents=True)
    asked = json.dumps(asdict(Meta("sleep 600", "/", None, False)))
    (folder / "meta.json").write_text(asked)
    (folder / "output").touch()
    (folder / "pid").write_text("4000000\n")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert Run(folder).state() == "alive"
    assert Run(folder).state() == "unknown"
    (folder / "exit").write_text("0\n")
    assert Run(folder).state() == "finished"
    remove_told([folder])
    assert not folder.exists()


def test_finished_while_nobody_looked(folder: Path) -> None:
    killed_parent(folder, "echo hi; exit 3", "run = begin()\nrun._process.wait()\ndie()")
    assert (Run(folder).state(), Run(folder).exit_code()) == ("finished", 3)


def test_everything_killed_is_unknown_with_what_it_said(folder: Path) -> None:
    run = began(folder, "echo partial; sleep 600")
    until(lambda: run.read_new(0)[0])
    os.killpg(wrapper_of(run), signal.SIGKILL)
    ended(run)
    assert Run(folder).state() == "unknown"
    assert Run(folder).read_output(100)[0] == "partial\n"
    run.kill("killed")
    assert (run.state(), run.ended()) == ("unknown", None)


def test_another_hosts_directory_is_unknown(folder: Path) -> None:
    ended(began(folder, "sleep 0.1"))
    (folder / "exit").unlink()
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "host": "elsewhere"}))
    (folder / "pid").unlink()
    assert Run(folder).state() == "unknown"


# --- ending it ------------------------------------------------------------------------------


def test_a_reused_pid_is_never_signalled(folder: Path) -> None:
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        ended(began(folder, "true"))
        (folder / "exit").unlink()
        (folder / "pid").write_text(f"{bystander.pid}\n")
        Run(folder).kill("killed")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("reattached", [False, True])
def test_kill_ends_grandchildren_that_ignore_being_asked(
    folder: Path, tmp_path: Path, reattached: bool
) -> None:
    pids = tmp_path / "pids"
    stubborn = f"(trap '' TERM; sh -c 'echo $$ >{pids}; while :; do sleep 1; done') & sleep 600"
    run = began(folder, stubborn)
    pid = int(until(lambda: pids.exists() and pids.read_text()))
    wrapper_of(run)
    target = Run(folder) if reattached else run
    target.kill("timeout")
    assert (target.state(), target.ended(), target.exit_code()) == ("finished", "timeout", None)
    until(lambda: not alive(pid))


def test_a_command_that_ignores_being_asked_is_killed(folder: Path) -> None:
    run = began(folder, "trap '' TERM; echo up; while :; do sleep 1; done")
    until(lambda: run.read_new(0)[0])
    run.kill("interrupted")
    assert (run.state(), run.ended()) == ("finished", "interrupted")
    assert run.read_output(100)[0] == "up\n"


def test_a_command_may_clean_up_when_it_is_ended(folder: Path, tmp_path: Path) -> None:
    run = began(folder, "trap 'echo saved; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    until(lambda: run.read_new(0)[0])
    run.kill("timeout")
    assert run.read_output(100)[0].startswith("up\n")
    assert run.read_output(100)[0].endswith("saved\n")
    assert (run.exit_code(), run.ended()) == (None, "timeout")


def test_ending_what_has_ended_changes_nothing(folder: Path) -> None:
    run = ended(began(folder, "exit 4"))
    run.kill("killed")
    assert (run.exit_code(), run.ended()) == (4, None)


def test_a_command_that_signals_its_own_group_has_an_exit_code(folder: Path) -> None:
    run = ended(began(folder, "trap 'exit 5' TERM; kill 0; sleep 1"))
    assert (run.state(), run.exit_code()) == ("finished", 5)


def test_a_daemon_does_not_keep_a_command_alive(folder: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    run = began(folder, f"setsid sleep 600 & echo $! >{pids}; sleep 600 & echo $! >>{pids}")
    ended(run)
    assert (run.state(), run.exit_code()) == ("finished", 0)
    daemons = [int(pid) for pid in pids.read_text().split()]
    assert all(alive(pid) for pid in daemons)
    for pid in daemons:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("command", "code"), [("kill -9 $$", 137), ("kill -TERM $$", 143)])
def test_exit_code_by_signal(folder: Path, command: str, code: int) -> None:
    assert ended(began(folder, command)).exit_code() == code


# --- output -----------------------------------------------------------------------------------


def test_a_hundred_megabytes_are_shown_by_head_and_tail(folder: Path) -> None:
    run = began(folder, "echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last")
    ended(run)
    assert run.output_path.stat().st_size > 100_000_000
    tracemalloc.start()
    text, cut = run.read_output(1000)
    data, offset = run.read_new(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cut
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert str(run.output_path) in text
    assert len(text) < 1300
    assert (len(data), offset) == (65536, run.output_path.stat().st_size)
    assert peak < 1_000_000


def test_output_that_is_no_utf8(folder: Path) -> None:
    run = ended(began(folder, r"printf 'a\377b\r\nc'"))
    assert run.read_output(100)[0] == "a\\xffb\nc"


BARS = (
    "for e in 1 2 3 4 5 6; do for i in $(seq 400); do printf '\\r%3d%%|#########| it/s' $i; done; "
    "printf '\\n'; echo epoch $e loss 0.$e; done; printf 'half\\ropen'"
)


def test_what_a_progress_bar_overwrote_takes_no_room(folder: Path) -> None:
    run = ended(began(folder, BARS))
    assert run.output_path.stat().st_size > 40_000
    text, cut = run.read_output(1000)
    assert not cut
    epochs = [f"400%|#########| it/s\nepoch {e} loss 0.{e}\n" for e in range(1, 7)]
    assert text == "".join(epochs) + "open"


def test_a_bar_that_is_longer_than_a_look(folder: Path) -> None:
    run = ended(began(folder, "echo first; yes 'x\r' | head -c 300000 | tr -d '\n'; echo last"))
    assert run.read_output(100) == ("first\nlast\n", False)


def test_a_command_longer_than_an_argument_may_be(folder: Path) -> None:
    script = "x = 1  # a line of the script\n" * 6000
    run = ended(began(folder, f"cat > big.py <<'EOF'\n{script}EOF\nwc -l < big.py; false"))
    assert (run.read_output(100)[0].strip(), run.exit_code()) == ("6000", 1)


@pytest.mark.parametrize("limit", range(20, 32, 2))
def test_a_cut_falls_between_characters(folder: Path, limit: int) -> None:
    run = ended(began(folder, "printf 'ä€😀%.0s' 1 2 3 4 5 6 7 8 9"))
    text, cut = run.read_output(limit)
    assert cut
    assert "\\x" not in text


def test_no_output(folder: Path) -> None:
    run = ended(began(folder, "true"))
    assert run.read_output(100) == ("", False)
    assert run.read_new(0) == (b"", 0)


def test_a_command_has_no_input(folder: Path) -> None:
    assert ended(began(folder, "cat; echo end")).read_output(100)[0] == "end\n"


def test_without_bash_it_is_sh(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_words.shell() == "/bin/sh"
    assert ended(began(folder, "echo ${BASH_VERSION:-sh}")).read_output(100)[0] == "sh\n"


# --- starting and finding -----------------------------------------------------------------------


def test_what_cannot_be_started_was_never_begun(folder: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        began(folder, "true", cwd="/nowhere")
    assert Run(folder).state() == "not begun"


def test_runs_of_a_thread_oldest_first(tmp_path: Path) -> None:
    assert runs_of(tmp_path / "none") == []
    for name in ("call_b", "call_a"):
        ended(began(tmp_path / "runs" / name, "true"))
        time.sleep(0.01)
    (tmp_path / "runs" / "call_broken").mkdir()
    assert [run.id for run in runs_of(tmp_path / "runs")] == ["b", "a"]


def test_a_command_gets_no_descriptor_of_ours(folder: Path) -> None:
    run = ended(began(folder, "for fd in /proc/self/fd/*; do readlink $fd; done; echo $PPID"))
    assert str(folder / "meta.json") not in run.read_output(10_000)[0]


@pytest.mark.parametrize(
    ("command", "background", "stays"),
    [
        ("echo hi", False, False),
        ("exit 3", False, False),
        ("echo hi", True, True),  # `process` tells of it
        ("head -c 30000 /dev/zero", False, True),  # the result names the file
        ("kill -9 $PPID", False, True),  # no exit code: what became of it is not known
    ],
)
def test_a_told_command_leaves_nothing(
    tmp_path: Path, command: str, background: bool, stays: bool
) -> None:
    asked = Meta(command, str(tmp_path), None, background)
    run = ended(start(tmp_path / "call_1", asked, os.environ))
    remove_told([run.folder])
    assert run.exists() == stays
    remove_told([run.folder])


def test_a_command_that_runs_keeps_its_directory(tmp_path: Path) -> None:
    run = began(tmp_path / "call_1", "sleep 600")
    try:
        remove_told([run.folder])
        assert Run(run.folder).state() == "alive"
    finally:
        run.kill("killed")


def test_a_removal_that_was_cut_off_is_no_command(tmp_path: Path) -> None:
    run = ended(began(tmp_path / "runs" / "call_1", "echo hi"))
    (run.folder / "meta.json").unlink()
    assert runs_of(tmp_path / "runs") == []
    remove_told([run.folder])


async def test_the_end_of_a_command_is_seen_at_once(tmp_path: Path) -> None:
    """Not at the next look, which is an hour away."""
    run = began(tmp_path / "call_1", "sleep 0.1")
    async with asyncio.timeout(60):
        await run.wait(3600)
    assert run.state() == "finished"
    await run.wait(3600)


async def test_a_wait_for_a_command_ends_with_its_time(tmp_path: Path) -> None:
    run = began(tmp_path / "call_1", "sleep 600")
    try:
        for each in (run, Run(run.folder)):
            async with asyncio.timeout(60):
                await each.wait(0.01)
            assert each.state() == "alive"
    finally:
        run.kill("killed")


async def test_a_wait_without_a_descriptor_for_it(folder: Path) -> None:
    """Some systems have no pidfd; here no descriptor is left."""
    run = began(folder, "sleep 600")
    lowest = os.dup(0)
    os.close(lowest)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        await run.wait(0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert run.state() == "alive"
