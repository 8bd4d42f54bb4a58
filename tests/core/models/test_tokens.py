"""The estimate of a request's tokens, and the model's window."""

import socket
from typing import Any, Literal

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import StructuredTool
from pydantic import BaseModel, Field

from configs.settings import Settings
from core.models import tokens
from core.models.client import ChatClient
from core.models.model_info import UNKNOWN_WINDOW
from core.models.tokens import FRAME, IMAGE, UNKNOWN, TokenCounter, at_most, fit, newest_count
from core.models.tool_specs import tool_specs
from tests.core.models.asking import bash, read
from tools import builtin_tools


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: Any) -> None:
        raise AssertionError(f"a connection to {args[1:]}")

    monkeypatch.setattr(socket.socket, "connect", connect)


def count(*messages: Any) -> int:
    return TokenCounter().count(messages)


def test_a_known_number() -> None:
    assert count(HumanMessage("hello world")) == FRAME + 2


def test_everything_that_is_sent_is_counted() -> None:
    call = {"name": "bash", "args": {"command": "x " * 500}, "id": "1"}
    assert count(AIMessage("", tool_calls=[call])) > 500
    assert count(AIMessage("", additional_kwargs={"reasoning_content": "x " * 500})) > 500
    thinking = [{"type": "thinking", "thinking": "x " * 500, "signature": "s"}]
    assert count(AIMessage("", additional_kwargs={"thinking_blocks": thinking})) > 500
    assert count(SystemMessage([{"type": "text", "text": "x " * 500}])) > 500
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}}
    shown = ToolMessage([{"type": "text", "text": "a"}, image], tool_call_id="1")
    assert IMAGE < count(shown) < IMAGE + 50
    assert TokenCounter().count([], [bash, read]) > TokenCounter().count([], [bash]) > 20


def test_what_stands_like_a_control_token_is_text() -> None:
    assert count(HumanMessage("<|endoftext|>")) > FRAME + 1


def test_odd_texts() -> None:
    for text in ("", "\x00", "ä" * 999, "😀" * 999, "\ud800 lone", "中文" * 999):
        assert count(HumanMessage(text)) >= FRAME


def test_a_message_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    real = tokens._count
    monkeypatch.setattr(tokens, "_count", lambda text: counted.append(text) or real(text))
    counter = TokenCounter()
    messages = [HumanMessage("a" * 50, id="1"), HumanMessage("b" * 50, id="2")]
    first = counter.count(messages)
    assert counter.count(messages) == first
    assert len(counted) == 2


def history() -> list[BaseMessage]:
    call = {"name": "bash", "args": {"command": "ls -l " * 9}, "id": "1"}
    said: list[BaseMessage] = [HumanMessage("wörk " * 20), AIMessage("On.", tool_calls=[call])]
    results = [ToolMessage("x" * n + " and words" * 30, tool_call_id="1") for n in (9, 4000, 700)]
    return said + results


@pytest.mark.parametrize("offered", [[], [bash]])
def test_what_fits_is_what_counts_as_no_more(offered: list[Any]) -> None:
    exact = TokenCounter().count(history(), offered)
    assert fit(history(), offered, at_most(history(), offered))
    assert not fit(history(), offered, exact - 1)
    if not offered:
        assert fit(history(), offered, exact + 2)  # the brackets of no tools


def test_the_longest_are_counted_until_it_is_certain_that_all_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[str] = []
    real = tokens._count
    monkeypatch.setattr(tokens, "_count", lambda text: counted.append(text) or real(text))
    messages = history()
    most = at_most(messages)
    assert fit(messages, [], most)
    assert counted == []
    assert fit(messages, [], most - 2000)
    assert [len(text) for text in counted] == [4300]
    # What was counted is not counted again, and the bound is what is known of it.
    assert at_most(messages) <= most - 2000
    assert fit(messages, [], most - 2000)
    assert len(counted) == 1


def restarted() -> list[BaseMessage]:
    """The same request in another process, where no message was counted yet."""
    request: list[BaseMessage] = [SystemMessage("You are ..."), *history()]
    for number, message in enumerate(request):
        message.id = str(number)
    return request


def test_what_a_history_cost_is_known_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    request = restarted()
    most = at_most(request) - 2000
    assert newest_count(request, UNKNOWN) is UNKNOWN
    assert fit(request, [], most)
    known = newest_count(request, UNKNOWN)
    assert (known["messages"], known["last"]) == (5, "5")
    assert newest_count(request, known) is known

    monkeypatch.setattr(tokens, "_count", None)
    longer = [*restarted(), HumanMessage("go on", id="6")]
    assert fit(longer, [], most, known)
    assert newest_count(longer, known) is known
    assert at_most(longer, [], known) == at_most(request) + len("go on") + 2 * FRAME


@pytest.mark.parametrize("compacted", [[0, 1, 4, 5], [0, 1, 2, 3, 5], [0, 1, 2, 3, 4, 6], [0]])
def test_another_history_is_not_the_one_that_was_counted(compacted: list[int]) -> None:
    request = restarted()
    fit(request, [], at_most(request) - 2000)
    known = newest_count(request, UNKNOWN)
    others = [*restarted(), HumanMessage("a summary", id="6")]
    shorter = [others[at] for at in compacted]
    assert at_most(shorter, [], known) == at_most(shorter)


@pytest.mark.parametrize(
    "changed",
    [
        AIMessage("b b b b b b b b b", id="1"),
        AIMessage("", id="1", tool_calls=[{"name": "bash", "args": {"c": "x " * 99}, "id": "1"}]),
        AIMessage([{"type": "text", "text": "x " * 99}], id="1"),
    ],
)
def test_a_message_that_changed_is_counted_anew(changed: AIMessage) -> None:
    counter = TokenCounter()
    same_length = AIMessage("a" * len(changed.content), id="1")
    counter.count([same_length])
    assert counter.count([changed]) == count(changed)


def test_a_long_text_of_one_letter_is_counted_in_pieces() -> None:
    longest = []
    encoder = tokens._encoder()

    class Watched:
        def encode(self, text: str, **options: Any) -> list[int]:
            longest.append(len(text))
            return list(encoder.encode(text, **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_encoder", Watched)
        assert count(HumanMessage("a" * 1_000_000)) > 1000
    assert max(longest) <= tokens.PIECE


def test_specs_are_made_once_and_sorted() -> None:
    first = tool_specs([read, bash])
    assert [s["function"]["name"] for s in first] == ["bash", "read"]
    assert tool_specs([read, bash]) is first
    assert tool_specs([]) == []


def test_tools_of_another_session_have_the_specs_of_the_first_ones() -> None:
    first, second = (tool_specs([*builtin_tools().values()]) for _ in range(2))
    assert first == second
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_a_spec_follows_the_name_and_the_description_of_its_tool() -> None:
    class Arguments(BaseModel):
        path: str

    def spec(name: str, description: str) -> Any:
        one = StructuredTool.from_function(
            lambda: "", name=name, description=description, args_schema=Arguments
        )
        return tool_specs([one])[0]["function"]

    for name, description in (("a", "one"), ("a", "two"), ("b", "two"), ("a", "one")):
        made = spec(name, description)
        assert (made["name"], made["description"]) == (name, description)


def test_a_spec_of_ours_has_no_bounds_and_a_servers_schema_stays_as_it_is() -> None:
    class Arguments(BaseModel):
        type: Literal["", "small"] = ""
        minimum: int = Field(1, ge=1, le=9)

    def tool(schema: Any) -> Any:
        one = StructuredTool.from_function(
            lambda: "", name="t", description="d", args_schema=schema
        )
        return tool_specs([one])[0]["function"]["parameters"]["properties"]

    assert tool(Arguments) == {
        "type": {"enum": ["small"], "type": "string"},
        "minimum": {"default": 1, "type": "integer"},
    }
    server = {"minimum": {"type": "integer", "minimum": 1}, "kind": {"enum": ["", "small"]}}
    assert tool({"title": "t", "type": "object", "properties": server}) == server


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("anthropic/claude-sonnet-4-5-20250929", 200_000),
        ("claude-sonnet-4-5-20250929", 200_000),
        ("openai/gpt-5.1", 272_000),
        ("org/nobody-knows", UNKNOWN_WINDOW),
    ],
)
def test_windows(model: str, window: int) -> None:
    client = ChatClient(Settings())
    assert client.window(model) == window
    assert client.window_is_known(model) is (window != UNKNOWN_WINDOW)
    assert ChatClient(Settings(context_window=5000)).window(model) == 5000
