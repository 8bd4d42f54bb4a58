"""Which model servers run on this machine."""

from __future__ import annotations

import asyncio
import json
import urllib.request

from graph.models.catalogue import LOCAL_SERVERS

#: Seconds that a server has to list its models: it is on this machine.
PATIENCE = 0.5


async def find_local_model() -> str | None:
    """The id of the first model of the first server that answers; None if none does."""
    asked = [
        ("ollama_chat", "http://localhost:11434/v1/models"),
        ("lm_studio", "http://localhost:1234/v1/models"),
        ("hosted_vllm", "http://localhost:8000/v1/models"),
        ("llamafile", "http://localhost:8080/v1/models"),
    ]
    assert all(prefix in LOCAL_SERVERS for prefix, _ in asked)
    found = await asyncio.gather(*(asyncio.to_thread(_first_model, url) for _, url in asked))
    for (prefix, _), model in zip(asked, found, strict=True):
        if model:
            return f"{prefix}/{model}"
    return None


def _first_model(url: str) -> str | None:
    try:
        # No proxy: this is a question to our own machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=PATIENCE) as answer:
            return str(json.load(answer)["data"][0]["id"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
