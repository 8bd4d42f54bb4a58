"""The window that a server of yours really serves, if its list of models lacks it.

llama.cpp tells it in /props, LM Studio in /api/v0/models, Ollama, of loaded models, in /api/ps. The
list of models of the first two has at most the window that the model was trained for.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.http import certificates

#: Where each kind of server tells it.
PATHS = {"llamacpp": "/props", "lmstudio": "/api/v0/models", "ollama": "/api/ps"}
#: Seconds that a server has.
PATIENCE = 3.0


def served_windows(base: str, key: str) -> dict[str, int]:
    """Tokens by model; under "" those of whatever model it serves."""
    root = base.rstrip("/").removesuffix("/v1")
    with ThreadPoolExecutor(len(PATHS)) as pool:
        answers = pool.map(lambda path: _asked(f"{root}{path}", key), PATHS.values())
    for kind, answer in zip(PATHS, answers, strict=True):
        found = _read(kind, answer)
        if found is not None:
            return {name: size for name, size in found.items() if _is_size(size)}
    return {}


def _read(kind: str, answer: Any) -> dict[str, Any] | None:
    """What an answer tells; None if it is not one of this kind of server."""
    if not isinstance(answer, dict):
        return None
    if kind == "llamacpp":
        settings = answer.get("default_generation_settings")
        return {"": settings.get("n_ctx")} if isinstance(settings, dict) else None
    listed = answer.get("data" if kind == "lmstudio" else "models")
    if not isinstance(listed, list):
        return None
    names = ("id", "loaded_context_length") if kind == "lmstudio" else ("name", "context_length")
    return {str(m.get(names[0])): m.get(names[1]) for m in listed if isinstance(m, dict)}


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _asked(url: str, key: str) -> Any:
    import httpx

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(url, headers=headers, timeout=PATIENCE, verify=certificates(url))
        return answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
