"""Anthropic's messages: the body of a request.

Roles must alternate, results must come first and in one message behind the calls they answer,
empty texts are refused, and thinking goes back with its signature exactly as it came.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from operator import is_
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from core.models.wire.json_body import Same, Sent
from core.per_message import PerMessage

MARK = {"cache_control": {"type": "ephemeral"}}
#: What is for an empty text, which Anthropic refuses.
EMPTY = "[nothing was said]"
#: Of the models before adaptive thinking: tokens of thinking for each effort, as LiteLLM's.
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096}
_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)


def request(
    model: str,
    messages: Sequence[BaseMessage],
    *,
    tools: Sequence[Mapping[str, Any]] = (),
    stream: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """The body of a request; `tools` are specs in OpenAI's shape."""
    body: dict[str, Any] = {"model": model}
    system = "\n\n".join(str(m.text) for m in messages if m.type == "system" and m.text)
    if system:
        # Tools are before it: the mark covers both.
        body["system"] = [{"type": "text", "text": system, **MARK}]
    rest = [m for m in messages if m.type != "system"]
    body["messages"] = _marked(list(_turns(rest)))
    if tools:
        body["tools"] = _tools(Same(tools))
    body.update(options)
    body["stream"] = stream
    return body


def thinking_options(effort: str, max_tokens: int, *, adaptive: bool) -> dict[str, Any]:
    """The fields that make a Claude think so much. `adaptive`: it decides itself how long."""
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if adaptive:
        # Without `display`, it answers with empty thinking blocks.
        thinking = {"type": "adaptive", "display": "summarized"}
        return {"thinking": thinking, "output_config": {"effort": effort}}
    budget = min(BUDGETS.get(effort, BUDGETS["high"]), max_tokens - 1)
    return {"thinking": {"type": "enabled", "budget_tokens": max(1024, budget)}}


def can_think(messages: Sequence[BaseMessage]) -> bool:
    """Whether a Claude before adaptive thinking can think now: not while the answer whose calls
    were just run has no thinking, since it is another model's or an older session's."""
    last = next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
    blocks = last.additional_kwargs.get("thinking_blocks", ()) if last else ()
    return last is None or not last.tool_calls or any(map(_thinking, blocks))


@lru_cache(maxsize=16)
def _tools(specs: Same[Sequence[Mapping[str, Any]]]) -> list[Sent]:
    return [_tool(spec["function"]) for spec in specs.it]


def _tool(function: Mapping[str, Any]) -> Sent:
    return Sent(
        name=function["name"],
        description=function.get("description", ""),
        input_schema=function.get("parameters") or {"type": "object", "properties": {}},
    )


def _turns(messages: Sequence[BaseMessage]) -> Iterator[dict[str, Any]]:
    """Messages of alternating roles; the first is a user's."""
    first = True
    for is_answer, found in groupby(messages, lambda m: m.type in ("ai", "AIMessageChunk")):
        if first and is_answer:
            yield {"role": "user", "content": [_text_block("[the conversation continues]")]}
        first, group = False, list(found)
        made = _made.of(group[0], len(group), partial(_turn, group))
        yield made[1] if all(map(is_, made[0], group[1:])) else _turn(group)[1]


#: By its first message: the others of a turn, and how it is sent.
_made: PerMessage[tuple[list[BaseMessage], Sent]] = PerMessage()


def _turn(group: list[BaseMessage]) -> tuple[list[BaseMessage], Sent]:
    blocks: list[dict[str, Any]] = []
    for message in group:
        blocks += _answer(message) if isinstance(message, AIMessage) else _user(message)
    role = "assistant" if isinstance(group[0], AIMessage) else "user"
    if role == "user":
        # Results must stand before anything that is said next to them.
        blocks.sort(key=lambda block: block["type"] != "tool_result")
    return group[1:], Sent(role=role, content=blocks or [_text_block(EMPTY)])


def _marked(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`turns` with a cache mark on the newest block."""
    if turns:
        *before, newest = turns[-1]["content"]
        if newest["type"] not in ("thinking", "redacted_thinking"):
            turns[-1] = {**turns[-1], "content": [*before, {**newest, **MARK}]}
    return turns


def _answer(message: AIMessage) -> list[dict[str, Any]]:
    blocks = signed_thinking(message)
    if message.text.strip():
        # Trailing spaces at the end of the last answer are refused.
        blocks.append(_text_block(str(message.text).rstrip()))
    blocks += [
        {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["args"]}
        for call in message.tool_calls
    ]
    if all(b["type"] in ("thinking", "redacted_thinking") for b in blocks):
        blocks.append(_text_block(EMPTY))
    return blocks


def signed_thinking(message: AIMessage) -> list[dict[str, Any]]:
    """The thinking blocks of an answer that can go back."""
    stored = message.additional_kwargs.get("thinking_blocks", ())
    return [block for block in map(_thinking, stored) if block]


def _thinking(block: Any) -> dict[str, Any] | None:
    """A stored thinking block as it came, without what a library of ours or another added."""
    if not isinstance(block, Mapping):
        return None
    if block.get("type") == "redacted_thinking" and block.get("data"):
        return {"type": "redacted_thinking", "data": block["data"]}
    if block.get("signature"):
        thinking = str(block.get("thinking") or "")
        return {"type": "thinking", "thinking": thinking, "signature": block["signature"]}
    return None


def _user(message: BaseMessage) -> list[dict[str, Any]]:
    blocks = list(_blocks(message.content))
    if not isinstance(message, ToolMessage):
        return blocks
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    if blocks:
        result["content"] = blocks
    if message.status == "error":
        result["is_error"] = True
    return [result]


def _blocks(content: Any) -> Iterator[dict[str, Any]]:
    for part in [content] if isinstance(content, str) else content:
        if isinstance(part, str) or part.get("type") == "text":
            text = part if isinstance(part, str) else str(part.get("text", ""))
            if text.strip():
                yield _text_block(text)
        elif part.get("type") == "image_url":
            yield _image(part["image_url"])


def _image(image: Any) -> dict[str, Any]:
    url = image if isinstance(image, str) else str(image.get("url", ""))
    found = _DATA_URL.match(url)
    if found:
        source = {"type": "base64", "media_type": found[1], "data": found[2]}
    else:
        source = {"type": "url", "url": url}
    return {"type": "image", "source": source}


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
