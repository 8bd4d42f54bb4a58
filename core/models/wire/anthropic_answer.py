"""Anthropic's messages: what the events of an answer, or a whole one, say."""

from collections.abc import Mapping
from typing import Any

from core.models.wire.parts import Parts, at
from core.models.wire.thinking import Piece

DONE = "message_stop"


class Reader:
    """Reads the events of one answer into its parts; it remembers which block is open."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._usage: dict[str, Any] = {}
        self._blocks: dict[Any, dict[str, Any]] = {}

    def take(self, event: Any) -> list[Piece]:
        """Read one event, or a whole answer; what of it can be shown."""
        if not isinstance(event, Mapping):
            return []
        kind, index = event.get("type"), event.get("index")
        if kind == "message_start":
            return self._head(event.get("message"))
        if kind == "content_block_start":
            return self._start(index, event.get("content_block"))
        if kind == "content_block_delta":
            return self._delta(index, event.get("delta"))
        if kind == "content_block_stop":
            return self._stop(index)
        if kind == "message_delta":
            self._count(event.get("usage"))
            self._parts.end(at(event, "delta", "stop_reason"))
        elif kind == DONE:
            self._parts.is_done = True
        elif kind == "message" or isinstance(event.get("content"), list):
            return self._whole(event)
        return []

    def _whole(self, message: Mapping[str, Any]) -> list[Piece]:
        pieces = self._head(message)
        for index, block in enumerate(message.get("content") or ()):
            pieces += [*self._start(index, block), *self._stop(index)]
        self._parts.end(message.get("stop_reason"))
        self._parts.is_done = True
        return pieces

    def _head(self, message: Any) -> list[Piece]:
        self._parts.model = str(at(message, "model") or "")
        self._count(at(message, "usage"))
        return []

    def _start(self, index: Any, block: Any) -> list[Piece]:
        if not isinstance(block, Mapping):
            return []
        self._blocks[index] = dict(block)
        kind = block.get("type")
        if kind == "text":
            return self._parts.say(str(block.get("text") or ""))
        if kind == "thinking":
            return self._parts.think(str(block.get("thinking") or ""))
        if kind == "tool_use":
            self._parts.calls.add(
                id=block.get("id"), name=block.get("name"), index=index, arguments=""
            )
        return []

    def _delta(self, index: Any, delta: Any) -> list[Piece]:
        block = self._blocks.setdefault(index, {})
        kind = at(delta, "type")
        if kind == "text_delta":
            return self._parts.say(str(at(delta, "text") or ""))
        if kind == "thinking_delta":
            text = str(at(delta, "thinking") or "")
            block["type"] = "thinking"
            block["thinking"] = str(block.get("thinking") or "") + text
            return self._parts.think(text)
        if kind == "signature_delta":
            block["signature"] = str(at(delta, "signature") or "")
        elif kind == "input_json_delta":
            block["has_input"] = block.get("has_input") or bool(at(delta, "partial_json"))
            self._parts.calls.add(index=index, arguments=at(delta, "partial_json"))
        return []

    def _stop(self, index: Any) -> list[Piece]:
        block = self._blocks.get(index) or {}
        kind = block.get("type")
        if kind == "thinking" and block.get("signature"):
            kept = ("type", "thinking", "signature")
            self._parts.blocks.append({k: block.get(k) or "" for k in kept})
        elif kind == "redacted_thinking":
            self._parts.blocks.append({"type": kind, "data": block.get("data") or ""})
        elif kind == "tool_use" and not block.get("has_input"):
            # A block that is closed has its input in its start: {} where the tool takes none.
            self._parts.calls.add(index=index, arguments=block.get("input") or "{}")
        return []

    def _count(self, usage: Any) -> None:
        if not isinstance(usage, Mapping):
            return
        self._usage.update({k: v for k, v in usage.items() if v is not None})
        used = self._usage
        cached = used.get("cache_read_input_tokens") or 0
        written = used.get("cache_creation_input_tokens") or 0
        self._parts.count(
            # Anthropic counts what a cache gave or took apart from the rest.
            (used.get("input_tokens") or 0) + cached + written,
            used.get("output_tokens"),
            cached=cached,
            written=written,
            reasoning=at(used, "output_tokens_details", "thinking_tokens"),
        )
