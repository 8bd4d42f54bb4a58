"""The LangChain chat model over our own wire clients. Imports neither litellm nor openai."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from core.models.wire.answer_stream import AnswerStream
from core.models.wire.parts import Parts
from core.models.wire.requests import Target
from core.models.wire.thinking import Piece


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
        async for _ in self._pieces(messages, options, stream=False):
            pass
        said = self._message(AIMessage)
        said.content = self._parts.text
        return ChatResult(generations=[ChatGeneration(message=said)])

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for piece in self._pieces(messages, options, stream=True):
            yield ChatGenerationChunk(message=_chunk(piece))
        calls = [
            tool_call_chunk(name=c.name, args=str(c.arguments), id=c.id, index=number)
            for number, c in enumerate(self._parts.calls.all)
        ]
        last = self._message(AIMessageChunk)
        last.tool_call_chunks = calls
        yield ChatGenerationChunk(message=last)

    def _pieces(
        self, messages: Sequence[BaseMessage], options: dict[str, Any], *, stream: bool
    ) -> AsyncIterator[Piece]:
        answer = AnswerStream(self.target, self.silence)
        self._parts = answer.parts
        return answer.pieces(messages, options, stream=stream)

    def _message(self, kind: Any) -> Any:
        told = {"model_name": self._parts.model, "finish_reason": self._parts.finish}
        return kind(content="", response_metadata=told, usage_metadata=self._parts.usage)


def _chunk(piece: Piece) -> AIMessageChunk:
    if piece.kind == "answer":
        return AIMessageChunk(content=piece.text)
    extra: dict[str, Any] = {"reasoning_content": piece.text}
    if piece.void:
        extra["void"] = True
    return AIMessageChunk(content="", additional_kwargs=extra)
