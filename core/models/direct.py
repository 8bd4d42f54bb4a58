"""Asking a provider over our own wire, without LiteLLM."""

import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage

from configs.settings import Settings
from core.models.model_info import Facts
from core.models.routes import Route
from core.models.wire.outgoing import Tools
from core.models.wire.parts import Parts
from core.models.wire.providers import PROVIDERS, Wire, chat_url
from core.models.wire.requests import Target, headers_of
from core.models.wire.thinking import Piece


class Direct:
    """One request over a our own route.

    Args:
        without: optional fields that this server refused.
    """

    def __init__(
        self, route: Route, settings: Settings, facts: Facts, without: frozenset[str]
    ) -> None:
        self._target = _target(route, settings, facts, without)
        self._silence = settings.request_timeout
        self.parts = Parts()

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
        options: dict[str, Any] = {"tools": tools.specs, "max_tokens": max_tokens, "effort": effort}
        if not _is_listened_to():
            from core.models.wire.answer_stream import AnswerStream

            answer = AnswerStream(self._target, self._silence)
            self.parts = answer.parts
            async for piece in answer.pieces(messages, options, stream=stream):
                if stream and piece.text:
                    yield piece
            return
        from core.models.wire.chat import WireChat

        chat = WireChat(target=self._target, silence=self._silence)
        if stream:
            async for chunk in chat.astream(list(messages), **options):
                shown = _piece(chunk)
                if shown is not None:
                    yield shown
        else:
            # ainvoke may stream inside if LangGraph listens; a plain request is intended.
            await chat.ainvoke(list(messages), stream=False, **options)
        self.parts = chat.parts


def _is_listened_to() -> bool:
    """Whether a tracer or a server's client follows the model through LangChain. If not, its layer
    of messages for each piece of an answer costs as much as the request itself."""
    from langchain_core.callbacks.manager import AsyncCallbackManager
    from langchain_core.runnables.config import ensure_config

    config = ensure_config()
    return bool(AsyncCallbackManager.configure(config.get("callbacks")).handlers)


def _piece(chunk: Any) -> Piece | None:
    """What a chunk shows; its text is in one kind only."""
    assert isinstance(chunk, AIMessageChunk)
    thought = chunk.additional_kwargs.get("reasoning_content")
    if thought:
        return Piece("thinking", thought, void=bool(chunk.additional_kwargs.get("void")))
    text = str(chunk.text)
    return Piece("answer", text) if text else None


def _target(route: Route, settings: Settings, facts: Facts, without: frozenset[str]) -> Target:
    provider = PROVIDERS[route.provider]
    wire: Wire = provider.wire
    base = route.base_url or provider.base
    url = chat_url(provider, base)
    if wire == "ollama" and not facts.is_ollama(route):
        # Something else behind the address, that speaks OpenAI's format.
        wire, url = "openai", f"{base.rstrip('/').removesuffix('/v1')}/v1/chat/completions"
    return Target(
        provider=route.provider,
        wire=wire,
        url=url,
        model=route.model_name,
        headers=headers_of(wire, route.api_key, _headers(route, settings)),
        marks="claude" in route.model_name,
        adaptive=bool(facts.mapped(route).get("supports_adaptive_thinking")),
        window=facts.window(route) if provider.wire == "ollama" else 0,
        without=without,
    )


def _headers(route: Route, settings: Settings) -> dict[str, str]:
    headers = {}
    if route.provider == "hf" and settings.bill_to:
        headers["X-HF-Bill-To"] = settings.bill_to
    if route.provider == "openai":
        named = {"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT"}
        headers |= {k: os.environ[v] for k, v in named.items() if os.environ.get(v)}
    return headers
