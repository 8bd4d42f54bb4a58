"""What to use instead of a model that is not there, and what is wrong with a model of the user."""

import difflib
from collections.abc import Iterator
from datetime import date

from configs.settings import Settings
from core.model_errors import UnknownModel
from core.models.defaults import DEFAULTS, best_listed
from core.models.model_info import ANY_NAME, Facts
from core.models.prices import WARN_DAYS, price_map, switch_off
from core.models.routes import Route, resolve

#: Tokens of a window that is small for the work of an agent.
SMALL_WINDOW = 32_000
HOW_SET = "ML_AGENT_CONTEXT_WINDOW=TOKENS"
#: What makes a server of yours serve a larger window.
SERVER_SETS = {
    "llamacpp": "llama-server -c TOKENS",
    "hosted_vllm": "vllm serve --max-model-len TOKENS",
    "lm_studio": "lms load MODEL --context-length TOKENS",
}
#: How much alike two ids are that differ by a typing error.
ALIKE = 0.9


def replacement(route: Route, facts: Facts) -> str:
    """The id of a model to use in place of the route's; "" if none is known. It is what the id was
    meant to be, else the provider's default, else the nearest that calls tools."""
    known = [name for name in _usable(route, facts) if name != route.id]
    near = difflib.get_close_matches(route.id, known, 1, ALIKE)
    if near and not facts.mapped(route):
        return near[0]
    catalogue = facts.catalogue(route)
    default = next((d.model for d in DEFAULTS if d.model.startswith(f"{route.provider}/")), "")
    if route.provider == "hf":
        default = best_listed(catalogue.models() if catalogue else ()) or default
    if default and default != route.id and (catalogue is None or route.provider == "hf"):
        return default
    return next(iter(difflib.get_close_matches(route.id, known, 1, 0.3) or known), "")


def how_to_use(model: str) -> str:
    """The commands that choose `model`."""
    return f"use {model}: ml-agent -m {model}, or /model {model} in the chat"


def window_note(model: str, window: int, is_known: bool, settings: Settings) -> str:
    """What the user should know of a window that is assumed or small, and what sets it; "" if
    there is nothing to say."""
    if settings.context_window or (is_known and window >= SMALL_WINDOW):
        return ""
    if is_known:
        said = f"the context window of {model} is small, {window:,} tokens: the history is "
        return f"{said}compacted often. Make it larger: {how_to_enlarge(model, settings)}"
    said = f"the context window of {model} is not known, {window:,} tokens are assumed. "
    return f"{said}If it is larger or smaller: ml-agent config set context_window TOKENS"


def how_to_enlarge(model: str, settings: Settings) -> str:
    """What makes the server of `model` serve a larger window."""
    try:
        provider = resolve(model, settings).provider
    except UnknownModel:
        provider = ""  # a program brought its own client
    if provider.startswith("ollama"):
        return HOW_SET
    return SERVER_SETS.get(provider, "in the settings of its server")


def concerns(route: Route, facts: Facts) -> Iterator[str]:
    """What is wrong with the route's model, as far as lists tell: unknown, switched off soon or
    already, without tools. `facts` are ready."""
    if not _is_known(route, facts):
        if facts.catalogue(route) is None:
            yield f"{route.id} is not in LiteLLM's list of models: it is new, or misspelled"
        else:
            yield f"{route.id} is not in the list of models of its server"
    ends = switch_off(route.id)
    days = (ends - date.today()).days if ends else WARN_DAYS + 1
    if days < 0:
        yield f"{route.id} was switched off on {ends}"
    elif days <= WARN_DAYS:
        yield f"{route.id} is switched off on {ends}, in {days} days"
    if facts.calls_tools(route) is False:
        yield f"{route.id} cannot call tools"


def _is_known(route: Route, facts: Facts) -> bool:
    """False only if a list that is complete lacks the model."""
    catalogue = facts.catalogue(route)
    if catalogue is None:
        return bool(facts.mapped(route)) or not list(_mapped(route))
    return not catalogue.models() or facts.served(route) is not None or route.provider in ANY_NAME


def _usable(route: Route, facts: Facts) -> Iterator[str]:
    """Ids of the same provider that are alive and call tools."""
    catalogue = facts.catalogue(route)
    if catalogue is None:
        yield from _mapped(route)
        return
    prefix = route.id.removesuffix(route.model_name)
    yield from (prefix + m.id for m in catalogue.models() if m.tools is not False)


def _mapped(route: Route) -> Iterator[str]:
    prefix = route.id.removesuffix(route.model_name) or f"{route.provider}/"
    for name, row in price_map().items():
        if row.get("litellm_provider") != route.provider or name.startswith("ft:"):
            continue
        ends = switch_off(name)
        if row.get("supports_function_calling") and (ends is None or ends > date.today()):
            yield prefix + name.removeprefix(f"{route.provider}/")
