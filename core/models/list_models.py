"""Which models can be used here: those of the providers whose key is set, of the Hugging Face
router, and of servers on this machine."""

import asyncio
import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass

from configs.settings import EFFORTS, Settings
from core.credentials import is_shared
from core.errors import AgentError, UsageError
from core.model_errors import UnknownModel
from core.models.effort import offered
from core.models.model_info import ANY_NAME, Facts, catalogue_base
from core.models.prices import price_map
from core.models.routes import Route, resolve
from core.models.served import Catalogue, Served

#: Providers whose models LiteLLM's map lists, and the variable that holds their key.
MAPPED = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}
#: Routers with a catalogue, as ids of no particular model.
ROUTERS = ("hf/", "openrouter/")
#: Servers that are looked for, as ids of no particular model.
SERVERS = ("ollama_chat/", "lmstudio/", "vllm/", "llamacpp/")


@dataclass(frozen=True)
class Offer:
    """A model that can be chosen. window: tokens; price: USD per million tokens of input and
    output; None if it is not known. efforts: levels of reasoning, if they are known."""

    id: str
    window: int | None = None
    price: tuple[float, float] | None = None
    efforts: tuple[str, ...] = ()

    def describe(self) -> str:
        window = f"{self.window:,} tokens" if self.window else "window unknown"
        price = f"${self.price[0]:g} in, ${self.price[1]:g} out" if self.price else "price unknown"
        efforts = f" · effort {', '.join(self.efforts)}" if self.efforts else ""
        return f"{self.id}  {window} · {price} per million tokens{efforts}"


async def offers(settings: Settings) -> list[Offer]:
    """Every model that can be chosen here; asks the router and the servers of this machine."""
    if is_shared():
        return await _router(ROUTERS[0], settings)
    routers = (_router(r, settings) for r in ROUTERS)
    served = await asyncio.gather(*routers, *(_server(s, settings) for s in SERVERS))
    return [*_mapped(), *(offer for offers in served for offer in offers)]


async def check(model: str, settings: Settings) -> Route:
    """The route of `model`, if a request over it can succeed as far as one can tell without
    asking it something. Raises UnknownModel with the nearest ids, NotAuthenticated."""
    route = resolve(model, settings)
    route.check()
    if route.provider == "replay":
        raise UnknownModel(f"{model} is a recording: replay it with ml-agent replay")
    facts = Facts(settings)
    await facts.ready(route)
    catalogue = facts.catalogue(route)
    listed = catalogue.models() if catalogue else []
    # A proxy in OpenAI's format serves models that it does not list.
    takes_any = route.provider == "openai" or (route.provider in ANY_NAME and len(listed) == 1)
    if catalogue and listed and not takes_any and catalogue.of(route.model_name) is None:
        prefix = model[: -len(route.model_name)] or ""
        near = nearest(model, (prefix + m.id for m in listed))
        raise UnknownModel(f"{route.describe()}: no such model{near}")
    return route


def efforts_of(model: str, settings: Settings) -> tuple[str, ...] | None:
    """The levels of reasoning that `model` takes; () if it does not reason; None: unknown."""
    try:
        return Facts(settings).efforts(resolve(model, settings))
    except UnknownModel:
        return None  # a program brought its own client


def check_effort(effort: str, model: str, settings: Settings) -> None:
    """Raise UsageError if `model` does not take this level of reasoning, with those that it takes.
    "" is always taken."""
    levels = efforts_of(model, settings) if effort else None
    if not effort or effort in (EFFORTS if levels is None else levels):
        return
    if levels == ():
        raise UsageError(f"{model} does not reason: it takes no effort", "leave the effort out")
    taken = f"it takes {', '.join(levels)}" if levels else f"choose one of {', '.join(EFFORTS)}"
    raise UsageError(f"{model} does not take the effort {effort!r}", taken)


def nearest(model: str, known: Iterable[str]) -> str:
    """ "; did you mean ...?" with up to three ids; "" where none is near."""
    near = difflib.get_close_matches(model, list(known), 3, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _mapped() -> list[Offer]:
    found = []
    for name, facts in price_map().items():
        provider = str(facts.get("litellm_provider", ""))
        if not os.environ.get(MAPPED.get(provider, "")) or name.startswith("ft:"):
            continue
        if facts.get("mode") != "chat" or not facts.get("supports_function_calling"):
            continue
        price = facts.get("input_cost_per_token"), facts.get("output_cost_per_token")
        both = (price[0] * 1e6, price[1] * 1e6) if None not in price else None
        window = facts.get("max_input_tokens")
        model = name if name.startswith(f"{provider}/") else f"{provider}/{name}"
        efforts = offered(provider, model, facts) or ()
        found.append(Offer(model, int(window) if window else None, both, efforts))
    return sorted(found, key=lambda offer: offer.id)


async def _router(prefix: str, settings: Settings) -> list[Offer]:
    route = resolve(f"{prefix}any", settings)
    try:
        route.check()
    except AgentError:
        return []
    facts = Facts(settings)
    await facts.ready(route)
    catalogue = facts.catalogue(route)
    models = catalogue.models() if catalogue else []
    return [_offer(prefix, model) for model in models if model.tools is not False]


async def _server(prefix: str, settings: Settings) -> list[Offer]:
    route = resolve(f"{prefix}any", settings)
    catalogue = Catalogue(catalogue_base(route))
    await catalogue.load()
    return [_offer(prefix, model) for model in catalogue.models()]


def _offer(prefix: str, model: Served) -> Offer:
    return Offer(prefix + model.id, model.window, model.price)
