"""OpenAI's chat completions: what the chunks of an answer, or a whole one, say.

The format that most servers speak, each with gaps of its own: null choices and deltas, content in
parts, thinking under three names, calls without an index, usage in every chunk or nowhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.models.wire.parts import Parts, at
from core.models.wire.thinking import Piece

#: Names under which servers send thinking.
THINKING = ("reasoning_content", "reasoning")


def take(parts: Parts, event: Any) -> list[Piece]:
    """Read one chunk, or a whole answer, into `parts`; what of it can be shown."""
    if not isinstance(event, dict):
        return []
    if not parts.model:
        parts.model = str(event.get("model") or "")
    count(parts, event.get("usage") or at(event, "x_groq", "usage"))
    for choice in event.get("choices") or ():
        if isinstance(choice, dict) and choice.get("index") in (None, 0):
            return _choice(parts, choice)
    return []


def _choice(parts: Parts, choice: dict[str, Any]) -> list[Piece]:
    pieces: list[Piece] = []
    said = choice.get("delta") or choice.get("message")
    if choice.get("message") and "delta" not in choice:
        parts.is_done = True  # a whole answer
    if isinstance(said, dict):
        pieces = _delta(parts, said)
    elif isinstance(choice.get("text"), str):
        pieces = parts.say(choice["text"])
    if not parts.usage:
        count(parts, choice.get("usage"))  # Moonshot's
    parts.end(choice.get("finish_reason"))
    return pieces


def _delta(parts: Parts, delta: dict[str, Any]) -> list[Piece]:
    pieces: list[Piece] = []
    thought = ""
    for name in THINKING:
        if not thought and isinstance(delta.get(name), str):
            thought = delta[name]
    if thought:
        pieces += parts.think(thought)
    content = delta.get("content")
    if isinstance(content, str):
        pieces += parts.say(content)
    elif isinstance(content, list):
        pieces += _in_parts(parts, content)
    if isinstance(delta.get("refusal"), str):
        parts.refusal += delta["refusal"]
    for detail in delta.get("reasoning_details") or ():
        if isinstance(detail, dict):
            _detail(parts, detail)
            if not thought:
                pieces += parts.think(str(detail.get("text") or detail.get("summary") or ""))
    for call in delta.get("tool_calls") or ():
        if isinstance(call, dict):
            _call(parts, call)
    old = delta.get("function_call")
    if isinstance(old, dict):
        parts.calls.add(name=old.get("name"), arguments=old.get("arguments"))
    return pieces


def _in_parts(parts: Parts, content: Sequence[Any]) -> list[Piece]:
    """Content as a list: Mistral's, with thinking among it."""
    pieces: list[Piece] = []
    for part in content:
        if isinstance(part, str):
            pieces += parts.say(part)
        elif at(part, "type") == "thinking":
            inner = at(part, "thinking")
            texts = inner if isinstance(inner, list) else [inner]
            pieces += parts.think("".join(t if isinstance(t, str) else _text(t) for t in texts))
        elif at(part, "type") == "refusal":
            parts.refusal += str(at(part, "refusal") or "")
        else:
            pieces += parts.say(_text(part))
    return pieces


def _text(part: Any) -> str:
    return str(at(part, "text") or "")


def _call(parts: Parts, call: Mapping[str, Any]) -> None:
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    extra = {"extra_content": call["extra_content"]} if call.get("extra_content") else {}
    parts.calls.add(
        id=call.get("id"),
        name=function.get("name"),
        index=call.get("index"),
        arguments=function.get("arguments"),
        extra=extra,
    )


def _detail(parts: Parts, detail: Mapping[str, Any]) -> None:
    """A reasoning detail; the pieces of one text, told by type and index, are one detail."""
    last = parts.details[-1] if parts.details else {}
    same = all(last.get(k) == detail.get(k) for k in ("type", "index")) and bool(last)
    joined = next((k for k in ("text", "summary") if isinstance(detail.get(k), str)), "")
    if same and joined and "data" not in detail:
        last[joined] = str(last.get(joined) or "") + detail[joined]
        last.update({k: v for k, v in detail.items() if v is not None and k != joined})
    else:
        parts.details.append(dict(detail))


def count(parts: Parts, usage: Any) -> None:
    """Read an object that tells tokens."""
    if not isinstance(usage, dict):
        return
    given, answered = usage.get("prompt_tokens"), usage.get("completion_tokens")
    total = usage.get("total_tokens")
    if isinstance(given, int) and isinstance(answered, int) and isinstance(total, int):
        # xAI and Gemini leave the thinking out of the answer's tokens, and bill it.
        answered = max(answered, total - given)
    details = usage.get("prompt_tokens_details")
    parts.count(
        given,
        answered,
        # DeepSeek tells hits under its own name.
        cached=at(details, "cached_tokens") or usage.get("prompt_cache_hit_tokens"),
        # The second is LiteLLM's word.
        written=at(details, "cache_write_tokens") or at(details, "cache_creation_tokens"),
        reasoning=at(usage, "completion_tokens_details", "reasoning_tokens"),
    )
    if isinstance(usage.get("cost"), int | float):
        parts.cost = float(usage["cost"])
