"""ChatLiteLLM as we need it: one attempt a call, and a look at how the stream ended.

Imports litellm: only core/models/loading.py may import this module.
"""

from collections.abc import AsyncIterator
from typing import Any

from langchain_litellm.chat_models.litellm import ChatLiteLLM
from pydantic import PrivateAttr


class ChatModel(ChatLiteLLM):
    """One request's model. Copy it per request: it remembers that request's stream."""

    _wrapper: Any = PrivateAttr(default=None)
    #: Whether the provider's own chunks said how the answer ended.
    _was_told: bool = PrivateAttr(default=False)
    #: The same of Gemini's raw chunks; None: there was none. litellm makes "stop" of no reason.
    _gemini_told: bool | None = PrivateAttr(default=None)

    async def acompletion_with_retry(self, run_manager: Any = None, **kwargs: Any) -> Any:
        """One request; attempts are the client's. litellm's own two layers are off."""
        answer = await self.client.acompletion(**kwargs, num_retries=0, max_retries=0)
        if kwargs.get("stream"):
            self._wrapper = answer
            self._watch(answer)
        return answer

    def _watch(self, answer: Any) -> None:
        """Look at the provider's own chunks: of some (Gemini's), litellm forgets their end."""
        source, make = (getattr(answer, n, None) for n in ("completion_stream", "make_call"))
        if hasattr(source, "__aiter__"):
            answer.completion_stream = self._watched(source)
        elif source is None and make is not None:
            # The request itself is made when the first chunk is asked for.
            async def call(*args: Any, **kwargs: Any) -> Any:
                return self._watched(await make(*args, **kwargs))

            answer.make_call = call

    async def _watched(self, source: Any) -> AsyncIterator[Any]:
        parse = getattr(source, "chunk_parser", None)
        if parse is not None:

            def noted(chunk: Any, *args: Any, **kwargs: Any) -> Any:
                self._note(chunk)
                return parse(chunk, *args, **kwargs)

            source.chunk_parser = noted
        async for chunk in source:
            self._was_told = self._was_told or _tells_end(chunk)
            yield chunk

    def _note(self, chunk: Any) -> None:
        if not isinstance(chunk, dict) or not {"candidates", "promptFeedback"} & set(chunk):
            return
        blocked = (chunk.get("promptFeedback") or {}).get("blockReason")
        ends = [c.get("finishReason") for c in chunk.get("candidates") or ()]
        self._gemini_told = bool(self._gemini_told or blocked or any(ends))

    def ended_early(self) -> bool:
        """Whether the stream ended without a finish reason: it was cut, although it looks
        like a success ("stop" and a made-up usage are in the message)."""
        if self._gemini_told is not None:
            return not self._gemini_told
        if self._was_told:
            return False
        return getattr(self._wrapper, "received_finish_reason", "unknown") is None


def _tells_end(chunk: Any) -> bool:
    if isinstance(chunk, dict):
        return bool(chunk.get("is_finished") or chunk.get("finish_reason"))
    choices = getattr(chunk, "choices", None) or ()
    return any(getattr(choice, "finish_reason", None) for choice in choices)
