"""What a request costs in tokens: an estimate by cl100k, offline and remembered per message."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import BaseTool

from core.models.tool_specs import specs_text
from core.per_message import PerMessage
from core.state import TokenCount

#: Tokens that the frame around a message costs.
FRAME = 4
#: An image, whatever its size: about what providers bill for a large one.
IMAGE = 1500


@dataclass
class _Bound:
    """The most tokens that a message may cost; `size`: what is known of that without counting;
    `is_exact`: it was counted."""

    size: int
    most: int
    is_exact: bool = False

    def count(self, message: BaseMessage) -> int:
        if not self.is_exact:
            self.most, self.is_exact = _message_tokens(message), True
        return self.most


_bounds: PerMessage[_Bound] = PerMessage()
_most, _uncounted = attrgetter("most"), attrgetter("size")


#: Nothing is known of a history.
UNKNOWN = TokenCount()


def at_most(
    request: Sequence[BaseMessage], tools: Sequence[BaseTool] = (), known: TokenCount = UNKNOWN
) -> int:
    """Never less than `TokenCounter.count` says: a token has at least one byte. The encoder that
    counts them costs 30 MiB and a fifth of a second.

    `request`: the system prompt and the history. `known`: what the thread keeps of that history.
    """
    bounds, tokens = _bounds.each(request, None, _bound), len(specs_text(tools))
    if covered := _covered(request, known):
        bounds[1 : covered + 1] = []
        tokens += known["tokens"]
    return int(tokens + sum(map(_most, bounds)))


def newest_count(request: Sequence[BaseMessage], known: TokenCount) -> TokenCount:
    """What a thread keeps for its next start: `known`, unless more was counted since."""
    bounds, covered = _bounds.each(request, None, _bound)[1:], _covered(request, known)
    without_count = sum(map(_uncounted, bounds[covered:])) + (known["tokens"] if covered else 0)
    tokens = sum(map(_most, bounds))
    if tokens >= without_count:
        return known
    return TokenCount(messages=len(bounds), last=request[-1].id or "", tokens=tokens)


def _covered(request: Sequence[BaseMessage], known: TokenCount) -> int:
    """How many messages behind the system prompt `known` tells of; 0 after a compaction."""
    covered = known.get("messages", 0)
    return covered if 0 < covered < len(request) and request[covered].id == known["last"] else 0


def fit(
    request: Sequence[BaseMessage],
    tools: Sequence[BaseTool],
    most: int,
    known: TokenCount = UNKNOWN,
) -> bool:
    """Whether it is certain that they cost `most` tokens or less; arguments as of `at_most`.

    Of what may be too much, the longest messages are counted until it is certain, with some room
    for the next requests. To count all of a long history takes half a second after a restart, so
    a thread keeps what they cost.
    """
    if at_most(request, tools, known) <= most:
        return True
    above = at_most(request, tools) - most
    bounds = _bounds.each(request, None, _bound)
    rough = [pair for pair in zip(bounds, request, strict=True) if not pair[0].is_exact]
    rough.sort(key=lambda pair: pair[0].most, reverse=True)
    for bound, message in rough:
        above -= bound.most - bound.count(message)
        if above <= -most // 10:
            break
    return above <= 0


def _bound(message: BaseMessage) -> _Bound:
    size = _size(message)
    return _Bound(size, size)


def _size(message: BaseMessage) -> int:
    size = 2 * FRAME
    for part in [message.content] if isinstance(message.content, str) else message.content:
        text = part if isinstance(part, str) else str(part.get("text", ""))
        is_text = isinstance(part, str) or part.get("type") == "text"
        size += len(text.encode("utf-8", "replace")) if is_text else IMAGE
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            size += FRAME + len(call["name"]) + len(json.dumps(call["args"]))
        if message.additional_kwargs:
            size += len(json.dumps(message.additional_kwargs, default=str))
    return size


@lru_cache(maxsize=8)
def _specs_tokens(specs: str) -> int:
    return _count(specs)


class TokenCounter:
    """Counts requests; a message that was counted once is not counted again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[BaseMessage, int]] = {}

    def count(self, messages: Sequence[BaseMessage], tools: Sequence[BaseTool] = ()) -> int:
        """Tokens of `messages` and the specs of `tools` as one request."""
        specs = _specs_tokens(specs_text(tools)) if tools else 0
        return specs + sum(self._of(m) for m in messages)

    def _of(self, message: BaseMessage) -> int:
        if not message.id:
            return _tokens(message)
        known = self._known.get(message.id)
        # An id can come back with other content (an edited call, a compacted result).
        if known is None or (known[0] is not message and known[0] != message):
            known = (message, _tokens(message))
            self._known[message.id] = known
        return known[1]


def _tokens(message: BaseMessage) -> int:
    return _bounds.of(message, None, lambda: _bound(message)).count(message)


def _message_tokens(message: BaseMessage) -> int:
    tokens = FRAME
    if isinstance(message.content, str):
        tokens += _count(message.content)
    else:
        for block in message.content:
            if isinstance(block, str):
                tokens += _count(block)
            elif block.get("type") == "text":
                tokens += _count(str(block.get("text", "")))
            else:
                tokens += IMAGE
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            tokens += FRAME + _count(call["name"]) + _count(json.dumps(call["args"]))
        tokens += _count(str(message.additional_kwargs.get("reasoning_content", "")))
        for block in message.additional_kwargs.get("thinking_blocks", ()):
            tokens += _count(str(block.get("thinking", "")))
    if isinstance(message, ToolMessage):
        tokens += FRAME
    return tokens


def count_text(text: str) -> int:
    """Tokens of a text alone."""
    return _count(text)


#: Longer texts are counted by pieces of this many characters: the encoder's time grows faster
#: than a text of one repeated character does.
PIECE = 20_000


def _count(text: str) -> int:
    encoder = _encoder()
    return sum(
        len(encoder.encode(text[i : i + PIECE], disallowed_special=()))
        for i in range(0, len(text), PIECE)
    )


@cache
def _encoder() -> Any:
    # The encoding's file lies inside litellm's package: nothing is fetched.
    spec = find_spec("litellm")
    if spec is not None and spec.origin:
        folder = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(folder))
    import tiktoken

    return tiktoken.get_encoding("cl100k_base")
