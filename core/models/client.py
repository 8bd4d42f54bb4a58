"""The model client: our own wires, or LiteLLM, behind our own attempts, errors and strictness."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool

from configs import collection
from configs.settings import Settings
from core.events import AssistantChunk, AssistantStreamEnd, Emit, ToolLog
from core.model import STREAMED, Answer, AnswerOptions
from core.model_errors import ModelError
from core.models.advice import replacement
from core.models.attempts import pause_after
from core.models.direct import Direct
from core.models.error_text import without
from core.models.errors import Failure, classify
from core.models.final_error import raised
from core.models.known_providers import SUBSCRIPTIONS
from core.models.litellm_model import ThroughLiteLLM
from core.models.loading import is_loaded, load, load_direct
from core.models.model_info import Facts
from core.models.routes import Route, resolve
from core.models.tokens import TokenCounter
from core.models.tool_specs import tool_specs
from core.models.wire.answers import answer_of
from core.models.wire.outgoing import Tools, prepared_tools
from core.models.wire.thinking import Piece
from core.per_message import has_parts

log = logging.getLogger(__name__)

#: Most tokens of an answer of a Claude that LiteLLM's map does not have yet. Anthropic needs a
#: number, and LiteLLM's own of 4096 cuts a file in the middle.
UNKNOWN_OUTPUT = 32_000
#: Optional fields of a request that a server may refuse by name.
NAMED = ("stream_options", "max_completion_tokens", "max_tokens")
EFFORT = "an effort of reasoning"


class ChatClient:
    """`core.model.ModelClient` over our own wires, and over LiteLLM for every other provider.

    Args:
        sleep, clock, uniform: how pauses are made; a test brings its own.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] | None = None,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._clock = clock
        self._jitter = {"uniform": uniform} if uniform else {}
        self._counter = TokenCounter()
        self._facts = Facts(settings)
        #: Optional fields of a request that a route refused.
        self._without: dict[Route, frozenset[str]] = {}

    async def answer(
        self,
        model: str,
        messages: Sequence[BaseMessage],
        tools: Sequence[BaseTool],
        *,
        emit: Emit,
        options: AnswerOptions = STREAMED,
    ) -> Answer:
        """One answer; see `ModelClient.answer`. Raises ModelError."""
        route = resolve(model, self._settings)
        route.check()
        await self._ready(route)
        if route.provider in SUBSCRIPTIONS:
            from core.models.sign_in import sign_in

            await sign_in(
                route.provider, lambda said: emit(ToolLog(id="", tool="model", text=said))
            )
        if has_parts(messages) and not self.sees(model):
            messages = [_without_pictures(m) for m in messages]
        most = options.max_tokens or self._most_output(route)
        specs = prepared_tools(tool_specs(tools))
        asked = _Request(route, messages, specs, replace(options, max_tokens=most))
        began, made = self._clock(), 0
        while True:
            made += 1
            shown = _Shown(emit if options.stream else _ignore)
            try:
                return await self._attempt(asked, shown)
            except ModelError:
                raise
            except Exception as error:
                # Everything a provider or the library can raise ends here, classified.
                told = without(traceback.format_exc(), route.api_key)
                log.debug("attempt %d failed\n%s", made, told)
                shown.withdraw()
                failure = classify(error, route.api_key)
                changed = self._refused_field(asked, failure)
                if changed:
                    said = f"{route.id} seems to reject {changed}"
                    emit(ToolLog(id="", tool="model", text=f"{said} ({failure.said})"))
                    continue
                pause = pause_after(failure, made, self._clock() - began, **self._jitter)
                if pause is None:
                    if failure.window:
                        self._facts.learn_window(route, failure.window)
                    instead = replacement(route, self._facts) if failure.is_no_model else ""
                    # Not `from error`: a provider's words may quote the key.
                    raise raised(failure, route, made, instead=instead) from None
                words = f"{failure.said}; attempt {made + 1} in {pause:.0f} s"
                emit(ToolLog(id="", tool="model", text=words))
                await self._sleep(pause)

    async def _attempt(self, asked: _Request, shown: _Shown) -> Answer:
        route, refused = asked.route, self._without.get(asked.route, frozenset())
        model = (
            Direct(route, self._settings, self._facts, refused)
            if route.is_direct
            else ThroughLiteLLM(route, self._settings, self._facts)
        )
        pieces = model.pieces(
            asked.messages,
            asked.tools,
            stream=asked.options.stream,
            max_tokens=asked.options.max_tokens,
            effort="" if EFFORT in refused else self._facts.effort(route, asked.options.effort),
        )
        async for piece in pieces:
            shown.piece(piece)
        cost = self._facts.cost(route, model.parts.usage, told=model.parts.cost)
        return answer_of(
            model.parts,
            asked.tools,
            provider=route.provider,
            hint=route.tools_hint,
            cost_micro_usd=cost,
        )

    def _refused_field(self, asked: _Request, failure: Failure) -> str:
        """The optional field that the server may have refused, and what is sent from now on; ""
        if there is none."""
        known = self._without.get(asked.route, frozenset())
        if failure.kind != "final" or failure.status not in (400, 422):
            return ""
        if failure.is_too_long or failure.is_no_model:
            return ""
        named = (f for f in NAMED if f in failure.said and f not in known and asked.route.is_direct)
        field = next(named, "")
        effort = self._facts.effort(asked.route, asked.options.effort)
        if not field and effort and EFFORT not in known:
            # No one knows all models: what was refused with it may be taken without, or with a
            # level that the refusal names.
            if other := self._facts.learn_efforts(asked.route, effort, failure.said):
                return f"the effort {effort}: sent with {other}"
            field = EFFORT
        if not field:
            return ""
        self._without[asked.route] = known | {field}
        return f"{field}: sent without it"

    async def ready(self, model: str) -> None:
        """Load what `model` needs in a thread; ask its server what it is."""
        await self._ready(resolve(model, self._settings))

    async def _ready(self, route: Route) -> None:
        facts_ready = self._facts.ready(route)
        if is_loaded(direct=route.is_direct):
            await facts_ready
        else:
            load_needed = asyncio.to_thread(load_direct if route.is_direct else load)
            await asyncio.gather(load_needed, facts_ready)
        collection.resume()  # all that a run needs is imported

    def window(self, model: str) -> int:
        return self._facts.window(resolve(model, self._settings))

    def window_is_known(self, model: str) -> bool:
        return self._facts.window_is_known(resolve(model, self._settings))

    def sees(self, model: str) -> bool:
        return self._facts.sees(resolve(model, self._settings))

    def price(self, model: str) -> tuple[float, float] | None:
        return self._facts.price(resolve(model, self._settings))

    def _most_output(self, route: Route) -> int | None:
        """Anthropic needs a number, and LiteLLM asks for 4,096 tokens of a Claude that it does
        not know."""
        if route.provider != "anthropic":
            return None
        most = self._facts.mapped(route).get("max_output_tokens")
        if not most:
            return UNKNOWN_OUTPUT
        return int(most) if route.is_direct else None

    def count_tokens(self, messages: Sequence[BaseMessage], tools: Sequence[BaseTool] = ()) -> int:
        """An estimate by cl100k of what these cost as one request."""
        return self._counter.count(messages, tools)


@dataclass(frozen=True)
class _Request:
    """What is asked, the same in every attempt."""

    route: Route
    messages: Sequence[BaseMessage]
    tools: Tools
    options: AnswerOptions


def _ignore(_: Any) -> None:
    pass


class _Shown:
    """What the user saw of an attempt: a failed one must be taken back."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._any = False

    def piece(self, piece: Piece) -> None:
        if piece.void:
            # What was shown as the answer was thinking.
            self.withdraw()
        if piece.text:
            self._any = True
            self._emit(AssistantChunk(text=piece.text, kind=piece.kind))

    def withdraw(self) -> None:
        if self._any:
            self._emit(AssistantStreamEnd(finish_reason="error", withdrawn=True))


def _without_pictures(message: BaseMessage) -> BaseMessage:
    """`message` for a model that does not see: of each picture a word that it was there."""
    if not isinstance(message.content, list):
        return message
    blocks = [
        {"type": "text", "text": "[a picture, left out]"}
        if isinstance(block, dict) and block.get("type") == "image_url"
        else block
        for block in message.content
    ]
    return message.model_copy(update={"content": blocks})
