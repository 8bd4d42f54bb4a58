"""Providers whose key the chat asks for: how a key looks, how it is checked, where it is kept."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.http import certificates

if TYPE_CHECKING:
    from configs.settings import Settings

#: Seconds that a provider has to say whether it accepts a key.
PATIENCE = 10.0


class NotChecked(Exception):
    """The provider could not be asked; the reason."""


@dataclass(frozen=True)
class Provider:
    """A provider.

    Attributes:
        key: what its credential is called. variable: where it is looked for.
        prefixes: how its keys begin; another one is sent nowhere. bases: variables that name
            another address than `base`, whose keys may begin otherwise.
        path: a request that costs nothing and needs the key. headers: with the key.
    """

    name: str
    key: str
    variable: str
    prefixes: tuple[str, ...]
    bases: tuple[str, ...]
    base: str
    path: str
    headers: Callable[[str], dict[str, str]]

    def other_base(self) -> str:
        return next((os.environ[name] for name in self.bases if os.environ.get(name)), "")

    def may_be(self, key: str) -> bool:
        """Whether `key` can be this provider's."""
        return key.startswith(self.prefixes) or (bool(self.other_base()) and self is not HUB)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


ANTHROPIC = Provider(
    "Anthropic", "API key", "ANTHROPIC_API_KEY", ("sk-ant-",),
    ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"), "https://api.anthropic.com", "/v1/models?limit=1",
    lambda key: {"x-api-key": key, "anthropic-version": "2023-06-01"},
)  # fmt: skip
HUB = Provider(
    "Hugging Face", "token", "HF_TOKEN", ("hf_", "api_org_"), (), "", "/api/whoami-v2", _bearer
)
OPENAI = Provider(
    "OpenAI", "API key", "OPENAI_API_KEY", ("sk-",), ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
    "https://api.openai.com/v1", "/models", _bearer,
)  # fmt: skip


async def account_of(provider: Provider, key: str, settings: "Settings") -> str:
    """The name of the account, or of the provider if there is none; "" if it rejects the key.
    Raises NotChecked."""
    import httpx

    from core.hub.connection import hub_url, offline

    if provider is HUB and offline():
        raise NotChecked("HF_HUB_OFFLINE is set")
    base = hub_url(settings) if provider is HUB else provider.other_base() or provider.base
    base = base.rstrip("/")
    path = provider.path.removeprefix("/v1") if base.endswith("/v1") else provider.path
    try:
        # No redirect is followed: the key goes to this host alone.
        async with httpx.AsyncClient(timeout=PATIENCE, verify=certificates()) as client:
            answer = await client.get(f"{base}{path}", headers=provider.headers(key))
        if answer.status_code in (401, 403):
            return ""
        body: Any = answer.json() if answer.status_code == 200 else None
        name = body["name"] if provider is HUB and body else provider.name
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise NotChecked(f"no answer from {base} ({type(error).__name__})") from None
    if body is None or not isinstance(name, str) or not name:
        raise NotChecked(f"{base} answered {answer.status_code}")
    return name


def place_of(provider: Provider) -> Path:
    """The file for the key; for the Hub, where `hf` keeps it."""
    if provider is HUB:
        from huggingface_hub.constants import HF_TOKEN_PATH

        return Path(HF_TOKEN_PATH)
    from configs.kept_keys import keys_file

    return keys_file()


def keep(provider: Provider, key: str) -> None:
    """Keep it there, readable by the user alone. Raises OSError."""
    if provider is HUB:
        from configs.folders import write_atomically

        write_atomically(place_of(provider), key)
    else:
        from configs.kept_keys import keep_key

        keep_key(provider.variable, key)
