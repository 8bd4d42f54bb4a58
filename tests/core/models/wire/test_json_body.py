"""The bytes of a request's body: the same as all of it made anew, and made once."""

import gc
import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from core.models.wire import json_body
from core.models.wire.json_body import Sent, encoded
from core.models.wire.outgoing import prepared_messages
from core.models.wire.providers import Wire
from core.models.wire.requests import Target, body_of
from core.per_message import PerMessage

TOOLS = [{"type": "function", "function": {"name": "bash", "parameters": {"type": "object"}}}]


def history(steps: int) -> list[BaseMessage]:
    messages: list[BaseMessage] = [SystemMessage("You work."), HumanMessage("go \ud83d 😀")]
    for n in range(steps):
        call = {"name": "b.sh", "args": {"command": f"echo ä {n}"}, "id": f"call {n}"}
        messages += [
            AIMessage("", tool_calls=[call], additional_kwargs={"reasoning_content": "hm"}),
            ToolMessage(f"{n}\udc80", tool_call_id=f"call {n}", name="b.sh"),
        ]
    return messages


WIRES: dict[str, Wire] = {"anthropic": "anthropic", "ollama": "ollama"}


def body(messages: list[BaseMessage], provider: str = "openai") -> dict[str, Any]:
    wire, marks = WIRES.get(provider, "openai"), provider == "openrouter"
    target = Target(provider, wire, "http://x", "claude-x", marks=marks)
    return body_of(target, messages, TOOLS, stream=True)


def test_the_bytes_are_those_of_the_whole_body() -> None:
    for provider in ("openai", "openrouter", "mistral", *WIRES):
        made = body(history(5), provider)
        whole = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
        assert b"".join(encoded(made)) == whole
    assert b"".join(encoded({})) == b"{}"
    plain = {"model": "m", "messages": [], "options": {"a": ["\ud800", "é"]}, "stream": False}
    assert json.loads(b"".join(encoded(plain)))["options"] == {"a": ["\ufffd", "é"]}


@pytest.mark.parametrize("provider", ["openai", *WIRES])
def test_a_later_request_makes_only_what_is_new(monkeypatch: Any, provider: str) -> None:
    messages = history(5)
    encoded(body(messages, provider))
    made: list[Any] = []
    really = json_body._dumped

    def dumped(value: Any) -> bytes:
        made.append(value)
        return really(value)

    monkeypatch.setattr(json_body, "_dumped", dumped)
    new = history(6)[-2:]
    encoded(body([*messages, *new], provider))
    last = "user" if provider == "anthropic" else "tool"
    # Of Anthropic's turns the newest has a mark, and so had the one before it until now.
    marked = ["user"] if provider == "anthropic" else []
    roles = [m["role"] for m in made if isinstance(m, dict) and "role" in m]
    assert roles == [*marked, "assistant", last]


def test_the_same_messages_for_another_provider() -> None:
    messages = history(1)
    first = body(messages)["messages"]
    other = body(messages, "mistral")["messages"]
    assert first[2]["tool_calls"][0]["id"] != other[2]["tool_calls"][0]["id"]
    assert body(messages)["messages"] == first
    assert prepared_messages(messages, provider="openai")[0] is messages[0]


def test_a_turn_of_the_same_first_message_with_others_is_another() -> None:
    messages = history(2)
    first = body(messages, "anthropic")["messages"]
    assert body(messages, "anthropic")["messages"][0] is first[0]
    messages[-1] = ToolMessage("other", tool_call_id=messages[-1].tool_call_id)  # type: ignore[attr-defined]
    two = [*messages, HumanMessage("and this")]
    assert body(two, "anthropic")["messages"][-1]["content"][1]["text"] == "and this"
    two[-1] = HumanMessage("or that")
    assert body(two, "anthropic")["messages"][-1]["content"][1]["text"] == "or that"


def test_what_was_made_goes_with_its_message() -> None:
    made: PerMessage[Sent] = PerMessage()
    message = HumanMessage("a")
    assert made.of(message, 1, lambda: Sent(a=1)) is made.of(message, 1, lambda: Sent(a=2))
    assert made.of(message, 2, lambda: Sent(a=2)) == {"a": 2}
    del message
    gc.collect()
    assert made._known == {}


def test_a_history_that_grows_makes_what_is_new() -> None:
    made: PerMessage[str] = PerMessage()
    asked: list[str] = []

    def make(message: BaseMessage) -> str:
        asked.append(message.text)
        return message.text.upper()

    messages: list[BaseMessage] = [HumanMessage(text) for text in "abc"]
    assert made.each(messages[:2], None, make) == ["A", "B"]
    assert made.each(messages, None, make) == ["A", "B", "C"]
    assert asked == ["a", "b", "c"]
    # Shorter, another one in the middle, another variant.
    assert made.each(messages[:1], None, make) == ["A"]
    assert made.each([messages[0], HumanMessage("d"), messages[2]], None, make) == ["A", "D", "C"]
    assert made.each(messages, "again", make) == ["A", "B", "C"]
    assert asked == ["a", "b", "c", "d", "a", "b", "c"]


def test_what_takes_the_place_of_a_message_in_memory_is_not_taken_for_it() -> None:
    made: PerMessage[str] = PerMessage()
    for number in range(200):
        message = HumanMessage(str(number))
        assert made.each([message], None, lambda m: m.text) == [str(number)]
        del message
    assert made._last == {}
