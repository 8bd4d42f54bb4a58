"""Which model servers run on this machine."""

import asyncio
import json
import os
import urllib.request

from core.models.catalogue import LLAMACPP, LOCAL_SERVERS

#: Seconds that a server has to list its models: it is on this machine.
PATIENCE = 0.5
#: Where to look, in this order: prefix of an id → (variable of the base URL, default).
PLACES = {
    "ollama_chat": LOCAL_SERVERS["ollama_chat"],
    "lmstudio": LOCAL_SERVERS["lm_studio"],
    "vllm": LOCAL_SERVERS["hosted_vllm"],
    "llamacpp": LLAMACPP,
}


async def find_local_model() -> str | None:
    """The id of the first model of the first server that answers; None if none does."""
    asked = {prefix: _models_url(*place) for prefix, place in PLACES.items()}
    found = await asyncio.gather(*(asyncio.to_thread(_first_model, u) for u in asked.values()))
    for prefix, model in zip(asked, found, strict=True):
        if model:
            return f"{prefix}/{model}"
    return None


def _models_url(variable: str, default: str) -> str:
    base = (os.environ.get(variable) or default).rstrip("/")
    return f"{base}/models" if base.endswith("/v1") else f"{base}/v1/models"


def _first_model(url: str) -> str | None:
    try:
        # No proxy: this is a question to our own machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=PATIENCE) as answer:
            return str(json.load(answer)["data"][0]["id"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
