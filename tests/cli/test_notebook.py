"""What the chat shows of calls and results, at three widths: each result stands under its call."""

from collections.abc import Iterator
from typing import Any

import pytest

from core import events as ev
from tests.cli.drawn import Drawn, drawn


@pytest.fixture(params=[40, 80, 200])
def chat(request: pytest.FixtureRequest) -> Iterator[Drawn]:
    with drawn(request.param) as found:
        found.shown.began()
        yield found


def call(id: str, tool: str, title: str = "", **arguments: Any) -> list[ev.Event]:
    return [
        ev.ToolCall(id=id, tool=tool, arguments=arguments, effect="read", title=title),
        ev.ToolStateChange(id=id, tool=tool, state="running"),
    ]


def result(id: str, tool: str, text: str, *, ok: bool = True, summary: str = "") -> ev.Event:
    return ev.ToolOutput(id=id, tool=tool, ok=ok, text=text, summary=summary)


def log(id: str, text: str, progress: str = "") -> ev.Event:
    return ev.ToolLog(id=id, tool="bash", text=text, progress=progress)


def test_results_of_parallel_calls_stand_under_their_calls(chat: Drawn) -> None:
    chat.show(*call("a", "research", "Which data?"), *call("b", "research", "Which model?"))
    assert [line.split(" · ")[0] for line in chat.live] == [
        "● research Which data?", "● research Which model?",
    ]  # fmt: skip
    assert chat.lines == []
    chat.show(result("b", "research", "# Models"), result("a", "research", "# Data"))
    assert chat.lines == [
        "● research Which model?", "  └ # Models", "● research Which data?", "  └ # Data",
    ]  # fmt: skip


def test_a_summary_stands_for_the_text(chat: Drawn) -> None:
    chat.show(*call("a", "hf_dataset", "inspect ann/pairs"))
    text = "\n".join(f"row {n}" for n in range(50))
    chat.show(result("a", "hf_dataset", text, summary="40 rows · fits DPO"))
    assert chat.lines == ["● hf_dataset inspect ann/pairs", "  └ 40 rows · fits DPO"]
    chat.shown.unfold()
    assert "row 49" in chat.text


def test_a_command_is_told_by_its_end(chat: Drawn) -> None:
    text = "\n".join([*(f"{n} %" for n in range(90)), "loss 0.31", "[exit code 0]"])
    chat.show(*call("a", "bash", "python train.py"), result("a", "bash", text))
    assert chat.lines[-1].strip() == "loss 0.31"
    assert "more lines" in chat.text
    assert "exit code" not in chat.text
    assert "0 %" not in chat.lines[2]


def test_a_training_is_one_line(chat: Drawn) -> None:
    line = "loss 0.69 █▅▃▁ 0.30 · step 120/1200"
    chat.show(*call("a", "bash", "python train.py"), log("a", "{'loss': 0.3}", line))
    assert chat.live[0].startswith("● bash python train.py · ")
    assert chat.live[1] == f"  │ {line}"
    # After an approval the call runs on, and its lines are shown all the same.
    chat.shown.ended()
    assert chat.live == []
    chat.shown.began()
    chat.show(ev.ToolStateChange(id="a", tool="bash", state="running"), log("a", "step 2"))
    assert chat.live[-1] == "  │ step 2"


def test_many_commands_at_once(chat: Drawn) -> None:
    for n in range(9):
        chat.show(*call(f"c{n}", "bash", f"run {n}"), log(f"c{n}", f"line of {n}"))
    live = chat.live
    assert sum(line.startswith("● bash run") for line in live) == 6
    assert "  │ line of 0" in live
    assert live[-1] == "  … 3 more running"


def test_a_new_file_is_shown(chat: Drawn) -> None:
    body = "".join(f"+line {n}\n" for n in range(30))
    diff = f"--- a.py\n+++ a.py\n@@ -0,0 +1,30 @@\n{body}"
    chat.show(*call("a", "write", "a.py (30 lines)"), log("a", diff.rstrip()))
    chat.show(result("a", "write", "Created a.py (30 lines)."))
    assert chat.lines[0] == "● write a.py (30 lines)"
    assert chat.lines[1] == "  +line 0"
    assert chat.lines[-1] == "  └ Created a.py (30 lines)."
    assert len(chat.lines) < 15
    assert chat.style("+line 0").fg == "green"


def test_the_plan_is_one_line_that_changes(chat: Drawn) -> None:
    items = [{"id": str(n), "text": f"do {n}", "status": "pending"} for n in range(3)]

    def plan(id: str, title: str) -> None:
        given = [dict(item) for item in items]
        arguments = {"items": given}
        chat.show(
            ev.ToolCall(id=id, tool="plan", arguments=arguments, effect="read", title=title),
            result(id, "plan", "noted"),
        )

    plan("a", "0/3 · do 0")
    assert chat.lines == ["● plan 0/3 · do 0", "  [ ] do 0", "  [ ] do 1", "  [ ] do 2"]
    items[0]["status"], items[1]["status"] = "completed", "in_progress"
    plan("b", "1/3 · do 1")
    assert chat.lines[4:] == ["● plan 1/3 · do 1"]
    assert chat.live[-1] == "plan 1/3 · do 1"


def test_a_long_message_is_not_echoed_in_full(chat: Drawn) -> None:
    chat.shown.said("\n".join(f"line {n}" for n in range(60)))
    assert chat.lines == ["> line 0", "  line 1", "  line 2", "  [57 more lines]"]


def test_a_call_that_was_stopped_is_not_lost(chat: Drawn) -> None:
    chat.show(*call("a", "bash", "sleep 100"), ev.Interrupted(at="tools"))
    assert chat.lines == ["● bash sleep 100"]
    assert not [line for line in chat.live if "sleep" in line]
