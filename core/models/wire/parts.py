"""What an answer has said so far, whichever way it came: text, thinking, calls, usage, its end."""

from dataclasses import dataclass, field
from typing import Any

from core.models.wire.calls import Calls
from core.models.wire.failures import WireError
from core.models.wire.thinking import Piece, Splitter
from core.text import encodable

#: How answers end, by each provider's word for it. Others are kept as they are.
ENDS = {
    "stop": "stop", "end_turn": "stop", "stop_sequence": "stop", "eos": "stop", "eos_token": "stop",
    "complete": "stop", "completed": "stop", "finished": "stop", "pause_turn": "stop",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "tool_call": "tool_calls",
    "length": "length", "max_tokens": "length", "model_length": "length",
    "max_output_tokens": "length", "model_context_window_exceeded": "length",
    "content_filter": "content_filter", "content_filtered": "content_filter",
    "safety": "content_filter", "recitation": "content_filter", "blocklist": "content_filter",
    "prohibited_content": "content_filter", "spii": "content_filter",
    "image_safety": "content_filter", "sensitive": "content_filter", "language": "content_filter",
    "guardrail_intervened": "content_filter", "content-filter": "content_filter",
    "refusal": "refusal",
    # "error" next to nothing else: OpenRouter, DeepSeek and Z.ai say so where the work broke off.
    "error": "error", "insufficient_system_resource": "error", "network_error": "error",
    "malformed_function_call": "error", "function_call_filter": "error",
    "abort": "error", "aborted": "error",
}  # fmt: skip


@dataclass
class Parts:
    """One answer as it grows.

    Attributes:
        finish: why it ended, in OpenAI's words (`ENDS`); "" until the server says so.
        is_done: the server said that the stream is over ([DONE], message_stop).
        usage: tokens as LangChain counts them: `input` includes what came from a cache.
        blocks: Anthropic's thinking blocks with their signatures, to be sent back as they are.
        details: OpenRouter's reasoning_details, likewise.
        refusal: what the model said instead of an answer.
        cost: USD, if the provider tells it. kept: further fields to be stored with the message.
    """

    calls: Calls = field(default_factory=Calls)
    finish: str = ""
    is_done: bool = False
    model: str = ""
    usage: dict[str, Any] | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)
    refusal: str = ""
    cost: float | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    _text: list[str] = field(default_factory=list)
    _thinking: list[str] = field(default_factory=list)
    _splitter: Splitter = field(default_factory=Splitter)
    #: Half of a character, until the other half comes.
    _half: str = ""

    @property
    def text(self) -> str:
        return encodable("".join(self._text))

    @property
    def thinking(self) -> str:
        return encodable("".join(self._thinking))

    def say(self, text: str) -> list[Piece]:
        """Text of the answer, as the server sent it; what of it can be shown."""
        return self._kept(self._splitter.feed(self._joined(text))) if text else []

    def think(self, text: str) -> list[Piece]:
        """Thinking that the server told apart itself."""
        if not text:
            return []
        self._splitter.tags_end = True
        return self._kept([Piece("thinking", encodable(text))])

    def close(self) -> list[Piece]:
        """The stream is over: what was withheld."""
        rest = self._splitter.feed(encodable(self._half)) if self._half else []
        self._half = ""
        return self._kept([*rest, *self._splitter.end()])

    def end(self, reason: Any) -> None:
        """Take a finish reason; null and "" are none."""
        if isinstance(reason, str) and reason:
            # Gemini's OpenAI endpoint says "content_filter: PROHIBITED_CONTENT".
            word = reason.lower().partition(":")[0]
            self.finish = ENDS.get(word, word)

    def check_end(self) -> None:
        """Raise WireError if the provider reports that it broke the answer off."""
        if self.finish == "error":
            raise WireError(None, {"error": "the provider broke off the answer"}, in_stream=True)

    def count(
        self,
        input: Any,
        output: Any,
        *,
        cached: Any = 0,
        written: Any = 0,
        reasoning: Any = 0,
    ) -> None:
        """Tokens as told; later ones replace earlier ones, nulls and zeros replace nothing."""
        given, answered = _number(input), _number(output)
        if not given and not answered:
            return
        details: dict[str, Any] = {"cache_read": _number(cached)}
        if _number(written):
            details["cache_creation"] = _number(written)
        self.usage = {
            "input_tokens": given,
            "output_tokens": answered,
            "total_tokens": given + answered,
            "input_token_details": details,
            "output_token_details": {"reasoning": _number(reasoning)},
        }

    def _joined(self, text: str) -> str:
        text = self._half + text
        # An emoji cut in two: its second half is in the next piece.
        self._half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return encodable(text[:-1] if self._half else text)

    def _kept(self, pieces: list[Piece]) -> list[Piece]:
        for piece in pieces:
            if piece.void:
                self._text.clear()
            (self._thinking if piece.kind == "thinking" else self._text).append(piece.text)
        return pieces


def _number(value: Any) -> int:
    is_count = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return int(value) if is_count else 0


def at(value: Any, *path: str) -> Any:
    """The value at `path` in nested objects; None if there is none."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
