"""What is known of a model: its window, its price, whether it sees and thinks.

The settings come first, then what its server says, then LiteLLM's map. What no one knows is said
to be unknown, never guessed in silence.
"""

from collections.abc import Mapping
from typing import Any

from configs.settings import Settings
from core.models.effort import named_in, offered, sent
from core.models.known_providers import LOCAL_SERVERS, SUBSCRIPTIONS
from core.models.prices import list_cost, price_map
from core.models.routes import Route, is_private
from core.models.served import Catalogue, Ollama, Served
from core.models.wire.providers import PROVIDERS

#: The window of a model that no one knows: small enough for most local servers' defaults not
#: to be overrun by much, and said in `window_is_known`.
UNKNOWN_WINDOW = 32_000


#: Providers whose catalogue is asked for, and kept for a day.
CATALOGUES = ("hf", "openrouter")
#: Servers that may answer to any name with the one model that they have.
ANY_NAME = ("llamacpp", "local", "openai")


class Facts:
    """What is known of models, by id."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalogues: dict[str, Catalogue] = {}
        self._ollamas: dict[tuple[str, str], Ollama] = {}
        #: Windows that refusals have told.
        self._learnt: dict[str, int] = {}
        #: Levels of reasoning that refusals have told.
        self._efforts: dict[str, tuple[str, ...]] = {}

    async def ready(self, route: Route) -> None:
        """Ask the route's server what it serves, where it can tell."""
        catalogue = self.catalogue(route)
        if catalogue is not None:
            await catalogue.load()
        ollama = self._ollama(route)
        if ollama is not None:
            await ollama.load()

    def window(self, route: Route) -> int:
        """The context window in tokens; UNKNOWN_WINDOW where no one knows."""
        return self._window(route) or UNKNOWN_WINDOW

    def window_is_known(self, route: Route) -> bool:
        return bool(self._window(route))

    def sees(self, route: Route) -> bool:
        """Whether it takes pictures; one that no one knows does not."""
        if self._settings.vision is not None:
            return self._settings.vision
        served = self.served(route)
        if served is not None and served.sees is not None:
            return served.sees
        return bool(self.mapped(route).get("supports_vision"))

    def efforts(self, route: Route) -> tuple[str, ...] | None:
        """The levels of reasoning that it takes; () if it does not reason; None: unknown."""
        if route.id in self._efforts:
            return self._efforts[route.id]
        served = self.served(route)
        if served is not None and served.reasons is False:
            return ()
        ollama = self._ollama(route)
        capabilities = ollama.capabilities if ollama else None
        return offered(route.provider, route.model_name, self.mapped(route), capabilities)

    def effort(self, route: Route, wanted: str) -> str:
        """The level of reasoning that is sent for the level `wanted`; "" for none."""
        row, served = self.mapped(route), self.served(route)
        if served is not None and served.reasons:
            row = {**row, "supports_reasoning": True}
        return sent(wanted, route.provider, route.model_name, row, self.efforts(route))

    def calls_tools(self, route: Route) -> bool | None:
        """Whether it calls tools; None: unknown."""
        ollama = self._ollama(route)
        if ollama is not None and ollama.capabilities is not None:
            return "tools" in ollama.capabilities
        served = self.served(route)
        if served is not None and served.tools is not None:
            return served.tools
        mapped = self.mapped(route)
        return bool(mapped.get("supports_function_calling")) if mapped else None

    def price(self, route: Route) -> tuple[float, float] | None:
        """Micro-USD per token of input and output; None if it is not known."""
        given = self._settings.price
        if given is not None:
            return given.input, given.output
        if route.provider in SUBSCRIPTIONS:
            return 0.0, 0.0
        served = self.served(route)
        if served is not None and served.price is not None:
            return served.price
        mapped = self.mapped(route) if route.has_list_price else {}
        if "input_cost_per_token" not in mapped:
            return None
        output = mapped.get("output_cost_per_token") or 0.0
        return float(mapped["input_cost_per_token"]) * 1e6, float(output) * 1e6

    def is_list_price(self, route: Route) -> bool:
        """Whether LiteLLM's own reckoning of an answer's cost holds."""
        return self._settings.price is None and route.has_list_price

    def mapped(self, route: Route) -> dict[str, Any]:
        """What LiteLLM's map says of the model; {} if it is not in it."""
        known = price_map()
        names = (route.litellm_model, route.model_name)
        return next((known[name] for name in names if known.get(name)), {})

    def cost(
        self, route: Route, usage: Mapping[str, Any] | None, *, told: float | None = None
    ) -> int | None:
        """Micro-USD of an answer; None where the price is not known.

        Args:
            told: USD that the provider reports as its cost.
        """
        if told is not None and self.is_list_price(route):
            return round(told * 1e6)
        if route.provider in SUBSCRIPTIONS:
            return 0
        if not usage:
            return None
        row = self.mapped(route)
        if row and self.is_list_price(route):
            return list_cost(row, usage)
        price = self.price(route)
        if price is None:
            return None
        given, answered = int(usage["input_tokens"]), int(usage["output_tokens"])
        return round(given * price[0] + answered * price[1])

    def learn_efforts(self, route: Route, refused: str, said: str) -> str:
        """Keep the levels that the first refusal of a level names; the one that is sent now, "" if
        it names none."""
        levels = named_in(said, refused)
        if not levels or route.id in self._efforts:
            return ""
        self._efforts[route.id] = levels
        return self.effort(route, refused)

    def learn_window(self, route: Route, tokens: int) -> None:
        """Keep the window that a refusal told: it is smaller than what was believed."""
        self._learnt[route.id] = tokens

    def is_ollama(self, route: Route) -> bool:
        """Whether Ollama itself answers at the address of an ollama/ route."""
        ollama = self._ollama(route)
        return ollama is not None and ollama.answers

    def _ollama(self, route: Route) -> Ollama | None:
        if not route.provider.startswith("ollama"):
            return None
        key = (route.base_url, route.model_name)
        if key not in self._ollamas:
            self._ollamas[key] = Ollama(route.base_url, route.model_name)
        return self._ollamas[key]

    def _window(self, route: Route) -> int | None:
        known = self._believed(route)
        learnt = self._learnt.get(route.id)
        return min(learnt, known) if learnt and known else learnt or known

    def _believed(self, route: Route) -> int | None:
        if self._settings.context_window:
            return self._settings.context_window
        served = self.served(route)
        if served is not None and served.window:
            return served.window
        ollama = self._ollama(route)
        if ollama is not None:
            return ollama.window
        mapped = self.mapped(route)
        window = mapped.get("max_input_tokens") or mapped.get("max_tokens")
        return int(window) if window else None

    def served(self, route: Route) -> Served | None:
        """The model as its server lists it; None if it does not."""
        catalogue = self.catalogue(route)
        if catalogue is None:
            return None
        found = catalogue.of(route.model_name)
        # llama.cpp serves one model, lists it under its file's path, and takes any name for it.
        return found or (catalogue.only() if route.provider in ANY_NAME else None)

    def catalogue(self, route: Route) -> Catalogue | None:
        """What the route's server serves; None if it is not asked."""
        base = catalogue_base(route)
        if not base:
            return None
        if base not in self._catalogues:
            # Another machine's catalogue is kept; a server of one's own changes with each start.
            is_kept = route.provider in CATALOGUES
            folder = self._settings.state_path() / "catalogues" if is_kept else None
            key = route.api_key if route.api_key != "none" else ""
            self._catalogues[base] = Catalogue(base, key, folder)
        return self._catalogues[base]


def catalogue_base(route: Route) -> str:
    """The base URL of a server that lists its models; "" where none is asked."""
    if route.provider.startswith("ollama"):
        return f"{route.base_url.rstrip('/')}/v1"
    local = route.provider in LOCAL_SERVERS or route.provider in ("local", "llamacpp")
    # What speaks OpenAI's format on the user's own network is not OpenAI.
    local = local or (route.provider == "openai" and is_private(route.base_url))
    if route.provider in CATALOGUES:
        return route.base_url or PROVIDERS[route.provider].base
    return route.base_url if local else ""
