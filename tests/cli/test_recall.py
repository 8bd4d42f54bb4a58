"""What `ml-agent -c` shows of the session that it continues."""

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from cli.chat.recall import age_of, ending
from tests.cli.program import program
from tests.cli.screens import terminal
from tests.stand_ins.model_script import Asked, Call, Reply

ITEMS = [
    {"id": "1", "text": "look", "status": "completed"},
    {"id": "2", "text": "train", "status": "in_progress"},
]


def choose(asked: Asked) -> Reply:
    if asked.step == 0:
        return Reply(calls=[Call("plan", {"items": ITEMS})])
    return Reply("\n".join(f"line {n}" for n in range(20)))


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_where_one_was(columns: int, tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        run.task("train a small model")
        with terminal(run, "-c", columns=columns, rows=60) as chat:
            chat.expect('"train a small model" · 1 turn')
            chat.expect("just now")
            chat.expect("  > train a small model")
            chat.expect("  \\[14 lines before\\]")
            chat.expect("  line 19")
            chat.expect("  \\[>\\] train")
            assert "line 13" not in chat.text


def test_no_fences_and_rules_of_tables() -> None:
    answer = "Changed:\n```python\nx = 1\n```\n| a | b |\n|---|--:|\n| 1 | 2 |"
    told = ending([HumanMessage("go"), AIMessage(answer)])
    assert told == ["> go", "Changed:", "x = 1", "| a | b |", "| 1 | 2 |"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (130, "2 min ago"), (7500, "2 h 5 min ago"), (90_000, "1 day ago"),
     (900_000, "10 days ago")],
)  # fmt: skip
def test_ages(seconds: float, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000_000.0)
    assert age_of(1_000_000.0 - seconds) == words
