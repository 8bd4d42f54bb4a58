"""Whether a refusal means that the request is longer than the model's window, and how long that is.

By status, code and type first, then by words: servers agree on none of them. The words are those
of llama.cpp, LM Studio, vLLM, SGLang, TGI, OpenAI, Anthropic, Gemini, Groq, OpenRouter, Together,
DeepSeek, Kimi, Fireworks, Mistral, Cerebras, xAI, Z.ai, MiniMax, Qwen, Cohere, Bedrock, Copilot.
"""

import re
from typing import Any

from core.models.wire.bodies import codes, numbers, sentences

#: Statuses of a refused request; of a 413 nothing else need be known.
_REFUSED = (400, 413, 422, 500)
_CODES = {
    "context_length_exceeded", "exceed_context_size_error", "model_max_prompt_tokens_exceeded",
    "context_window_exceeded", "string_above_max_length", "request_too_large", "3051", "1261",
    "context_limit_exceeded", "max_tokens_exceeded", "prompt_too_long", "input_too_long",
}  # fmt: skip
_WORDS = re.compile(
    r"""
      context[ _](?:length|window|size|limit)\b.{0,60}(?:exceed|overflow|too\ small
      |too\ long|limited)
    | (?:exceed|overflow|larger|longer|greater|too\ (?:long|large|many)|beyond|surpass|over)\w*
      .{0,60}(?:context[ _](?:length|window|size|limit)|model\ length|prompt\ length|token\ limit)
    | (?:maximum|max|model'?s?)\ (?:context|prompt|model|input)\ (?:length|window|size|tokens)
    | (?:prompt|input|request|conversation|messages?)\ (?:is|are|was)\ too\ (?:long|large)
    | prompt\ exceeds\ max\ length | too\ many\ (?:input\ )?tokens
    | token\ count.{0,40}exceeds | exceeded\ model\ token\ limit
    | when\ context\ the\ overflows | tokens\ to\ keep\ from\ the\ initial\ prompt
    | `?inputs`?\ tokens?\ \+\ `?max_new_tokens`?\ must\ be
    | range\ of\ input\ length\ should\ be
    | reduce\ (?:the\ length\ of|your\ (?:message|prompt|input))
    | \d+\ tokens\ >\ \d+\ maximum
    | input\ (?:length|tokens?).{0,40}(?:exceed|longer|too\ (?:long|large))
    | maximum\ (?:number\ of\ )?(?:input\ )?tokens\ allowed
    | longer\ than\ the\ (?:model'?s?|maximum)
    """,
    re.VERBOSE | re.IGNORECASE,
)
#: Words of refusals that only look so: the answer's size is wrong, or the plan's rate.
_OTHERWISE = re.compile(
    r"max_tokens\b.{0,40}(?:must|should|cannot|invalid|too large|at least|less than or equal)"
    r"|max_completion_tokens\b.{0,40}(?:must|too large)"
    r"|maximum number of (?:completion|output) tokens|image (?:is|exceeds|size)|tool_call_id"
    r"|rate limit reached|tools? (?:is|are|list)|string too long.{0,40}(?:user|name|metadata)",
    re.IGNORECASE,
)
#: Of a limit of tokens per minute that one request alone is over: waiting does not help.
_TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)
#: The window in a refusal's words; the first group of each that fits.
_WINDOWS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\+ \d+ > (\d[\d,]*)",
        r"available context size \((\d[\d,]*)",
        r"context length of (?:only )?(\d[\d,]*)",
        r"max(?:imum)? (?:context|prompt|model|input) (?:length|window|size)(?: of| is|:)+ ?"
        r"(?:only )?(\d[\d,]*)",
        r"context (?:length|window|size|limit)(?: of| is|:)+ ?(?:only )?(\d[\d,]*)",
        r"context (?:length|window|size|limit) \((\d[\d,]*)",
        r"maximum model length of (\d[\d,]*)",
        r"(\d[\d,]*) maximum context length",
        r"must be <= (\d[\d,]*)",
        r"model token limit: (\d[\d,]*)",
        r"\[1, (\d[\d,]*)\]",
        r"exceeds the limit of (\d[\d,]*)",
        r"> (\d[\d,]*) maximum",
        r"while limit is (\d[\d,]*)",
        r"maximum (?:number of )?(?:input )?tokens allowed(?: \(| is |: )(\d[\d,]*)",
    )
]
#: No window is smaller; a smaller number means something else.
_LEAST = 256


def is_too_long(status: int | None, body: Any) -> bool:
    """Whether the request must be shortened to be taken."""
    if status == 413 or (status in (429, None) and _TOO_LARGE.search(sentences(body))):
        return True
    if status is not None and status not in _REFUSED:
        return False
    words = sentences(body)
    if codes(body) & _CODES:
        return True
    if _OTHERWISE.search(words) and not re.search(r"context|prompt", words, re.IGNORECASE):
        return False
    return _WORDS.search(words) is not None


def window_in(body: Any) -> int | None:
    """The window that the refusal names, in tokens; None if it names none."""
    for name in ("n_ctx", "max_model_len", "context_length", "max_context_length"):
        found = [n for n in numbers(body, name) if n >= _LEAST]
        if found:
            return found[0]
    words = sentences(body)
    if "per minute" in words:
        return None
    for pattern in _WINDOWS:
        match = pattern.search(words)
        if match and (size := int(match[1].replace(",", ""))) >= _LEAST:
            return size
    return None
