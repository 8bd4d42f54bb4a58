"""litellm, imported once and late.

The import costs seconds of processor time, so nothing imports it at module level: a client
loads it at its first request, the chat in a thread behind the prompt (`load_for`).
"""

from __future__ import annotations

import gc
import importlib
import os
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from core.secrets.child_environment import own_variables

if TYPE_CHECKING:
    from configs.settings import Settings

#: Set before litellm is imported; each with why. Taken out of children's environment again.
_VARIABLES = {
    # else it fetches its price map from the network at import
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # else it loads a .env by itself
    "LITELLM_MODE": "PRODUCTION",
    # else every OpenAI request walks the whole history against the SDK's types: 0.4 ms of
    # processor time a message
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "true",
    # else it scans every message for base64 to shorten in logs that no one reads
    "MAX_BASE64_LENGTH_FOR_LOGGING": "0",
    # else a hundred equal pieces of a stream (a row of a table) end the answer as an error,
    # which is then asked for, and paid, again
    "REPEATED_STREAMING_CHUNK_LIMIT": "1000",
    # else langchain may send what people write to a tracing service
    "LANGSMITH_TRACING": "false",
}

_lock = threading.Lock()
_loaded: SimpleNamespace | None = None
_direct_is_loaded = False


def prepare_environment() -> None:
    """Set the variables that must stand before litellm is imported."""
    for name, value in _VARIABLES.items():
        if name not in os.environ:
            os.environ[name] = value
            own_variables.add(name)


def load() -> Any:
    """The namespace {litellm, ChatModel, exceptions}; imported at the first call."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _import()
    return _loaded


def load_direct() -> None:
    """Import what a direct route needs: a fifth of a second, and no litellm."""
    global _direct_is_loaded
    with _lock:
        importlib.import_module("core.models.wire.chat")
        _direct_is_loaded = True


def is_loaded(*, direct: bool) -> bool:
    """Whether nothing is left to import for such a route."""
    return _direct_is_loaded if direct else _loaded is not None


def load_for(model: str, settings: Settings) -> None:
    """Import what `model` needs; "": the model that the credentials choose."""
    from core.errors import AgentError
    from core.models.defaults import default_model
    from core.models.routes import resolve

    try:
        is_direct = resolve(model or default_model(), settings).is_direct
    except AgentError:
        return  # said when the session opens
    load_direct() if is_direct else load()


def load_beside(names: Sequence[str]) -> None:
    """Import modules while no one imports litellm: two threads that import the same packages from
    different ends deadlock, and one of them fails."""
    with _lock:
        for name in names:
            importlib.import_module(name)


def _import() -> SimpleNamespace:
    prepare_environment()
    # Collections during the import look at hundreds of thousands of new objects that all
    # stay; frozen, they are never looked at again. Saves 1.3 of 7 s, and 0.4 s per full
    # collection later.
    gc.disable()
    try:
        import litellm

        from core.models.chat import ChatModel
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
    # Its help text would go to stdout, where data belongs.
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    # Else the system prompt reaches GitHub Copilot as something that the model itself said.
    litellm.disable_copilot_system_to_assistant = True
    return SimpleNamespace(litellm=litellm, ChatModel=ChatModel, exceptions=litellm.exceptions)
