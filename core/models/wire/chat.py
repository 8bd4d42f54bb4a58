"""The LangChain chat model over our own wire clients. Imports neither litellm nor openai."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import httpx
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from core.models.wire import anthropic_answer, ollama, openai_answer
from core.models.wire.failures import StreamCut, WireError
from core.models.wire.parts import Parts
from core.models.wire.requests import Target, body_of
from core.models.wire.thinking import Piece
from core.models.wire.transport import exchange
from core.models.wire.values import DONE

#: Seconds that the rest of a stream may take after its end was announced: read, so that the
#: connection serves the next request, and not waited for, since some servers leave it open.
REST = 0.2


class WireChat(BaseChatModel):
    """One request's model. Copy it per request: it remembers what the answer said (`parts`)."""

    target: Target = Field(repr=False)
    silence: float = 600.0
    _parts: Parts = PrivateAttr(default_factory=Parts)

    @property
    def _llm_type(self) -> str:
        return "wire"

    @property
    def parts(self) -> Parts:
        """What the newest answer said."""
        return self._parts

    def _generate(self, *args: Any, **options: Any) -> ChatResult:
        raise NotImplementedError("ask it with ainvoke or astream")

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **options: Any
    ) -> ChatResult:
        async for _ in self.pieces(messages, options, stream=False):
            pass
        said = self._message(AIMessage)
        said.content = self._parts.text
        return ChatResult(generations=[ChatGeneration(message=said)])

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for piece in self.pieces(messages, options, stream=True):
            yield ChatGenerationChunk(message=_chunk(piece))
        calls = [
            tool_call_chunk(name=c.name, args=str(c.arguments), id=c.id, index=number)
            for number, c in enumerate(self._parts.calls.all)
        ]
        last = self._message(AIMessageChunk)
        last.tool_call_chunks = calls
        yield ChatGenerationChunk(message=last)

    def _message(self, kind: Any) -> Any:
        told = {"model_name": self._parts.model, "finish_reason": self._parts.finish}
        return kind(content="", response_metadata=told, usage_metadata=self._parts.usage)

    async def pieces(
        self, messages: Sequence[BaseMessage], options: dict[str, Any], *, stream: bool
    ) -> AsyncIterator[Piece]:
        """What can be shown, as it comes; `parts` is whole when this ends.

        Raises WireError, NotAnAnswer, StreamCut, httpx's errors.
        """
        parts = self._parts = Parts()
        read = _reader(self.target.wire, parts)
        tools = options.get("tools") or []
        body = body_of(
            self.target,
            messages,
            tools,
            stream=stream,
            max_tokens=options.get("max_tokens"),
            effort=options.get("effort") or "",
        )
        sent = exchange(self.target.url, self.target.headers, body, self.silence)
        try:
            async with aclosing(sent) as events:
                async for _, event in events:
                    if event == DONE:
                        parts.is_done = True
                    else:
                        for piece in read(event):
                            yield piece
                    if parts.is_done:
                        await _rest(events)
                        break
        except (httpx.TransportError, StreamCut):
            # The server has said how the answer ended: it is whole, whatever became of the rest.
            if not parts.finish:
                raise
        for piece in parts.close():
            yield piece
        _close(parts)


def _reader(wire: str, parts: Parts) -> Any:
    if wire == "anthropic":
        return anthropic_answer.Reader(parts).take
    take = ollama.take if wire == "ollama" else openai_answer.take
    return lambda event: take(parts, event)


async def _rest(events: Any) -> None:
    with suppress(TimeoutError, httpx.TransportError, StreamCut, WireError):
        async with asyncio.timeout(REST):
            async for _ in events:
                pass


def _close(parts: Parts) -> None:
    """Check that the answer is whole. Raises StreamCut, WireError."""
    parts.check_end()
    if not parts.finish and not parts.is_done:
        raise StreamCut("the stream ended without a finish reason")
    parts.finish = parts.finish or ("tool_calls" if parts.calls.all else "stop")


def _chunk(piece: Piece) -> AIMessageChunk:
    if piece.kind == "answer":
        return AIMessageChunk(content=piece.text)
    extra: dict[str, Any] = {"reasoning_content": piece.text}
    if piece.void:
        extra["void"] = True
    return AIMessageChunk(content="", additional_kwargs=extra)
