"""What servers say of their own models: the catalogues of the Hugging Face router and OpenRouter,
and the list of a server on your machine or network.

Source of the shapes: `GET /v1/models` of router.huggingface.co and of openrouter.ai/api. Their
answers are kept for a day in the state directory; an unreachable one costs a few seconds.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.folders import write_atomically
from core.http import certificates
from core.models.own_servers import served_windows
from core.models.wire.ollama import LARGEST, window_of

#: Seconds that a catalogue may take, and that it is good for.
PATIENCE, FRESH = 3.0, 24 * 3600
#: Names under which servers tell the window that they serve, and the one of the model.
SERVED = ("served_context", "max_model_len", "loaded_context_length")
WINDOWS = (*SERVED, "context_length", "max_context_length")


@dataclass(frozen=True)
class Served:
    """A model as its server describes it.

    Attributes:
        window: tokens, the smallest of all providers that would be asked; None: not told.
        price: micro-USD per token of input and output, the highest of them; None: not told.
        sees: takes pictures. tools: calls tools. reasons: takes an effort. None: not told.
    """

    id: str
    window: int | None = None
    price: tuple[float, float] | None = None
    sees: bool | None = None
    tools: bool | None = None
    reasons: bool | None = None


class Catalogue:
    """What one server serves, asked for once.

    Args:
        base: its base URL, up to /v1. key: sent as a bearer. folder: where it is kept; None: only
            in memory.
    """

    def __init__(self, base: str, key: str = "", folder: Path | None = None) -> None:
        self._url = f"{base.rstrip('/')}/models"
        self._key = key
        name = hashlib.sha256(self._url.encode()).hexdigest()[:12]
        self._file = folder / f"models-{name}.json" if folder else None
        self._entries: list[dict[str, Any]] | None = None
        #: By name, since `load`: each request asks for the same model several times.
        self._found: dict[str, Served | None] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Ask the server, unless it was asked within a day. What is unavailable stays unknown."""
        if self._entries is not None:
            return
        async with self._lock:
            if self._entries is None:
                self._entries = await asyncio.to_thread(self._loaded)

    def _loaded(self) -> list[dict[str, Any]]:
        kept, age = _read(self._file)
        if kept and age < FRESH:
            return kept
        asked = _asked(self._url, self._key)
        if asked and self._file is not None:
            _write(self._file, asked)
        elif asked:
            _add_windows(asked, self._url, self._key)
        return asked or kept

    def models(self) -> list[Served]:
        """All of them, in the server's order; [] before `load`."""
        return [_served(entry, "") for entry in self._entries or []]

    def only(self) -> Served | None:
        """The one model that the server serves, whatever it is called; None if there are more."""
        models = self.models()
        return models[0] if len(models) == 1 else None

    def of(self, name: str) -> Served | None:
        """The model `name`, or `name:provider`; None where the server does not list it."""
        if name not in self._found and self._entries is not None:
            self._found[name] = self._of(name)
        return self._found.get(name)

    def _of(self, name: str) -> Served | None:
        wanted, _, provider = name.partition(":")
        for entry in self._entries or []:
            if entry.get("id") in (name, wanted):
                return _served(entry, provider if entry["id"] == wanted else "")
        return None


class Ollama:
    """What Ollama says of one model, asked for once.

    Attributes:
        answers: Ollama itself is there. window: tokens that it is told to make room for; None: it
            does not know the model's own window. capabilities: completion, tools, vision,
            thinking; None: not told.
    """

    def __init__(self, base: str, model: str) -> None:
        self._url = f"{base.rstrip('/').removesuffix('/v1')}/api/show"
        self._model = model
        self.answers = False
        self.window: int | None = None
        self.capabilities: list[str] | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Ask, unless it has answered."""
        async with self._lock:
            if not self.answers:
                await asyncio.to_thread(self._ask)

    def _ask(self) -> None:
        import httpx

        try:
            secure = certificates(self._url)
            answer = httpx.post(
                self._url, json={"model": self._model}, timeout=PATIENCE, verify=secure
            )
            told = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return
        # Of a model that it does not have, it says so in JSON.
        has_no_model = answer.status_code == 404 and "model" in str(told.get("error", ""))
        self.answers = answer.status_code == 200 or has_no_model
        window = window_of(told)
        self.window = min(window, LARGEST) if window else None
        listed = told.get("capabilities")
        self.capabilities = listed if isinstance(listed, list) and listed else None


def _served(entry: Mapping[str, Any], provider: str) -> Served:
    offers = [o for o in entry.get("providers") or [] if o.get("status", "live") == "live"]
    # `:fastest`, `:cheapest` name no provider: any of them may answer.
    offers = [o for o in offers if o.get("provider") == provider] or offers
    windows = [w for o in [*offers, entry] if (w := _window(o))]
    prices = [p for o in [*offers, entry] if (p := _price(o.get("pricing")))]
    architecture = entry.get("architecture") or {}
    modalities = architecture.get("input_modalities")
    tools = [o["supports_tools"] for o in offers if "supports_tools" in o]
    takes = entry.get("supported_parameters")
    if isinstance(takes, list):
        tools.append("tools" in takes)
    return Served(
        id=str(entry.get("id", "")),
        window=min(windows, default=None),
        price=(max(p[0] for p in prices), max(p[1] for p in prices)) if prices else None,
        sees="image" in modalities if isinstance(modalities, list) else None,
        tools=any(tools) if tools else None,
        reasons="reasoning" in takes if isinstance(takes, list) else None,
    )


def _window(facts: Mapping[str, Any]) -> int | None:
    meta = facts.get("meta") or {}
    found = [meta.get("n_ctx"), *(facts.get(name) for name in WINDOWS), meta.get("n_ctx_train")]
    return next((value for value in found if isinstance(value, int) and value > 0), None)


def _add_windows(entries: list[dict[str, Any]], url: str, key: str) -> None:
    """Ask a server of yours for the windows that its list lacks."""
    lacking = [
        e for e in entries
        if not (e.get("meta") or {}).get("n_ctx") and not any(e.get(name) for name in SERVED)
    ]  # fmt: skip
    if not lacking:
        return
    windows = served_windows(url.removesuffix("/models"), key)
    for entry in lacking:
        entry["served_context"] = windows.get(entry["id"]) or windows.get("")


def _price(pricing: Any) -> tuple[float, float] | None:
    """USD per million tokens, which is micro-USD per token. OpenRouter: USD per token, as text."""
    if not isinstance(pricing, Mapping):
        return None
    names, unit = ("input", "output"), 1.0
    if "prompt" in pricing:
        names, unit = ("prompt", "completion"), 1e6
    try:
        given, answered = (float(pricing[name]) * unit for name in names)
    except (KeyError, TypeError, ValueError):
        return None
    # -1: it depends on the model that OpenRouter chooses.
    return (given, answered) if given >= 0 and answered >= 0 else None


def _asked(url: str, key: str) -> list[dict[str, Any]]:
    import httpx

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(url, headers=headers, timeout=PATIENCE, verify=certificates(url))
        return list(_entries(answer.json())) if answer.status_code == 200 else []
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return []


def _entries(data: Any) -> Iterator[dict[str, Any]]:
    for entry in data.get("data", []) if isinstance(data, dict) else []:
        if isinstance(entry, dict) and entry.get("id"):
            yield entry


def _read(file: Path | None) -> tuple[list[dict[str, Any]], float]:
    """(what was kept, how many seconds ago)."""
    try:
        if file is None:
            return [], 0.0
        return list(_entries(json.loads(file.read_text()))), time.time() - file.stat().st_mtime
    except (OSError, ValueError):
        return [], 0.0


def _write(file: Path, entries: list[dict[str, Any]]) -> None:
    with suppress(OSError):  # a cache that cannot be kept is not a failure
        write_atomically(file, json.dumps({"data": entries}))
