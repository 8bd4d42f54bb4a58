"""Who is asked directly, at which address, and what each of them takes."""

from dataclasses import dataclass
from typing import Literal

Wire = Literal["openai", "anthropic", "ollama"]


@dataclass(frozen=True)
class Provider:
    """A provider with a direct wire.

    Attributes:
        wire: the format it speaks. base: its address up to the endpoint; "" if the user sets it.
        keys: variables that may hold its key, next to `<PREFIX>_API_KEY`.
        usage: whether a stream's usage must be asked for (stream_options).
        thinking: the field in which it takes thinking of the current turn back.
        details: whether it takes reasoning_details back.
        serves_tools: what to set if it answers with calls written as text.
    """

    wire: Wire
    base: str = ""
    keys: tuple[str, ...] = ()
    usage: bool = True
    thinking: str = ""
    details: bool = False
    serves_tools: str = ""


_VLLM = "start it with --enable-auto-tool-choice --tool-call-parser (hermes, or the model's own)"
_LLAMACPP = "start llama-server with --jinja, and with a model whose chat template knows tools"
_OLLAMA = "choose a model that `ollama show` lists with the capability tools"
_STUDIO = "load a model that LM Studio marks as trained for tool use"

#: By LiteLLM's prefix of the provider, which keeps prices and settings of both routes the same.
PROVIDERS = {
    "openai": Provider("openai", "https://api.openai.com/v1"),
    "anthropic": Provider("anthropic", "https://api.anthropic.com"),
    "hf": Provider("openai", serves_tools="choose a provider with tools: hf/org/model:provider"),
    "local": Provider(
        "openai",
        thinking="reasoning_content",
        serves_tools=f"vLLM: {_VLLM}; llama.cpp: {_LLAMACPP}",
    ),
    "hosted_vllm": Provider("openai", thinking="reasoning_content", serves_tools=_VLLM),
    "lm_studio": Provider("openai", thinking="reasoning_content", serves_tools=_STUDIO),
    "llamacpp": Provider("openai", thinking="reasoning_content", serves_tools=_LLAMACPP),
    "ollama": Provider("ollama", serves_tools=_OLLAMA),
    "ollama_chat": Provider("ollama", serves_tools=_OLLAMA),
    "openrouter": Provider("openai", "https://openrouter.ai/api/v1", details=True),
    "groq": Provider("openai", "https://api.groq.com/openai/v1"),
    "together_ai": Provider(
        "openai", "https://api.together.xyz/v1", ("TOGETHER_API_KEY", "TOGETHER_AI_API_KEY")
    ),
    "fireworks_ai": Provider(
        "openai", "https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY",)
    ),
    "deepseek": Provider("openai", "https://api.deepseek.com/v1", thinking="reasoning_content"),
    # Refuses fields that it does not know; its last chunk has the usage without asking.
    "mistral": Provider("openai", "https://api.mistral.ai/v1", usage=False),
    "xai": Provider("openai", "https://api.x.ai/v1"),
}


def chat_url(provider: Provider, base: str) -> str:
    """The address that a request goes to. `base`: the provider's own, or as the user set it."""
    base = base.rstrip("/")
    if provider.wire == "anthropic":
        base = base.removesuffix("/messages").removesuffix("/v1")
        return f"{base}/v1/messages"
    if provider.wire == "ollama":
        return f"{base.removesuffix('/v1')}/api/chat"
    return base if base.endswith("/chat/completions") else f"{base}/chat/completions"
