"""From what the provider sent to the message that is stored.

The library repairs arguments that were cut off into ones that run; so what the model really
wrote, the raw text, is parsed here again, strictly.
"""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from graph.context import Answer, BadCall

#: What is kept of a provider's extras: what it wants back in the next request.
KEPT = ("thinking_blocks", "reasoning_content", "reasoning_items")

CUT = (
    "the answer was cut at the token limit, so this call may be incomplete. Send it again, in "
    "smaller parts if it is long."
)


def without_pictures(message: BaseMessage) -> BaseMessage:
    """`message` for a model that does not see: of each picture a word that it was there."""
    if not isinstance(message.content, list):
        return message
    blocks = [
        {"type": "text", "text": "[a picture, left out]"}
        if isinstance(block, dict) and block.get("type") == "image_url"
        else block
        for block in message.content
    ]
    return message.model_copy(update={"content": blocks})


def from_chunks(chunks: list[AIMessageChunk]) -> AIMessage:
    """One message of all chunks of a stream; [] gives an empty one."""
    if not chunks:
        return AIMessageChunk(content="")
    return chunks[0] + chunks[1:] if len(chunks) > 1 else chunks[0]


def answer_of(message: AIMessage, *, priced: bool = True) -> Answer:
    """The answer as it is stored: plain, small, arguments always objects.

    Args:
        message: of `from_chunks`, or of a request that did not stream.
        priced: whether LiteLLM's price list holds for whoever answered.
    """
    finish = str(message.response_metadata.get("finish_reason") or "stop")
    calls, bad, taken = [], [], set()
    for number, (name, raw, given_id) in enumerate(_raw_calls(message)):
        # Some providers give none, some give one to all: a result must find its own call.
        call_id = given_id or f"call_{number}"
        if call_id in taken:
            call_id = f"{call_id}_{number}"
        taken.add(call_id)
        arguments, reason = _parsed(raw)
        if finish == "length":
            reason = CUT
        if not name:
            reason = reason or "the call names no tool"
        calls.append({"name": name or "unknown", "args": arguments, "id": call_id})
        if reason:
            bad.append(BadCall(call_id, reason))
    stored = AIMessage(
        content=message.text,
        tool_calls=calls,
        additional_kwargs=_extras(message),
        response_metadata={
            "model_name": message.response_metadata.get("model_name", ""),
            "model_provider": "litellm",
            "finish_reason": finish,
        },
        usage_metadata=message.usage_metadata,
    )
    return Answer(stored, finish, tuple(bad), _cost(message) if priced else None)


def _raw_calls(message: AIMessage) -> list[tuple[str, str, str]]:
    """(name, arguments as the model wrote them, id) of each call."""
    if isinstance(message, AIMessageChunk) and message.tool_call_chunks:
        return [(c["name"] or "", c["args"] or "", c["id"] or "") for c in message.tool_call_chunks]
    raw = message.additional_kwargs.get("tool_calls") or []
    return [
        (c["function"].get("name") or "", c["function"].get("arguments") or "", c.get("id") or "")
        for c in (r if isinstance(r, dict) else r.model_dump() for r in raw)
    ]


def _parsed(raw: str) -> tuple[dict[str, Any], str]:
    """(arguments, what is wrong with them). No text at all means no arguments."""
    if not raw.strip():
        return {}, ""
    try:
        value = json.loads(raw, parse_constant=_no_constant)
    except ValueError as error:
        return {}, f"the arguments are no valid JSON ({error}): {raw[:200]}"
    if not isinstance(value, dict):
        return {}, f"the arguments are no JSON object: {raw[:200]}"
    return value, ""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _extras(message: AIMessage) -> dict[str, Any]:
    kept = {k: message.additional_kwargs[k] for k in KEPT if message.additional_kwargs.get(k)}
    # The same thinking in two shapes: the signed one is what a replay needs.
    if "thinking_blocks" in kept:
        kept.pop("reasoning_content", None)
    return json.loads(json.dumps(kept, default=dict)) if kept else {}


def _cost(message: AIMessage) -> int | None:
    cost = message.response_metadata.get("response_cost")
    return None if cost is None else round(float(cost) * 1_000_000)
