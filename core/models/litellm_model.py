"""Asking a provider through LiteLLM: each one that has no our own wire."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from configs.settings import Settings
from core.models.known_providers import LOCAL_SERVERS
from core.models.litellm_parts import LiteLLMParts, with_signatures
from core.models.loading import load
from core.models.model_info import Facts
from core.models.routes import Route
from core.models.wire.failures import StreamCut
from core.models.wire.names import wants_nine
from core.models.wire.outgoing import Tools, prepared_messages
from core.models.wire.parts import Parts
from core.models.wire.thinking import Piece


class ThroughLiteLLM:
    """One request through LiteLLM. Its retries are off: attempts are the client's."""

    def __init__(self, route: Route, settings: Settings, facts: Facts) -> None:
        self._route = route
        self._read = LiteLLMParts()
        self._chat = load().ChatModel(
            model=route.litellm_model,
            api_base=route.base_url or None,
            api_key=route.api_key or None,
            request_timeout=settings.request_timeout,
            model_kwargs={**_marks(route), **_billing(route, settings), **_window(route, facts)},
        )

    @property
    def parts(self) -> Parts:
        return self._read.parts

    async def pieces(
        self,
        messages: Sequence[BaseMessage],
        tools: Tools,
        *,
        stream: bool,
        max_tokens: int | None,
        effort: str,
    ) -> AsyncIterator[Piece]:
        """What can be shown, as it comes; `parts` is whole when this ends."""
        options: dict[str, Any] = {"tools": tools.specs} if tools.specs else {}
        if max_tokens:
            options["max_tokens"] = max_tokens
        if effort:
            options["reasoning_effort"] = effort
        provider = self._route.provider
        nine = wants_nine(provider, self._route.litellm_model)
        sent = with_signatures(prepared_messages(messages, provider=provider, nine=nine))
        if not stream:
            # ainvoke may stream inside if LangGraph listens; a plain request is intended.
            whole = await self._chat.ainvoke(sent, stream=False, **options)
            assert isinstance(whole, AIMessage)
            self._read.whole(whole)
            return
        try:
            async for chunk in self._chat.astream(sent, **options):
                assert isinstance(chunk, AIMessageChunk)
                for piece in self._read.take(chunk):
                    yield piece
        except Exception:
            if not self._came_otherwise():
                raise
        if self._came_otherwise():
            # None of it went through LiteLLM.
            self._read = LiteLLMParts()
            for piece in self._chat.watch.read_whole(self.parts):
                yield piece
            return
        for piece in self._read.close():
            yield piece
        self._end()

    def _came_otherwise(self) -> bool:
        """Whether a whole answer, or a web page, came instead of a stream."""
        watch = self._chat.watch
        return watch is not None and bool(watch.page or watch.whole is not None)

    def _end(self) -> None:
        """Take the end as the provider told it. Raises StreamCut, WireError."""
        watch, parts = self._chat.watch, self.parts
        if watch is None:
            return
        watch.count(parts)
        if watch.ended_early:
            raise StreamCut("the stream ended without a finish reason")
        # "done" alone is not a reason; LiteLLM's is as good.
        parts.end(watch.finish if watch.finish != "done" else "")
        parts.refusal = parts.refusal or watch.refusal
        parts.check_end()


def _marks(route: Route) -> dict[str, Any]:
    """Cache marks, for the providers that cache only what is marked: the system prompt with
    the tools before it, and the newest message."""
    if "claude" not in route.litellm_model and route.provider != "anthropic":
        return {}
    points = [{"location": "message", "role": "system"}, {"location": "message", "index": -1}]
    return {"cache_control_injection_points": points}


def _billing(route: Route, settings: Settings) -> dict[str, Any]:
    """Who pays the Hugging Face router, if it is not the token's owner."""
    if route.provider != "hf" or not settings.bill_to:
        return {}
    return {"extra_headers": {"X-HF-Bill-To": settings.bill_to}}


def _window(route: Route, facts: Facts) -> dict[str, Any]:
    """Ollama makes room for 4,096 tokens unless it is told."""
    if not route.provider.startswith("ollama") or route.provider not in LOCAL_SERVERS:
        return {}
    return {"num_ctx": facts.window(route)}
