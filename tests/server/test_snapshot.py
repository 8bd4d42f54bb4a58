"""A long thread in parts: together they are the whole, and each is made when it is asked for."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from core.errors import NoSuchThread
from core.history import Call as HistoryCall
from core.history import tool_message
from core.state import OURS
from core.tool import ToolResult
from server import snapshot
from server.snapshot import Items, Standing
from tools import builtin_tools


def said(text: str, turn: int) -> HumanMessage:
    return HumanMessage(
        text, id=f"user{turn}", additional_kwargs={OURS: {"turn": turn, "at": turn}}
    )


def step(number: int, *, output: str | None = "loss 0.5") -> list[AnyMessage]:
    call = HistoryCall(f"call{number}", "bash", {"command": f"echo {number}"})
    asked = {"id": call.id, "name": call.name, "args": call.args}
    answer = AIMessage(f"Step **{number}**.", id=f"answer{number}", tool_calls=[asked])
    result: list[ToolMessage] = []
    if output is not None:
        result = [tool_message(call, ToolResult(output), now=1.0, seconds=2.0)]
    return [answer, *result]


def thread(steps: int) -> list[AnyMessage]:
    """Two turns; the second has `steps` calls."""
    first = [said("one", 1), AIMessage("Yes.", id="yes")]
    return [*first, said("two", 2), *(m for n in range(steps) for m in step(n))]


def items_of(messages: Sequence[AnyMessage], state: str = "running") -> Items:
    items = Items(builtin_tools)
    items.read(messages, Standing(state))
    return items


def parts_of(items: Items) -> list[dict[str, Any]]:
    """From the newest to the oldest."""
    parts = [items.part()]
    while parts[-1]["before"]:
        parts.append(items.part(parts[-1]["before"]))
    return parts


def test_the_parts_together_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = thread(100)
    parts = parts_of(items_of(messages))
    assert len(parts) > 4
    assert all(len(part["items"]) <= snapshot.PART for part in parts)
    assert [part["turn"] for part in parts] == [*[2] * (len(parts) - 1), 0]
    monkeypatch.setattr(snapshot, "PART", 10_000)
    (whole,) = parts_of(items_of(messages))
    joined = [item for part in reversed(parts) for item in part["items"]]
    assert joined == whole["items"]
    kinds = [item["kind"] for item in joined[:6]]
    assert kinds == ["user", "answer", "total", "user", "answer", "call"]
    assert (joined[5]["title"], joined[5]["summary"]) == ("echo 0", "loss 0.50")


def test_what_is_not_asked_for_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    real = snapshot.blocks_of
    monkeypatch.setattr(snapshot, "blocks_of", lambda text: rendered.append(text) or real(text))
    items = items_of(thread(200))
    part = items.part()
    assert 0 < len(rendered) <= snapshot.PART
    items.part()
    assert len(rendered) <= snapshot.PART, "what was made is kept"
    assert part["items"][-1]["id"] == "call199"


def test_a_part_is_small_if_its_items_are_large() -> None:
    messages = [said("go", 1), *(m for n in range(30) for m in step(n, output="x" * 50_000))]
    parts = parts_of(items_of(messages))
    assert max(len(str(part["items"])) for part in parts) < snapshot.LARGE + 60_000
    assert sum(len(part["items"]) for part in parts) == 61


def test_a_place_holds_while_the_thread_grows() -> None:
    items = items_of(thread(100))
    before = items.part()["before"]
    older = items.part(before)
    items.read(
        [*thread(100), AIMessage("Done.", id="done"), said("three", 3), *step(100)],
        Standing("done"),
    )
    assert items.part(before) == older
    assert items.turns == 3


def test_calls_without_a_result_are_in_the_newest_part() -> None:
    """Frames tell what becomes of them: the page must have them."""
    asked = [{"id": f"w{n}", "name": "bash", "args": {"command": "x"}} for n in range(90)]
    waiting = AIMessage("", id="many", tool_calls=asked)
    items = items_of([*thread(5), waiting], "approval")
    newest = items.part()["items"]
    assert [item["id"] for item in newest if item["kind"] == "call"][-90:] == [
        c["id"] for c in asked
    ]


def test_a_place_that_is_gone_is_refused() -> None:
    with pytest.raises(NoSuchThread, match="gone"):
        items_of(thread(2)).part("nothing")
