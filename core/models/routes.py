"""From a model's id to the route a request takes.

    anthropic/…, openai/…, ollama/…, any LiteLLM prefix   that provider
    hf/org/model[:provider]                               the Hugging Face router
    ollama/…, lmstudio/…, vllm/…, llamacpp/…              a server on your machine or network
    local/model                                           an OpenAI-compatible server of yours
    replay/FILE                                           a recording (graph/transcript)
    litellm/…                                             any of these, through LiteLLM
    org/model, org no LiteLLM prefix                      the Hugging Face router

Nothing here imports litellm, which takes seconds.
"""

import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from configs.model_ids import RECORDINGS, problem_of
from configs.settings import Settings
from configs.visible import visible
from core.credentials import hub_token, is_shared
from core.model_errors import NotAuthenticated, UnknownModel
from core.models.known_providers import (
    ALIASES,
    KEY_NAMES,
    KEYLESS,
    LIBRARIES,
    LLAMACPP,
    LOCAL_SERVERS,
    SUBSCRIPTIONS,
)
from core.models.litellm_providers import LITELLM_PROVIDERS
from core.models.prices import price_map
from core.models.wire.providers import PROVIDERS

ROUTER_BASE = "https://router.huggingface.co/v1"

#: Ends of names that no public host has (RFC 6762, 6761, 8375; ICANN's .internal; routers' .lan).
OWN_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True)
class Route:
    """Where a request goes.

    Attributes:
        id: as the user named it. litellm_model: as LiteLLM needs it.
        base_url: "" for the provider's own. key_name: the variable that holds the key.
        api_key: "" where LiteLLM finds it itself; never printed.
        is_direct: over our own wire; else through LiteLLM.
    """

    id: str
    provider: str
    litellm_model: str
    base_url: str = ""
    key_name: str = ""
    api_key: str = ""
    needs_key: bool = True
    is_direct: bool = False

    @property
    def model_name(self) -> str:
        """The model as its provider names it."""
        return self.litellm_model.partition("/")[2]

    @property
    def tools_hint(self) -> str:
        """What to set if the server turns no text into tool calls."""
        provider = PROVIDERS.get(self.provider)
        hint = provider.serves_tools if provider else ""
        if not hint and self.base_url:
            hint = PROVIDERS["local"].serves_tools
        return hint or "choose another model with -m"

    def __repr__(self) -> str:
        return f"Route({self.describe()})"

    def describe(self) -> str:
        """The route in a few words: what is printed before a run."""
        if self.provider == "hf":
            return f"{self.litellm_model.removeprefix('openai/')} over the Hugging Face router"
        if self.provider == "replay":
            return f"the recording {recording_path(self.id).name}"
        if self.base_url:
            return f"{self.id} at {self.base_url}"
        return self.id

    def credential_hint(self) -> str:
        """What to set when the credential is missing or refused."""
        if is_shared():
            return "sign out and sign in again"
        if self.provider == "hf":
            return "set HF_TOKEN, or run: hf auth login"
        if self.provider in SUBSCRIPTIONS:
            variable, folder = SUBSCRIPTIONS[self.provider].folder
            return f"delete {os.environ.get(variable) or folder} and run it again to sign in"
        if not self.key_name:
            return f"set the credentials that LiteLLM documents for {self.provider}"
        return f"set {self.key_name}"

    @property
    def has_list_price(self) -> bool:
        """Whether LiteLLM's price of `litellm_model` is what this route costs. The router and
        servers of one's own speak OpenAI's format, and are not OpenAI; a subscription has none."""
        return self.provider not in ("hf", "local", "llamacpp", *SUBSCRIPTIONS)

    def check(self) -> None:
        """Raise NotAuthenticated where a key is needed and none is set, UnknownModel where the
        address that was set is none."""
        if self.provider == "replay" and not recording_path(self.id).is_file():
            raise UnknownModel(f"no such recording: {recording_path(self.id)}")
        address = urlsplit(self.base_url)
        if self.base_url and (address.scheme not in ("http", "https") or not address.hostname):
            raise UnknownModel(
                f"the address of {self.id} is not a URL: {self.base_url}",
                "set it as http://host:port/v1 or https://host/v1",
            )
        library = LIBRARIES.get(self.provider)
        if library and find_spec(library) is None:
            raise UnknownModel(
                f"{self.id} needs the library {library}", f"install it next to ml-agent: {library}"
            )
        if self.needs_key and not self.api_key:
            raise NotAuthenticated(f"no API key for {self.id}", self.credential_hint())


def resolve(model: str, settings: Settings) -> Route:
    """The route of `model`. Raises UnknownModel. Reads the environment at each call: a key
    that was set meanwhile counts."""
    prefix, _, rest = model.partition("/")
    if is_shared() and prefix != "hf":
        # Any other id reaches this server's files, network or keys.
        raise UnknownModel(
            f"{visible(model)} is not offered here: only models hf/...", "choose hf/org/model"
        )
    if prefix == "litellm" and rest:
        return replace(_resolved(rest, settings), id=model)
    route = _resolved(model, settings)
    if settings.wire == "auto" and route.provider in PROVIDERS:
        return _direct(route)
    return route


@lru_cache(maxsize=64)
def _direct(route: Route) -> Route:
    return replace(route, is_direct=not needs_responses(route))


#: OpenAI's models from which on its chat completions take no tools while they reason.
_REASONS_WITH_TOOLS = re.compile(r"gpt-(5\.([4-9]|\d\d)|[6-9])")


def needs_responses(route: Route) -> bool:
    """Whether the model answers over OpenAI's Responses API alone, which LiteLLM speaks."""
    if route.provider != "openai":
        return False
    name = route.model_name
    if name.startswith("responses/") or price_map().get(name, {}).get("mode") == "responses":
        return True
    is_openais = not route.base_url or urlsplit(route.base_url).hostname == "api.openai.com"
    return is_openais and _REASONS_WITH_TOOLS.match(name) is not None


def _resolved(model: str, settings: Settings) -> Route:
    problem = problem_of(model)
    prefix, _, rest = model.partition("/")
    if problem and rest:
        raise UnknownModel(f"{visible(model)!r} is not a model id: {problem}")
    if not prefix.strip() or (prefix in ("hf", "local", "replay") and not rest):
        raise UnknownModel(f"{model!r} is not a model id")
    if prefix == "replay":
        return Route(model, "replay", model, needs_key=False)
    if prefix == "hf":
        return _router(model, rest)
    if prefix == "local":
        return _local(model, rest, settings)
    if prefix == "llamacpp" and rest:
        base = os.environ.get(LLAMACPP[0]) or LLAMACPP[1]
        return Route(model, prefix, f"openai/{rest}", base, api_key="none", needs_key=False)
    if prefix in ALIASES and rest:
        return replace(_resolved(f"{ALIASES[prefix]}/{rest}", settings), id=model)
    if prefix in LOCAL_SERVERS and rest:
        variable, default = LOCAL_SERVERS[prefix]
        base = os.environ.get(variable) or default
        key = os.environ.get(f"{prefix.upper()}_API_KEY", "") or "none"
        return Route(model, prefix, model, base, api_key=key, needs_key=False)
    if not rest:
        return _bare(model)
    if prefix in LITELLM_PROVIDERS:
        return _provider(model, prefix)
    return _router(model, model)


#: Recordings that come with the program, by name.
SHIPPED = {"demo": "recording.jsonl", "demo-experiments": "experiments.jsonl"}


def recording_path(model: str) -> Path:
    """The file that a `replay/…` id names; those of SHIPPED come with the program."""
    name = model.removeprefix(RECORDINGS)
    if name in SHIPPED:
        return Path(str(files("configs"))) / "demo" / SHIPPED[name]
    return Path(name).expanduser()


def _provider(model: str, prefix: str) -> Route:
    key_name = KEY_NAMES.get(prefix, f"{prefix.upper()}_API_KEY")
    key = os.environ.get(key_name, "")
    if prefix in PROVIDERS:
        others = (os.environ.get(name, "") for name in PROVIDERS[prefix].keys)
        key = key or next(filter(None, others), "")
    if prefix == "gemini":
        key = key or os.environ.get("GOOGLE_API_KEY", "")
    if prefix == "huggingface":
        key = hub_token() or ""
    base = _base_of(prefix)
    if prefix in KEYLESS or prefix in SUBSCRIPTIONS:
        return Route(model, prefix, model, base, needs_key=False)
    if not key and is_private(base):
        # A server of one's own asks for none, but the client needs to send something.
        return Route(model, prefix, model, base, key_name, "none", needs_key=False)
    return Route(model, prefix, model, base, key_name, key)


def _base_of(prefix: str) -> str:
    name = prefix.upper()
    return os.environ.get(f"{name}_API_BASE") or os.environ.get(f"{name}_BASE_URL") or ""


def _router(model: str, name: str) -> Route:
    token = hub_token() or ""
    base = os.environ.get("HF_ROUTER_BASE_URL") or ROUTER_BASE
    if not token and is_private(base):
        return Route(model, "hf", f"openai/{name}", base, "HF_TOKEN", "none", needs_key=False)
    return Route(model, "hf", f"openai/{name}", base, "HF_TOKEN", token)


def _local(model: str, name: str, settings: Settings) -> Route:
    base = settings.local_base_url
    if not base:
        raise UnknownModel(
            f"{model} needs the address of its server",
            "set local_base_url (ML_AGENT_LOCAL_BASE_URL=http://localhost:8000/v1)",
        )
    return Route(model, "local", f"openai/{name}", base, api_key="none", needs_key=False)


def _bare(model: str) -> Route:
    """An id without a slash: the two families that everyone writes so."""
    if model.startswith("claude"):
        return _provider(f"anthropic/{model}", "anthropic")
    if model.startswith(("gpt-", "o1", "o3", "o4", "chatgpt")):
        return _provider(f"openai/{model}", "openai")
    raise UnknownModel(f"unknown model {model!r}")


@lru_cache(maxsize=64)
def is_private(base: str) -> bool:
    """Whether `base` is a machine of one's own, by its address; other names are not looked up."""
    host = urlsplit(base).hostname or ""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(OWN_NAMES))
