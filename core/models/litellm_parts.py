"""What LiteLLM's chunks, or its whole message, say: the same `Parts` our own as wires.

Imports nothing of litellm.
"""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk

from core.models.wire.parts import Parts, at
from core.models.wire.thinking import Piece

#: How LiteLLM carries Gemini's signature within the id of a call.
SIGNATURE = "__thought__"


class LiteLLMParts:
    """One answer that comes through LiteLLM."""

    def __init__(self) -> None:
        self.parts = Parts()
        self._chunks: list[AIMessageChunk] = []

    def take(self, chunk: AIMessageChunk) -> list[Piece]:
        """Read a chunk; what of it can be shown."""
        self._chunks.append(chunk)
        thought = chunk.additional_kwargs.get("reasoning_content")
        pieces = self.parts.think(str(thought)) if thought else []
        text = str(chunk.text)
        pieces += self.parts.say(text) if text else []
        raw = {_id(r): r for r in _dicts(chunk.additional_kwargs.get("tool_calls"))}
        for call in chunk.tool_call_chunks:
            self._call(call.get("id"), call.get("name"), call.get("index"), call.get("args"), raw)
        return pieces

    def whole(self, message: AIMessage) -> None:
        """Read the message of a request that did not stream."""
        self._chunks = []
        thought = message.additional_kwargs.get("reasoning_content")
        if thought:
            self.parts.think(str(thought))
        self.parts.say(str(message.text))
        for call in _dicts(message.additional_kwargs.get("tool_calls")):
            name, arguments = at(call, "function", "name"), at(call, "function", "arguments")
            # Each call is whole: its own index keeps it apart.
            index = len(self.parts.calls.all)
            self._call(_id(call), name, index, arguments, {_id(call): call})
        self._end(message)

    def close(self) -> list[Piece]:
        """The stream is over."""
        pieces = self.parts.close()
        first, *rest = self._chunks or [AIMessageChunk(content="")]
        self._end(first + rest if rest else first)
        return pieces

    def _call(self, id: Any, name: Any, index: Any, arguments: Any, raw: dict[str, Any]) -> None:
        known = raw.get(str(id or ""))
        signature = at(known, "provider_specific_fields", "thought_signature")
        plain, _, within = str(id or "").partition(SIGNATURE)
        signature = signature or within
        extra = {"thought_signature": signature} if signature else {}
        self.parts.calls.add(id=plain, name=name, index=index, arguments=arguments, extra=extra)

    def _end(self, message: AIMessage) -> None:
        parts, told = self.parts, message.response_metadata
        parts.end(told.get("finish_reason"))
        parts.model = str(told.get("model_name") or "")
        if message.usage_metadata:
            parts.usage = dict(message.usage_metadata)
        if told.get("response_cost") is not None:
            parts.cost = float(told["response_cost"])
        extras = message.additional_kwargs
        parts.blocks = _plain(extras.get("thinking_blocks") or [])
        if extras.get("reasoning_items"):
            parts.kept["reasoning_items"] = _plain(extras["reasoning_items"])


def _dicts(raw: Any) -> list[dict[str, Any]]:
    return [r if isinstance(r, dict) else r.model_dump() for r in raw or ()]


def _id(call: dict[str, Any]) -> str:
    return str(call.get("id") or "")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=dict))


def with_signatures(messages: Sequence[Any]) -> list[Any]:
    """`messages` with Gemini's signatures in the ids of calls and results, where LiteLLM looks."""
    if not any(m.additional_kwargs.get("call_extras") for m in messages):
        return list(messages)
    renamed: dict[str, str] = {}
    sent = []
    for message in messages:
        if isinstance(message, AIMessage):
            # Ids may come again: a result belongs to the newest call of its id.
            for call in message.tool_calls:
                renamed.pop(call["id"] or "", None)
        if isinstance(message, AIMessage) and message.additional_kwargs.get("call_extras"):
            extras = message.additional_kwargs["call_extras"]
            calls = []
            for number, call in enumerate(message.tool_calls):
                signature = at(extras.get(str(number)), "thought_signature")
                if signature:
                    renamed[call["id"] or ""] = f"{call['id']}{SIGNATURE}{signature}"
                calls.append({**call, "id": renamed.get(call["id"] or "", call["id"])})
            message = message.model_copy(update={"tool_calls": calls})
        elif getattr(message, "tool_call_id", None) in renamed:
            message = message.model_copy(update={"tool_call_id": renamed[message.tool_call_id]})
        sent.append(message)
    return sent
