"""OpenAI's chat completions: the body of a request."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from core.models.wire.json_body import Sent
from core.per_message import PerMessage, has_parts

#: Asks the provider to cache what is before it.
MARK = {"cache_control": {"type": "ephemeral"}}


@dataclass(frozen=True)
class Extras:
    """What only some providers take.

    Attributes:
        marks: cache marks (for Claude models). thinking: the field in which it takes its thinking
            back; "": it takes none. details: whether it takes reasoning_details back.
    """

    marks: bool
    thinking: str
    details: bool


def request(
    model: str,
    messages: Sequence[BaseMessage],
    *,
    tools: Sequence[Mapping[str, Any]],
    stream: bool,
    extras: Extras,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The body of a request.

    Args:
        tools: specs in OpenAI's own shape. options: further fields, as they are sent.
    """
    # The order of fields is fixed: a longer history begins with the bytes of the shorter one.
    body: dict[str, Any] = {"model": model}
    body["messages"] = list(_messages(messages, extras))
    if tools:
        body["tools"] = list(tools)
    body.update(options)
    body["stream"] = stream
    return body


def _messages(messages: Sequence[BaseMessage], extras: Extras) -> Iterator[dict[str, Any]]:
    sent = _each(messages, extras)
    if not has_parts(messages):
        return iter(sent)
    return _with_pictures(messages, sent)


def _each(messages: Sequence[BaseMessage], extras: Extras) -> list[Sent]:
    last = len(messages) - 1
    if extras.thinking:
        task = next((i for i in range(last, -1, -1) if messages[i].type == "human"), 0)
    else:
        task = last  # all are sent alike
    sent: list[Sent] = []
    for part, thinking in ((messages[: task + 1], ""), (messages[task + 1 :], extras.thinking)):
        make = partial(_message, marked=False, thinking=thinking, details=extras.details)
        sent += _sent.each(part, (False, thinking, extras.details), make) if part else []
    if extras.marks:
        for place, message in enumerate(messages):
            if place == last or message.type == "system":
                variant = (True, extras.thinking if place > task else "", extras.details)
                sent[place] = _sent.of(message, variant, partial(_message, message, *variant))
    return sent


def _with_pictures(
    messages: Sequence[BaseMessage], sent: Sequence[Sent]
) -> Iterator[dict[str, Any]]:
    """No server takes a picture as a result: it travels behind all results of the step."""
    pictures: list[dict[str, Any]] = []
    for message, made in zip(messages, sent, strict=True):
        if pictures and message.type != "tool":
            yield {"role": "user", "content": pictures}
            pictures = []
        yield made
        if message.type == "tool":
            pictures = [*pictures, *_pictures(message)]
    if pictures:
        yield {"role": "user", "content": pictures}


_sent: PerMessage[Sent] = PerMessage()


def _message(message: BaseMessage, marked: bool, thinking: str, details: bool) -> Sent:
    if isinstance(message, ToolMessage):
        return Sent(_result(message, marked))
    if isinstance(message, AIMessage):
        return Sent(_answer(message, thinking, details))
    role = "system" if isinstance(message, SystemMessage) else "user"
    return Sent({"role": role, "content": _content(message, marked)})


def _content(message: BaseMessage, marked: bool) -> Any:
    if isinstance(message.content, str) or isinstance(message, ToolMessage | SystemMessage):
        text = message.text
        return [{"type": "text", "text": text, **MARK}] if marked and text else text
    parts = [
        {"type": "text", "text": part} if isinstance(part, str) else dict(part)
        for part in message.content
    ]
    if marked and parts and parts[-1].get("type") == "text":
        parts[-1] = {**parts[-1], **MARK}
    return parts or ""


def _result(message: ToolMessage, marked: bool) -> dict[str, Any]:
    return {
        "role": "tool",
        "tool_call_id": message.tool_call_id,
        "content": _content(message, marked),
    }


def _pictures(message: BaseMessage) -> list[dict[str, Any]]:
    if not isinstance(message.content, list):
        return []
    blocks = (b for b in message.content if isinstance(b, dict))
    return [dict(b) for b in blocks if b.get("type") == "image_url"]


def _answer(message: AIMessage, thinking: str, details: bool) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": "assistant", "content": message.text or None}
    extras = message.additional_kwargs
    if thinking and extras.get("reasoning_content"):
        sent[thinking] = extras["reasoning_content"]
    if details and extras.get("reasoning_details"):
        sent["reasoning_details"] = extras["reasoning_details"]
    if message.tool_calls:
        kept = extras.get("call_extras") or {}
        sent["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {
                    "name": call["name"],
                    "arguments": json.dumps(call["args"], ensure_ascii=False),
                },
                **kept.get(str(number), {}),
            }
            for number, call in enumerate(message.tool_calls)
        ]
    elif sent["content"] is None:
        sent["content"] = "[nothing was said]"
    return sent
