"""Reads what the provider sent, under LiteLLM's stream: LiteLLM drops some of it (a refusal, how
the stream ended), and makes an empty answer of a body that is not a stream.

Does not import litellm: it gets the `CustomStreamWrapper` that a request returned.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from core.models.wire import anthropic_answer, openai_answer
from core.models.wire.failures import NotAnAnswer, error_in
from core.models.wire.parts import Parts, at
from core.models.wire.thinking import Piece
from core.models.wire.values import page_title


class Watch:
    """One stream.

    Attributes:
        finish: the provider's own word for why the answer ended; "" if none was seen.
        refusal: what the model said instead of an answer.
        whole: the JSON value that came instead of a stream. page: the web page that came.
    """

    def __init__(self, wrapper: Any) -> None:
        self.finish = ""
        self.refusal = ""
        self.whole: Any = None
        self.page = ""
        self._wrapper = wrapper
        self._was_told = False
        self._is_gemini = False
        _end_lightly(wrapper)
        source, make = (getattr(wrapper, n, None) for n in ("completion_stream", "make_call"))
        if hasattr(source, "__aiter__"):
            wrapper.completion_stream = self._watched(source)
        elif source is None and make is not None:
            # The request itself is made when the first chunk is asked for.
            async def call(*args: Any, **kwargs: Any) -> Any:
                return self._watched(await make(*args, **kwargs))

            wrapper.make_call = call

    @property
    def ended_early(self) -> bool:
        """Whether the stream ended without a finish reason: it was cut, although it looks
        like a success ("stop" is in LiteLLM's message)."""
        if self.finish or (self._was_told and not self._is_gemini):
            return False
        return self._is_gemini or getattr(self._wrapper, "received_finish_reason", "") is None

    def read_whole(self, parts: Parts) -> list[Piece]:
        """Read the answer that came instead of a stream. Raises WireError, NotAnAnswer."""
        if self.page:
            raise NotAnAnswer(page_title(self.page))
        error = error_in(self.whole)
        if error is not None:
            raise error
        if "choices" in self.whole:
            return [*openai_answer.take(parts, self.whole), *parts.close()]
        return [*anthropic_answer.Reader(parts).take(self.whole), *parts.close()]

    def count(self, parts: Parts) -> None:
        """The tokens that the chunks told, if any did: LiteLLM would make them up."""
        used: dict[str, Any] = {}
        for chunk in getattr(self._wrapper, "chunks", ()):
            usage = getattr(chunk, "usage", None)
            if usage is not None:
                _merge(used, usage if isinstance(usage, Mapping) else usage.model_dump())
        openai_answer.count(parts, used)

    async def _watched(self, source: Any) -> AsyncIterator[Any]:
        if hasattr(getattr(source, "streaming_response", None), "__aiter__"):
            source.streaming_response = self._lines(source.streaming_response)
        parse = getattr(source, "chunk_parser", None)
        if parse is not None:

            def noted(chunk: Any, *args: Any, **kwargs: Any) -> Any:
                self._note(chunk)
                return parse(_readable(chunk), *args, **kwargs)

            source.chunk_parser = noted
        async for chunk in source:
            self._was_told = self._was_told or _tells_end(chunk)
            yield chunk

    async def _lines(self, lines: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The lines, without comments (Gemini's parser fails on them) and without a whole body."""
        is_first = True
        async for line in lines:
            if not isinstance(line, bytes | str):
                yield line  # an event that was read already: the Responses API's
                continue
            text = (line.decode("utf-8", "replace") if isinstance(line, bytes) else line).strip()
            if text.startswith(":"):
                continue
            if is_first and text:
                is_first = False
                if text[0] == "<" or (text[0] == "{" and not _begins_lines(text)):
                    rest = [
                        r if isinstance(r, str) else r.decode(errors="replace") async for r in lines
                    ]
                    self._take_whole("\n".join([text, *rest]))
                    return
            yield line

    def _take_whole(self, text: str) -> None:
        try:
            self.whole = json.loads(text, strict=False)
        except ValueError:
            # Half of an answer is a stream that was cut.
            self.page = text if text.startswith("<") else ""

    def _note(self, chunk: Any) -> None:
        """Note what a chunk tells about the answer's end. Raises WireError."""
        if not isinstance(chunk, Mapping):
            return
        error = error_in(chunk)
        if error is not None:
            raise error
        if {"candidates", "promptFeedback"} & set(chunk):
            self._is_gemini = True
            ends = [c.get("finishReason") for c in chunk.get("candidates") or ()]
            ends += ["content_filter"] if at(chunk, "promptFeedback", "blockReason") else []
        else:
            choices = [c for c in chunk.get("choices") or () if isinstance(c, Mapping)]
            ends = [c.get("finish_reason") for c in choices]
            ends += [at(chunk, "delta", "stop_reason"), chunk.get("done") and "done"]
            if chunk.get("done_reason"):
                ends.append(chunk["done_reason"])
            said = (at(c, "delta", "refusal") for c in choices)
            self.refusal += "".join(text for text in said if isinstance(text, str))
        told = [end for end in ends if isinstance(end, str) and end]
        self.finish = told[-1] if told else self.finish


def _readable(chunk: Any) -> Any:
    """A chunk of OpenAI's format without what LiteLLM fails on or drops."""
    if not isinstance(chunk, Mapping) or "choices" not in chunk:
        return chunk
    choices = []
    for choice in chunk["choices"] or ():
        delta = choice.get("delta") or {}
        parts = delta.get("content")
        if isinstance(parts, list) and all(at(p, "type") == "text" for p in parts):
            delta = {**delta, "content": "".join(str(p.get("text") or "") for p in parts)}
        old = delta.get("function_call")
        if isinstance(old, Mapping) and not delta.get("tool_calls"):
            delta = {**delta, "tool_calls": [{"index": 0, "type": "function", "function": old}]}
        choices.append({**choice, "delta": delta})
    usage = chunk.get("usage") or at(chunk, "x_groq", "usage")
    return {**chunk, "choices": choices, **({"usage": usage} if usage else {})}


def _begins_lines(text: str) -> bool:
    """Whether a first line in JSON is an event of Ollama's or Cohere's, which send one a line."""
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        return False  # the first line of an answer that is printed over many
    if not isinstance(value, Mapping):
        return False
    is_whole = "choices" in value or value.get("type") == "message"
    return not is_whole and error_in(value) is None


def _tells_end(chunk: Any) -> bool:
    if isinstance(chunk, dict):
        return bool(chunk.get("is_finished") or chunk.get("finish_reason"))
    choices = getattr(chunk, "choices", None) or ()
    return any(getattr(choice, "finish_reason", None) for choice in choices)


def _end_lightly(wrapper: Any) -> None:
    """End the stream without LiteLLM's whole answer, its price and its logs: a fifth of a step's
    processor time, for what `count` and the price list say as well."""
    finalize = getattr(wrapper, "_finalize_completed_stream", None)
    if finalize is None:
        return  # another kind of stream

    async def end(cache_hit: bool = False) -> Any:
        if not wrapper.sent_last_chunk:
            return await finalize(cache_hit=cache_hit)
        raise StopAsyncIteration

    wrapper._finalize_completed_stream = end


def _merge(used: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add to `used` what `more` tells: later numbers replace earlier ones, zeros replace none."""
    for name, value in more.items():
        if isinstance(value, Mapping):
            _merge(used.setdefault(name, {}), value)
        elif value:
            used[name] = value
