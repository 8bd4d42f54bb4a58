"""The fuzzer, small: what the policy lets run trips no wire, and the wires do trip."""

import random

import pytest

from benchmarks.shell_fuzz import fuzz, judge, run_lines, world
from benchmarks.shell_lines import lines_of

WIRES = [
    ("evil", "a program ran"),
    ("echo $(evil)", "a program ran"),
    ("cat .env", "a secret was read"),
    ("cat .env | tr A-Z a-z > x; cat server.pem > y", "a secret was read"),
    ("cat out/outside.txt", "a file outside was read"),
    ("echo x > ../new", "was written"),
    ("echo x >> .git/config", "was written"),
    ("cd evilrepo && git status", "a program ran"),
    ("git show BLOB", "a secret was read"),
]


def test_nothing_trips() -> None:
    ran, trips = fuzz(800, seed=26)
    assert trips == []
    assert ran > 30


def test_the_wires() -> None:
    with world() as made:
        assert run_lines(["ls", "cat a.txt", "git log --oneline"], made) == []
        for line, wire in WIRES:
            tripped = run_lines([line.replace("BLOB", made.blob)], made)
            assert any(wire in found for found in tripped), line
            assert not judge(line.replace("BLOB", made.blob), "ask", made, user=True)


@pytest.mark.parametrize("user", [False, True])
def test_much_of_it_is_judged(user: bool) -> None:
    rnd = random.Random(1)
    with world() as made:
        lines = [lines_of(rnd, made.blob, made.tree) for _ in range(300)]
        assert len(set(lines)) > 250
        assert sum(judge(line, "ask", made, user=user) for line in lines if "\0" not in line) > 5
