"""What only looks: by what the line does."""

import pytest

from core.policy.looking import only_looks, only_sleeps_and_looks

LOOKS = [
    "sleep 30; tail -n 5 train.log",
    "sleep 60 && cat out.txt | grep loss",
    "tail -n 3 log; sleep 5; tail -n 3 log",
    "until [ -e done ]; do sleep 5; done",
    "while ! grep -q finished train.log; do sleep 10; done; tail train.log",
    "for i in 1 2 3; do sleep 20; nvidia-smi; done",
    "sleep 600",
]
WORKS = [
    "sleep 2 && make",
    "sleep 2; python train.py",
    "sleep 1; echo ready > flag",
    "sleep 1; rm -f lock; ls",
    "sleep 5 && curl -X POST http://localhost/start",
    "sleep 1; sed -i s/a/b/ file",
    "sleep 1; bash run.sh",
    "sleep 1; $COMMAND",
    "sleep 1; eval \"$x\"",
    "sleep 1; cat x | sh",
    "sleep 1; git push",
    "sleep 1; timeout 60 make",
    "sleep 1; xargs rm < names",
]  # fmt: skip


@pytest.mark.parametrize("line", LOOKS)
def test_a_look(line: str) -> None:
    assert only_sleeps_and_looks(line)


@pytest.mark.parametrize("line", WORKS)
def test_work(line: str) -> None:
    assert not only_looks(line)
    assert not only_sleeps_and_looks(line)


@pytest.mark.parametrize("line", ["ls -l", "cat a b", "git status", "grep -rn x ."])
def test_a_look_without_a_pause_is_no_poll(line: str) -> None:
    assert only_looks(line)
    assert not only_sleeps_and_looks(line)


@pytest.mark.parametrize("line", ["", "   ", "((", "x" * 30_000])
def test_what_is_no_line(line: str) -> None:
    assert not only_looks(line)
