"""Ollama's own chat: the one way to tell it how large a window to make.

Its OpenAI endpoint takes no window, and a model is loaded with 4,096 tokens by default: what is
longer is cut off at the front without a word, the system prompt and the tools first.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from core.models.wire.json_body import Sent
from core.models.wire.parts import Parts, at
from core.models.wire.thinking import Piece
from core.per_message import PerMessage

#: Tokens of the window that is asked for if only the model's own is known: its memory grows with
#: it, and a model's own 262,144 do not fit most machines.
LARGEST = 32_768
_DATA = re.compile(r"data:[^,]*;base64,")


def request(
    model: str,
    messages: Sequence[BaseMessage],
    *,
    tools: Sequence[Mapping[str, Any]],
    stream: bool,
    options: Mapping[str, int],
    effort: str,
) -> dict[str, Any]:
    """The body of a request."""
    body: dict[str, Any] = {"model": model, "messages": _sent.each(messages, None, _message)}
    if tools:
        body["tools"] = list(tools)
    if options:
        body["options"] = options
    if effort:
        # Most models know on and off; gpt-oss knows levels, and takes on as well.
        known = effort in ("low", "medium", "high") and "gpt-oss" in model
        body["think"] = effort if known else effort != "none"
    body["stream"] = stream
    return body


def options(window: int, max_tokens: int | None) -> dict[str, int]:
    """`window`: tokens that the server is to make room for; 0: its own."""
    asked = {"num_ctx": window, "num_predict": max_tokens}
    return {name: value for name, value in asked.items() if value}


_sent: PerMessage[Sent] = PerMessage()


def _message(message: BaseMessage) -> Sent:
    sent: dict[str, Any] = {"role": "user", "content": str(message.text)}
    if isinstance(message, SystemMessage):
        sent["role"] = "system"
    elif isinstance(message, ToolMessage):
        sent["role"] = "tool"
        if message.name:
            sent["tool_name"] = message.name
    elif isinstance(message, AIMessage):
        sent["role"] = "assistant"
        if message.tool_calls:
            sent["tool_calls"] = [
                {"function": {"name": c["name"], "arguments": c["args"]}}
                for c in message.tool_calls
            ]
    pictures = _pictures(message.content)
    return Sent({**sent, "images": pictures} if pictures else sent)


def _pictures(content: Any) -> list[str]:
    found = [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []
    urls = (at(b, "image_url", "url") for b in found if b.get("type") == "image_url")
    return [_DATA.sub("", url) for url in urls if isinstance(url, str)]


def take(parts: Parts, event: Any) -> list[Piece]:
    """Read one line of an answer; what of it can be shown."""
    if not isinstance(event, Mapping):
        return []
    parts.model = parts.model or str(event.get("model") or "")
    pieces = parts.think(str(at(event, "message", "thinking") or ""))
    pieces += parts.say(str(at(event, "message", "content") or ""))
    for number, call in enumerate(at(event, "message", "tool_calls") or ()):
        # Each call comes whole, with arguments as an object, and some versions give no id.
        parts.calls.add(
            id=at(call, "id") or f"call_{len(parts.calls.all)}_{number}",
            name=at(call, "function", "name"),
            arguments=at(call, "function", "arguments"),
        )
    if event.get("done"):
        reason = event.get("done_reason")
        parts.end(reason if reason not in (None, "", "load", "unload") else "stop")
        parts.is_done = True
        parts.count(event.get("prompt_eval_count"), event.get("eval_count"))
    return pieces


def window_of(shown: Any) -> int | None:
    """The model's own window, out of what /api/show answers; None if it does not say."""
    info = at(shown, "model_info")
    windows = [v for k, v in (info or {}).items() if k.endswith(".context_length")]
    return next((w for w in windows if isinstance(w, int) and w > 0), None)
