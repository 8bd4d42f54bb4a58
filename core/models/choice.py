"""Which model answers if the user names none: one per credential, in the order in which they are
looked for, else that of a server on this machine."""

import asyncio
import json
import os
import urllib.request

from configs.settings import Settings
from core.model_errors import NotAuthenticated
from core.models.defaults import ROUTER, best_listed, default_model
from core.models.known_providers import LLAMACPP, LOCAL_SERVERS
from core.models.model_info import Facts
from core.models.routes import resolve

#: Seconds that a server has to list its models: it is on this machine.
PATIENCE = 0.5
#: Where to look, in this order: prefix of an id → (variable of the base URL, default).
PLACES = {
    "ollama_chat": LOCAL_SERVERS["ollama_chat"],
    "lmstudio": LOCAL_SERVERS["lm_studio"],
    "vllm": LOCAL_SERVERS["hosted_vllm"],
    "llamacpp": LLAMACPP,
}


async def choose_model(settings: Settings) -> str:
    """Which model answers where no one said: settings, else the first credential found, else
    a local server that answers. Raises NotAuthenticated with what to set."""
    if settings.model_name:
        return settings.model_name
    chosen = default_model()
    if chosen == ROUTER.model:
        return await _routers_default(settings)
    if chosen:
        return chosen
    found = await find_local_model()
    if found:
        return found
    raise NotAuthenticated(
        "no model: no API key is set, and no local server answers",
        "set ANTHROPIC_API_KEY, HF_TOKEN or OPENAI_API_KEY, start ollama, or pass -m",
    )


async def _routers_default(settings: Settings) -> str:
    """The best model that the router lists today; the table's if its list cannot be read."""
    facts, route = Facts(settings), resolve(ROUTER.model, settings)
    await facts.ready(route)
    catalogue = facts.catalogue(route)
    return best_listed(catalogue.models() if catalogue else ()) or ROUTER.model


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
