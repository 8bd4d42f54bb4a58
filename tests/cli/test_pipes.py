"""Standard input as context, standard output as the answer, and streams that are closed or full."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli.main import cli
from tests.cli.program import ROOT, complaints, program
from tests.cli.program_process import start
from tests.stand_ins.model_script import Call, Reply

WORK = [
    Reply(text="Running step 1.", calls=[Call("bash", {"command": "echo 1 >> steps"})]),
    Reply(text="Running step 2.", calls=[Call("bash", {"command": "echo 2 >> steps"})]),
    Reply(text="line one\nline two"),
]


def asked(run: object, number: int) -> str:
    body = run.server.bodies[number]  # type: ignore[attr-defined]
    return "".join(str(m["content"]) for m in body["messages"] if m["role"] == "user")


def test_a_task_with_input_and_a_reader_that_leaves(tmp_path: Path) -> None:
    with program(tmp_path, WORK) as run:
        done = run("explain why", "--max-cost", "1", "-m", "openai/stand-in", input="E: </x> no\n")
        assert (done.returncode, done.stdout) == (0, "line one\nline two\n")
        assert "cap $1" in done.stderr
        assert "\nRunning step 2.\n" in done.stderr
        first = asked(run, 0)
        assert "explain why\n" in first
        assert "<standard_input>\nE: </x> no\n</standard_input>" in first
        assert first.index("explain why") < first.index("E: ")

        # A long text is a file as well; the reader of the answer leaves, and the work continues.
        long = "start\n" + "x" * 99 * 1000 + "\nend"
        command = " ".join([*run.command("-m", "openai/stand-in", "again"), ">&1", "|", "true"])
        shell = f"set -o pipefail; {command}"
        left = subprocess.run(
            ["bash", "-c", shell], cwd=run.work, env=run.environment, input=long, text=True,
            capture_output=True, timeout=120,
        )  # fmt: skip
        assert left.returncode == 141, left.stderr
        assert (run.work / "steps").read_text() == "1\n2\n" * 2
        assert "Exception" not in left.stderr
        (told,) = [line for line in left.stderr.splitlines() if "standard input has" in line]
        path = Path(told.rpartition(" ")[2])
        assert path.read_text() == long
        second = asked(run, 3)
        assert "start" in second
        assert "end\n</standard_input>" in second
        assert str(path) in second
        assert len(second) < 40_000
        rows = json.loads(run("sessions", "list", "--json").stdout)["threads"]
        assert [row["status"] for row in rows] == ["done", "done"]

        refused = run("-m", "openai/stand-in", "look", input="a\0b")
        assert (refused.returncode, len(complaints(refused))) == (2, 1)
        assert "binary" in refused.stderr


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ("{} --help >&-", 1, "it is closed"),
        ("{} --help >/dev/full", 1, "No space left on device"),
        ("{} --help >&- 2>&-", 1, ""),
        ("{} --bogus 2>/dev/full", 2, ""),
        ("{} config show 2>&- >/dev/null", 0, ""),
        ("{} config show --json >/dev/full", 1, "No space left on device"),
        ("{} config show | true", 141, ""),
        ("{} sessions list >&- <&-", 1, "it is closed"),
        ("{} <&-", 2, "no terminal"),
    ],
)
def test_streams_that_are_closed_or_full(shell: str, code: int, said: str, tmp_path: Path) -> None:
    program = f"{sys.executable} -m cli.main"
    done = subprocess.run(
        ["bash", "-c", "set -o pipefail; " + shell.format(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ML_AGENT_STATE_DIR": str(tmp_path / "state")},
        cwd=tmp_path,
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    for word in ("Traceback", "Exception", "internal error"):
        assert word not in done.stderr
    if said:
        assert said in done.stderr.strip().splitlines()[-1]


def wait_for_input(data: str, *, is_task: bool, closes: bool) -> tuple[str, str]:
    """What is read from a pipe that sends `data`; what was told."""
    code = (
        "import cli.terminal.standard_input as p; p.TOLD, p.GIVEN_UP = 0.2, 0.5; "
        f"print(repr(p.read_piped(is_task={is_task})))"
    )
    child = start(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdin.write(data)
    child.stdin.flush()
    told = ""
    if data:
        told = child.stderr.readline()
    if closes:
        child.stdin.close()
    read = child.stdout.read()
    told += child.stderr.read()
    child.wait()
    child.stdin.close()
    return read.strip(), told


def test_a_pipe_that_stays_open() -> None:
    read, told = wait_for_input("", is_task=False, closes=False)
    assert read == "''"
    assert "sent nothing for 0.5 s: the task runs without it" in told
    # Once a byte came, the end is waited for, and that is said.
    read, told = wait_for_input("slow", is_task=False, closes=True)
    assert read == "'slow'"
    assert "waiting for standard input to end" in told


@pytest.mark.parametrize(
    ("words", "max_cost", "rest"),
    [
        (["do it", "--max-cost", "1"], 1.0, ["do it"]),
        (["--max-cost", "1", "do it"], 1.0, ["do it"]),
        (["-c", "do it", "--max-cost=2", "--json"], 2.0, ["do it"]),
        (["-", "--max-cost", "1"], 1.0, ["-"]),
        (["do it", "--", "--max-cost"], None, ["do it", "--max-cost"]),
        (["--", "sessions", "--max-cost", "1"], None, ["sessions", "--max-cost", "1"]),
        (["--max-cost", "1", "sessions", "list", "--all"], 1.0, ["sessions", "list", "--all"]),
    ],
)
def test_options_behind_a_task(words: list[str], max_cost: float | None, rest: list[str]) -> None:
    context = cli.make_context("ml-agent", list(words))
    assert context.params["max_cost"] == max_cost
    assert [*context._protected_args, *context.args] == rest


def test_words_without_quotes_keep_no_cap_from_holding() -> None:
    context = cli.make_context("ml-agent", ["fix", "the", "bug", "--max-cost", "1"])
    with pytest.raises(click.UsageError, match=r"put it in quotes: 'fix the bug'$"):
        cli.invoke(context)


def test_a_carriage_return_hides_nothing_of_an_answer(tmp_path: Path) -> None:
    with program(tmp_path, [Reply(text="first\rsecond\r\nthird")]) as run:
        done = run("-m", "openai/stand-in", "say")
        assert (done.returncode, done.stdout) == (0, "first\nsecond\nthird\n")
        assert "first" not in done.stderr
