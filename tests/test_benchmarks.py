"""The benchmarks' own code, at tiny sizes, for what does not depend on time."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from benchmarks import history, iterations, rows
from benchmarks.bench import Bench, Sizes
from benchmarks.iterations import fit
from benchmarks.kills import kill_and_resume
from benchmarks.programs import BareGraph, Ours, OursThroughLiteLLM
from benchmarks.sandbox_cost import KINDS
from benchmarks.table import Row, render
from tests.cli import program_process
from tests.stand_ins.model_script import Reply
from tests.stand_ins.model_server import ModelServer
from tools.workspace.command_sandbox import find


class Forked(Ours):
    """The program as a fork: here its start is not measured."""

    def __init__(self) -> None:
        self.words = [sys.executable, "-m", "cli.main"]

    def start(self, command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
        return program_process.start(command, **options)


@pytest.fixture(scope="module")
def bench() -> Bench:
    made = Bench.open(Sizes(short=4, long=8, counts=(4,), turns=1, runs=1), mini=False)
    made.programs["ours"] = Forked()
    return made


def test_disk_grows_with_the_iterations(bench: Bench) -> None:
    made = rows.disk(bench)
    short, long, ratio, blocks, _ = made
    assert 0 < short.ours < long.ours
    assert ratio.met
    assert bench.long("ours", 4).transcript > 4 * 2400
    assert bench.long("bare", 4).transcript > 4 * 2400
    assert blocks.ours > 0
    assert {row.mini for row in made[:4]} == {"left out"}


def test_write_transactions_are_counted(bench: Bench) -> None:
    """Two on a quiet machine; tests/graph/test_session.py holds that, where no clock counts."""
    assert bench.long("ours", 4).commits >= 1.5
    assert bench.long("bare", 4).commits == 0


def test_an_empty_graph_does_the_same_work() -> None:
    turn = iterations.measure(BareGraph(), 3)
    assert turn.transcript > 3 * 2400
    assert (turn.compared, turn.broken) == (3, 0)


def test_the_first_request_is_within_its_budget(bench: Bench) -> None:
    (row,) = rows.tokens(bench)
    assert isinstance(row.bare, int)
    assert row.bare < row.ours
    assert row.met


def test_a_kill_repeats_and_loses_nothing() -> None:
    killed = kill_and_resume(Forked(), "running", at=2, steps=4)
    assert (killed.repeated, killed.lost, killed.broken) == (0, 0, 0)
    assert killed.compared >= 4


def test_the_prefix_is_stable_over_restarts(bench: Bench) -> None:
    (row,) = rows.prefix(bench)
    assert row.ours == 0
    # The turn's own, the turn's again before the restarts, the message that continues, two resumes.
    assert "of 11" in row.name


def test_a_command_runs_in_each_sandbox_that_is_measured(bench: Bench) -> None:
    made = rows.sandbox(bench)
    assert all(row.ours > 0 for row in made)
    assert len(made) == sum(find(kind).kind != "none" for kind in KINDS)


def test_the_table_says_by_how_much_a_budget_is_missed() -> None:
    text = render(
        [
            Row("one", 45, 3, "left out", 40, "≤ 40"),
            Row("two", 2, 4, 1, 3, "≤ 3"),
            Row("three", 1, "none", 1, 0, "0", 0),
            Row("four", 9, 1, 1, None, "none below 300 iterations"),
        ]
    )
    one, two, three, four = text.splitlines()[2:]
    assert "| 15.00 " in one
    assert "NO, 1.12 of it" in one
    assert "| 0.50 " in two
    assert "| 2.00 " in two
    assert "yes, 0.67 of it" in two
    assert "| NO " in three
    assert "| 9.00 " in four
    assert "NO" not in four
    assert "yes" not in four


def test_a_release_is_a_line_of_the_history(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    for release in ("0.1", "0.2"):
        history.record(
            release, [Row("one", 45, 3, "left out", 40, "≤ 40")], is_quick=True, file=file
        )
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert (first["release"], second["release"]) == ("0.1", "0.2")
    assert first["versions"]["langgraph"]
    assert first["machine"]["cores"]
    told = {"name": "one", "ours": 45, "bare": 3, "mini": "left out", "limit": 40, "budget": "≤ 40"}
    assert first["rows"] == [told]


def test_a_turn_through_litellm_is_measured() -> None:
    command = OursThroughLiteLLM().command("x", 1, Path())
    assert "litellm/openai/stand-in" in command


def test_the_fit_is_the_line() -> None:
    assert fit([5 + 0.5 * k for k in range(9)]) == pytest.approx((5, 0.5))


def test_a_client_that_is_killed_while_it_sends_breaks_no_rule() -> None:
    """Headers and body are two packets, and a kill may come between them."""
    with ModelServer(lambda asked: Reply(text="done")) as server:
        place = urlsplit(server.openai_base)
        for body in (b"", b'{"messages": ['):
            with socket.create_connection((place.hostname, place.port)) as client:
                head = (
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
                )
                client.sendall(head.encode() + body)
                client.shutdown(socket.SHUT_WR)
                assert client.recv(100) == b""
    assert (server.violations, server.requests) == ([], [])
