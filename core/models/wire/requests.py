"""The body and headers of a request, as each provider takes them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from core.models.wire import anthropic_request, ollama, openai_request
from core.models.wire.names import wants_nine
from core.models.wire.outgoing import prepared_messages
from core.models.wire.providers import PROVIDERS, Wire

#: OpenAI's models that refuse max_tokens.
_REASONING = re.compile(r"(gpt-[5-9]|o\d)")
#: Tokens of an answer that Anthropic is asked for if no one says how many.
MOST = 32_000


@dataclass(frozen=True)
class Target:
    """Who is asked, and how.

    Attributes:
        provider: LiteLLM's prefix of it. model: as the provider names it.
        marks: put cache marks. adaptive: the model decides itself how long it thinks.
        window: tokens of the window that the server is to make room for; 0: not told.
        without: fields that this server refused.
    """

    provider: str
    wire: Wire
    url: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    marks: bool = False
    adaptive: bool = False
    window: int = 0
    without: frozenset[str] = frozenset()


def headers_of(wire: Wire, key: str, more: Mapping[str, str]) -> dict[str, str]:
    """`key`: "none" or "" for a server that asks for none."""
    headers = dict(more)
    if wire == "anthropic":
        headers["anthropic-version"] = "2023-06-01"
    if key in ("", "none"):
        return headers
    if wire == "anthropic" and key.startswith("sk-ant-oat"):
        return {**headers, "Authorization": f"Bearer {key}", "anthropic-beta": "oauth-2025-04-20"}
    if wire == "anthropic":
        return {**headers, "x-api-key": key}
    return {**headers, "Authorization": f"Bearer {key}"}


def body_of(
    target: Target,
    messages: Sequence[BaseMessage],
    tools: Sequence[Mapping[str, Any]],
    *,
    stream: bool,
    max_tokens: int | None = None,
    effort: str = "",
) -> dict[str, Any]:
    """The body of a request to `target`; `tools` are specs that were prepared."""
    nine = wants_nine(target.provider, target.model)
    messages = prepared_messages(messages, provider=target.provider, nine=nine)
    if target.wire == "anthropic":
        most = max_tokens or MOST
        options: dict[str, Any] = {"max_tokens": most}
        if effort and (target.adaptive or anthropic_request.can_think(messages)):
            options |= anthropic_request.thinking_options(effort, most, adaptive=target.adaptive)
        return anthropic_request.request(
            target.model, messages, tools=tools, stream=stream, **options
        )
    if target.wire == "ollama":
        return ollama.request(
            target.model,
            messages,
            tools=tools,
            stream=stream,
            options=ollama.options(target.window, max_tokens),
            effort=effort,
        )
    provider = PROVIDERS[target.provider]
    return openai_request.request(
        target.model,
        messages,
        tools=tools,
        stream=stream,
        extras=openai_request.Extras(target.marks, provider.thinking, provider.details),
        options=_openai_options(target, stream, max_tokens, effort),
    )


def _openai_options(
    target: Target, stream: bool, max_tokens: int | None, effort: str
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    provider = PROVIDERS[target.provider]
    if max_tokens:
        is_new = target.provider == "openai" and _REASONING.match(target.model) is not None
        if target.without & {"max_completion_tokens", "max_tokens"}:
            is_new = not is_new
        options["max_completion_tokens" if is_new else "max_tokens"] = max_tokens
    if effort:
        options |= _reasoning(target.provider, effort)
    if target.window:
        options["options"] = {"num_ctx": target.window}
    if stream and provider.usage and "stream_options" not in target.without:
        options["stream_options"] = {"include_usage": True}
    return options


def _reasoning(provider: str, effort: str) -> dict[str, Any]:
    """The fields that ask for an effort of reasoning, as each provider takes it."""
    is_off = effort == "none"
    if provider == "openrouter":
        return {"reasoning": {"effort": effort}}
    if provider == "together_ai" and is_off:
        return {"reasoning": {"enabled": False}}
    if provider == "deepseek":
        switch = {"thinking": {"type": "disabled" if is_off else "enabled"}}
        return switch if is_off else {**switch, "reasoning_effort": effort}
    if is_off and provider in ("local", "hosted_vllm", "llamacpp"):
        # llama.cpp before July 2026 ignores `none`; the templates of hybrid models know this field.
        return {"reasoning_effort": effort, "chat_template_kwargs": {"enable_thinking": False}}
    return {"reasoning_effort": effort}
