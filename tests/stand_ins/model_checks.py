"""Refuses what the real providers refuse: each check returns the first violation's words.

OpenAI's and Anthropic's rules about roles, tool calls and their results, content blocks and
cache marks, as their APIs answer 400 to them. Next to the rules stands the translation of a
request into `Asked`, so that scripts need not know the formats.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.stand_ins.model_script import Asked, Turn

_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
_OPENAI_PARTS = {
    "system": {"text"},
    "developer": {"text"},
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
    "tool": {"text"},
}
_OPENAI_KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "refusal"}
#: Keys beyond OpenAI's own that compatible servers read.
_COMPATIBLE_KEYS = {"reasoning_content", "cache_control"}


def check_openai(body: Mapping[str, Any]) -> str | None:
    """The first thing wrong with a chat-completions request, None if nothing is."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "'messages' must be a non-empty list"
    if not body.get("model"):
        return "you must provide a model parameter"
    return (
        _first(_openai_message(i, m) for i, m in enumerate(messages))
        or _openai_order(messages)
        or _tools_named([t.get("function", {}).get("name") for t in body.get("tools") or ()])
    )


def _openai_message(index: int, message: Mapping[str, Any]) -> str | None:
    where = f"messages[{index}]"
    role = message.get("role")
    if role not in _OPENAI_PARTS:
        return f"Invalid value: {role!r} for '{where}.role'"
    unknown = set(message) - _OPENAI_KEYS - _COMPATIBLE_KEYS
    if unknown:
        return f"Unknown parameter: '{where}.{min(unknown)}'"
    content = message.get("content")
    calls = message.get("tool_calls")
    if content is None and not (role == "assistant" and calls):
        return f"Invalid value for '{where}.content': expected a string, got null"
    if isinstance(content, list):
        if not content:
            return f"Invalid '{where}.content': empty array"
        wrong = {str(p.get("type")) for p in content} - _OPENAI_PARTS[role]
        if wrong:
            return f"Invalid '{where}': role {role!r} may not contain {min(wrong)!r}"
    if calls is not None and not calls:
        return f"Invalid '{where}.tool_calls': empty array"
    return _first(_openai_call(where, call) for call in calls or ())


def _openai_call(where: str, call: Mapping[str, Any]) -> str | None:
    function = call.get("function") or {}
    if call.get("type") != "function" or not isinstance(call.get("id"), str) or not call["id"]:
        return f"Invalid '{where}.tool_calls': id and type are required"
    if not _NAME.match(str(function.get("name"))):
        return f"Invalid '{where}.tool_calls[].function.name'"
    try:
        arguments = json.loads(function.get("arguments"))
    except (TypeError, ValueError):
        return f"Invalid '{where}.tool_calls[].function.arguments': no JSON"
    return None if isinstance(arguments, dict) else f"Invalid '{where}' arguments: no object"


def _openai_order(messages: Sequence[Mapping[str, Any]]) -> str | None:
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                return (
                    "messages with role 'tool' must be a response to a preceding message "
                    "with 'tool_calls'"
                )
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
        if len(set(waiting)) < len(waiting):
            return "Duplicate value for 'tool_call_id'"
    if waiting:
        return (
            "An assistant message with 'tool_calls' must be followed by tool messages "
            f"responding to each 'tool_call_id': {', '.join(waiting)}"
        )
    return None


def check_anthropic(body: Mapping[str, Any]) -> str | None:
    """The first thing wrong with a messages request, None if nothing is."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    if not isinstance(body.get("max_tokens"), int):
        return "max_tokens: Field required"
    if messages[0].get("role") != "user":
        return "messages: first message must use the user role"
    return (
        _first(_anthropic_message(i, m) for i, m in enumerate(messages))
        or _anthropic_order(messages)
        or _cache_marks(body)
        or _tools_named([t.get("name") for t in body.get("tools") or ()])
    )


def _anthropic_message(index: int, message: Mapping[str, Any]) -> str | None:
    where = f"messages.{index}"
    if message.get("role") not in ("user", "assistant"):
        return f"{where}.role: Input should be 'user' or 'assistant'"
    blocks = _blocks(message)
    if not blocks:
        return f"{where}: all messages must have non-empty content"
    return _first(_anthropic_block(where, message["role"], block) for block in blocks)


def _anthropic_block(where: str, role: str, block: Mapping[str, Any]) -> str | None:
    kind = block.get("type")
    allowed = {
        "user": {"text", "image", "document", "tool_result"},
        "assistant": {"text", "tool_use", "thinking", "redacted_thinking"},
    }[role]
    if kind not in allowed:
        return f"{where}.content: {kind!r} is not allowed in a message of role {role!r}"
    if kind == "text" and not str(block.get("text", "")).strip():
        return f"{where}: text content blocks must be non-empty"
    if kind == "thinking" and not block.get("signature"):
        return f"{where}: thinking.signature: Field required"
    if kind == "tool_use" and not isinstance(block.get("input"), dict):
        return f"{where}: tool_use.input: Input should be a valid dictionary"
    if kind == "tool_use" and not _NAME.match(str(block.get("id"))):
        return f"{where}: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    if kind == "image" and block.get("source", {}).get("type") not in ("base64", "url"):
        return f"{where}: image.source: Field required"
    if kind == "tool_result":
        inner = block.get("content")
        parts = inner if isinstance(inner, list) else []
        return _first(_anthropic_block(where, "user", part) for part in parts)
    return None


def _anthropic_order(messages: Sequence[Mapping[str, Any]]) -> str | None:
    waiting: list[str] = []
    role = "assistant"
    for index, message in enumerate(messages):
        if message["role"] == role:
            return f"messages.{index}: roles must alternate between user and assistant"
        role = message["role"]
        blocks = _blocks(message)
        answered = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        if stray := set(answered) - set(waiting):
            return f"messages.{index}: unexpected `tool_use_id` in `tool_result`: {min(stray)}"
        first = [b["tool_use_id"] for b in blocks[: len(answered)] if b["type"] == "tool_result"]
        if sorted(first) != sorted(waiting):
            missing = ", ".join(sorted(set(waiting) - set(first)))
            return (
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {missing}"
            )
        waiting = [b["id"] for b in blocks if b["type"] == "tool_use"]
        if len(set(waiting)) < len(waiting):
            return f"messages.{index}: `tool_use` ids must be unique"
    return f"`tool_use` ids without `tool_result`: {', '.join(waiting)}" if waiting else None


def _cache_marks(body: Mapping[str, Any]) -> str | None:
    marks = json.dumps(body).count('"cache_control"')
    return f"A maximum of 4 blocks with cache_control, found {marks}" if marks > 4 else None


def _tools_named(names: Sequence[Any]) -> str | None:
    wrong = [n for n in names if not _NAME.match(str(n))]
    if wrong:
        return f"tools: invalid name {wrong[0]!r}"
    return "tools: names must be unique" if len(set(names)) < len(names) else None


def _first(problems: Any) -> str | None:
    return next((p for p in problems if p), None)


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content") or []
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


# --- the request as a script sees it -----------------------------------------------------------


def asked_openai(body: Mapping[str, Any], index: int) -> Asked:
    turns = tuple(
        Turn(
            role="system" if m["role"] == "developer" else m["role"],
            text=_text(m),
            calls=tuple(c["function"]["name"] for c in m.get("tool_calls") or ()),
            answers=m.get("tool_call_id", ""),
        )
        for m in body["messages"]
        if not _only_images(m)
    )
    names = tuple(t["function"]["name"] for t in body.get("tools") or ())
    return Asked("openai", body["model"], turns, names, body, index)


def _only_images(message: Mapping[str, Any]) -> bool:
    # A tool's image travels in its own user message; the user did not write it.
    content = message.get("content")
    return (
        message["role"] == "user"
        and isinstance(content, list)
        and any(p["type"] == "image_url" for p in content)
    )


def asked_anthropic(body: Mapping[str, Any], index: int) -> Asked:
    turns: list[Turn] = []
    if body.get("system"):
        turns.append(Turn("system", _text({"content": body["system"]})))
    for message in body["messages"]:
        turns += _anthropic_turns(message)
    names = tuple(t["name"] for t in body.get("tools") or ())
    return Asked("anthropic", body["model"], tuple(turns), names, body, index)


def _anthropic_turns(message: Mapping[str, Any]) -> list[Turn]:
    blocks = _blocks(message)
    text = _text(message)
    if message["role"] == "assistant":
        calls = tuple(b["name"] for b in blocks if b["type"] == "tool_use")
        return [Turn("assistant", text, calls)]
    turns = [
        Turn("tool", _text(b), answers=b["tool_use_id"])
        for b in blocks
        if b["type"] == "tool_result"
    ]
    return [*turns, Turn("user", text)] if text or not turns else turns


def _text(message: Mapping[str, Any]) -> str:
    return "".join(str(b.get("text", "")) for b in _blocks(message) if b.get("type") == "text")
