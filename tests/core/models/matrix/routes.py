"""The routes of the matrix, and where one of them differs from what a row wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from core.models.known_providers import LOCAL_SERVERS
from core.models.wire.providers import PROVIDERS
from tests.core.models.asking import KEY
from tests.core.models.matrix.formats import ANTHROPIC, GEMINI, OLLAMA, OPENAI, Format
from tests.stand_ins.raw_server import RawServer


@dataclass(frozen=True)
class Over:
    """A route: as the page names it, the model that is asked, the format that its server speaks."""

    name: str
    model: str
    format: Format = OPENAI


DIRECT = (
    Over("openai/", "openai/m"),
    Over("hf/", "hf/org/m"),
    Over("local/", "local/m"),
    Over("vllm/", "vllm/m"),
    Over("lmstudio/", "lmstudio/m"),
    Over("llamacpp/", "llamacpp/m"),
    Over("openrouter/", "openrouter/a/m"),
    Over("groq/", "groq/m"),
    Over("together/", "together/a/m"),
    Over("fireworks/", "fireworks/a/m"),
    Over("deepseek/", "deepseek/m"),
    Over("mistral/", "mistral/m"),
    Over("xai/", "xai/m"),
    Over("anthropic/", "anthropic/m", ANTHROPIC),
    Over("ollama/", "ollama/m", OLLAMA),
)
LITELLM = (
    Over("litellm/openai/", "litellm/openai/m"),
    Over("litellm/anthropic/", "litellm/anthropic/m", ANTHROPIC),
    Over("gemini/", "gemini/gemini-2.5-pro", GEMINI),
    Over("deepinfra/", "deepinfra/a/m"),
    Over("litellm/mistral/", "litellm/mistral/m"),
    Over("litellm/openrouter/", "litellm/openrouter/a/m"),
    Over("litellm/ollama_chat/", "litellm/ollama_chat/m", OLLAMA),
)
ROUTES = {over.name: over for over in (*DIRECT, *LITELLM)}


@contextmanager
def leading_to(server: RawServer) -> Iterator[None]:
    """Every provider's address is the server's."""
    with pytest.MonkeyPatch.context() as patch:
        for prefix in (*PROVIDERS, "deepinfra"):
            patch.setenv(f"{prefix.upper()}_API_BASE", server.base)
            patch.setenv(f"{prefix.upper()}_API_KEY", KEY)
        for variable, default in LOCAL_SERVERS.values():
            patch.setenv(variable, server.base if default.endswith("/v1") else server.root)
        patch.setenv("LLAMACPP_API_BASE", server.base)
        patch.setenv("HF_ROUTER_BASE_URL", server.base)
        patch.setenv("HF_TOKEN", KEY)
        patch.setenv("ANTHROPIC_API_BASE", server.root)
        patch.setenv("GEMINI_API_BASE", server.root)
        patch.setenv("GEMINI_API_KEY", KEY)
        patch.setenv("ML_AGENT_LOCAL_BASE_URL", server.base)
        yield
