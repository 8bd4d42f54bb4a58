"""The chat model: ChatLiteLLM behind our own attempts, errors and strictness."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.tools import BaseTool

from configs.settings import Settings
from graph.context import Answer
from graph.errors import ModelError
from graph.events import AssistantChunk, AssistantStreamEnd, Emit, ToolLog
from graph.models.assemble import answer_of, from_chunks, without_pictures
from graph.models.attempts import pause_after
from graph.models.catalogue import Route, resolve
from graph.models.errors import StreamCut, classify, raised
from graph.models.facts import Facts
from graph.models.loading import load
from graph.models.tokens import TokenCounter, tool_specs
from graph.models.words import without

log = logging.getLogger(__name__)

#: Most tokens of an answer of a Claude that LiteLLM's map does not have yet. Anthropic wants a
#: number, and LiteLLM's own of 4096 cuts a file in the middle.
UNKNOWN_OUTPUT = 32_000


class LiteLLMClient:
    """`graph.context.ModelClient` over any provider that LiteLLM reaches.

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
        #: Routes that refused an effort of reasoning.
        self._without_effort: set[Route] = set()
        self._models: dict[Route, Any] = {}

    async def answer(
        self,
        model: str,
        messages: Sequence[BaseMessage],
        tools: Sequence[BaseTool],
        *,
        emit: Emit,
        stream: bool = True,
        max_tokens: int | None = None,
        effort: str = "",
    ) -> Answer:
        """One answer; see `ModelClient.answer`. Raises ModelError."""
        route = resolve(model, self._settings)
        route.check()
        await self.ready(model)
        options: dict[str, Any] = {}
        if tools:
            options["tools"] = tool_specs(tools)
        most = max_tokens or self._most_output(route)
        if most:
            options["max_tokens"] = most
        if any(isinstance(m.content, list) for m in messages) and not self.sees(model):
            messages = [without_pictures(m) for m in messages]
        options |= self._effort(route, effort)
        began, made = self._clock(), 0
        while True:
            made += 1
            shown = _Shown(emit if stream else _nobody)
            try:
                return await self._attempt(route, list(messages), options, shown, stream)
            except ModelError:
                raise
            except Exception as error:
                # Everything a provider or the library can raise ends here, classified.
                told = without(traceback.format_exc(), route.api_key)
                log.debug("attempt %d failed\n%s", made, told)
                shown.withdraw()
                failure = classify(error, route.api_key)
                if failure.status in (400, 422) and options.pop("reasoning_effort", None):
                    # Nobody knows all models: what was refused with it may be taken without.
                    self._without_effort.add(route)
                    said = f"{route.id} may not take an effort of reasoning: asked without"
                    emit(ToolLog(id="", tool="model", text=f"{said} ({failure.said})"))
                    continue
                pause = pause_after(failure, made, self._clock() - began, **self._jitter)
                if pause is None:
                    # Not `from error`: a provider's words may quote the key.
                    raise raised(error, failure, route, made) from None
                words = f"{failure.said}; attempt {made + 1} in {pause:.0f} s"
                emit(ToolLog(id="", tool="model", text=words))
                await self._sleep(pause)

    async def _attempt(
        self,
        route: Route,
        messages: list[BaseMessage],
        options: dict[str, Any],
        shown: _Shown,
        stream: bool,
    ) -> Answer:
        chat = self._chat(route)
        if not stream:
            # ainvoke may stream inside where LangGraph listens; a plain request is meant.
            whole: AIMessage = await chat.ainvoke(messages, stream=False, **options)
            return self._priced(route, answer_of(whole, priced=self._facts.is_list_price(route)))
        chunks: list[AIMessageChunk] = []
        async for chunk in chat.astream(messages, **options):
            chunks.append(chunk)
            shown.chunk(chunk)
        if chat.ended_early():
            raise StreamCut("the stream ended without a finish reason")
        answer = answer_of(from_chunks(chunks), priced=self._facts.is_list_price(route))
        return self._priced(route, answer)

    def _effort(self, route: Route, effort: str) -> dict[str, Any]:
        """The option that makes a model think so much, where it can."""
        if not effort or route in self._without_effort or self._facts.thinks(route) is False:
            return {}
        return {"reasoning_effort": effort}

    def _priced(self, route: Route, answer: Answer) -> Answer:
        """`answer` with its cost by the price of whoever served it."""
        price, used = self._facts.price(route), answer.message.usage_metadata
        if answer.cost_micro_usd is None and price is not None and used:
            cost = used["input_tokens"] * price[0] + used["output_tokens"] * price[1]
            return replace(answer, cost_micro_usd=round(cost))
        return answer

    def _chat(self, route: Route) -> Any:
        """A model object for one request: a copy, since it remembers its stream."""
        if route not in self._models:
            self._models[route] = load().ChatModel(
                model=route.litellm_model,
                api_base=route.base_url or None,
                api_key=route.api_key or None,
                request_timeout=self._settings.request_timeout,
                model_kwargs={**_marks(route), **self._billing(route)},
            )
        return self._models[route].model_copy()

    def _billing(self, route: Route) -> dict[str, Any]:
        """Who pays the Hugging Face router, where it is not the token's owner."""
        if route.provider != "hf" or not self._settings.bill_to:
            return {}
        return {"extra_headers": {"X-HF-Bill-To": self._settings.bill_to}}

    async def ready(self, model: str) -> None:
        """Import litellm in a thread, if nobody has yet; ask the model's server what it is."""
        route = resolve(model, self._settings)
        await asyncio.gather(asyncio.to_thread(load), self._facts.ready(route))

    def window(self, model: str) -> int:
        return self._facts.window(resolve(model, self._settings))

    def window_is_known(self, model: str) -> bool:
        return self._facts.window_is_known(resolve(model, self._settings))

    def sees(self, model: str) -> bool:
        return self._facts.sees(resolve(model, self._settings))

    def price(self, model: str) -> tuple[float, float] | None:
        return self._facts.price(resolve(model, self._settings))

    def _most_output(self, route: Route) -> int | None:
        """What to ask for where LiteLLM would ask for too little."""
        if route.provider != "anthropic" or self._facts.mapped(route):
            return None
        return UNKNOWN_OUTPUT

    def count_tokens(self, messages: Sequence[BaseMessage], tools: Sequence[BaseTool] = ()) -> int:
        """An estimate by cl100k of what these cost as one request."""
        return self._counter.count(messages, tools)


def _marks(route: Route) -> dict[str, Any]:
    """Cache marks, for the providers that cache only what is marked: the system prompt with
    the tools before it, and the newest message."""
    if "claude" not in route.litellm_model and route.provider != "anthropic":
        return {}
    points = [{"location": "message", "role": "system"}, {"location": "message", "index": -1}]
    return {"cache_control_injection_points": points}


def _nobody(_: Any) -> None:
    pass


class _Shown:
    """What a person saw of an attempt: a failed one must be taken back."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._any = False

    def chunk(self, chunk: AIMessageChunk) -> None:
        thought = chunk.additional_kwargs.get("reasoning_content")
        if thought:
            self._any = True
            self._emit(AssistantChunk(text=str(thought), kind="thinking"))
        text = chunk.text
        if text:
            self._any = True
            self._emit(AssistantChunk(text=text))

    def withdraw(self) -> None:
        if self._any:
            self._emit(AssistantStreamEnd(finish_reason="error", withdrawn=True))
