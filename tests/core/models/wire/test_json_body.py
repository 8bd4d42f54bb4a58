"""The bytes of a request's body: the same as all of it made anew, and made once."""

import gc
import json
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from core.models.wire import json_body
from core.models.wire.json_body import Sent, encoded
from core.models.wire.outgoing import prepared_messages
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


def body(messages: list[BaseMessage], provider: str = "openai") -> dict[str, Any]:
    target = Target(provider, "openai", "http://x", "claude-x", marks=provider == "openrouter")
    return body_of(target, messages, TOOLS, stream=True)


def test_the_bytes_are_those_of_the_whole_body() -> None:
    for provider in ("openai", "openrouter", "mistral"):
        made = body(history(5), provider)
        whole = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
        assert encoded(made) == whole
    plain = {"model": "m", "messages": [], "options": {"a": ["\ud800", "é"]}, "stream": False}
    assert json.loads(encoded(plain))["options"] == {"a": ["\ufffd", "é"]}


def test_a_later_request_makes_only_what_is_new(monkeypatch: Any) -> None:
    messages = history(5)
    encoded(body(messages))
    made: list[Any] = []
    really = json_body._dumped

    def dumped(value: Any) -> bytes:
        made.append(value)
        return really(value)

    monkeypatch.setattr(json_body, "_dumped", dumped)
    new = history(6)[-2:]
    encoded(body([*messages, *new]))
    assert [m["role"] for m in made if isinstance(m, dict) and "role" in m] == ["assistant", "tool"]


def test_the_same_messages_for_another_provider() -> None:
    messages = history(1)
    first = body(messages)["messages"]
    other = body(messages, "mistral")["messages"]
    assert first[2]["tool_calls"][0]["id"] != other[2]["tool_calls"][0]["id"]
    assert body(messages)["messages"] == first
    assert prepared_messages(messages, provider="openai")[0] is messages[0]


def test_what_was_made_goes_with_its_message() -> None:
    made: PerMessage[Sent] = PerMessage()
    message = HumanMessage("a")
    assert made.of(message, 1, lambda: Sent(a=1)) is made.of(message, 1, lambda: Sent(a=2))
    assert made.of(message, 2, lambda: Sent(a=2)) == {"a": 2}
    del message
    gc.collect()
    assert made._known == {}
