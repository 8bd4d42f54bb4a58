"""What judges the work is not written; that it is read and run is fine."""

from pathlib import Path

import pytest

from core.effects import Effect
from core.policy.decide import Judged, Situation, decide


def judged(mode: str, folder: Path, line: str) -> Judged:
    frozen = (str(folder / "judge.py"), str(folder / "data"))
    here = Situation(mode, str(folder), frozen=frozen)
    return decide("bash", Effect("execute", command=line), [], here)


@pytest.mark.parametrize(
    "line",
    ["echo x > judge.py", "cat a >> data/test.csv", "cd data && echo x > test.csv",
     "bash -c 'echo x > judge.py'"],
)  # fmt: skip
def test_a_line_that_writes_it_does_not_run(workdir: Path, line: str) -> None:
    (workdir / "data").mkdir()
    assert (judged("auto", workdir, line).action, judged("auto", workdir, line).rule) == (
        "deny",
        "frozen-path",
    )
    assert judged("yolo", workdir, line).action == "ask"


@pytest.mark.parametrize("line", ["python judge.py", "cat judge.py", "echo x > train.py"])
def test_other_lines_run(workdir: Path, line: str) -> None:
    assert judged("auto", workdir, line).action == "run"


def test_files_are_judged_by_where_they_lead(workdir: Path) -> None:
    (workdir / "judge.py").write_text("")
    (workdir / "link.py").symlink_to("judge.py")
    here = Situation("auto", str(workdir), frozen=(str(workdir / "judge.py"),))
    for name in ("judge.py", "link.py", "./data/../judge.py"):
        path = str(workdir / name)
        assert decide("write", Effect("write", paths=(path,)), [path], here).action == "deny"
        assert decide("read", Effect("read", paths=(path,)), [path], here).action == "run"
    path = str(workdir / "train.py")
    assert decide("edit", Effect("write", paths=(path,)), [path], here).action == "run"
