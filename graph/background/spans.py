"""A session's spans: one per turn, model call and tool call, named as OpenTelemetry's conventions
for generative AI have it (gen_ai.*; still in development there). Ours are `ml_agent.*`.

A sub-agent's spans are below the call that it works for: its steps run in that call's task.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from core.errors import AgentError
from core.events import Error, Event, TurnComplete
from core.model import STREAMED, Answer, AnswerOptions, ModelClient
from core.secrets.redaction import redacted, redacted_in
from core.tool import Services, ToolResult

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

#: Characters of one text that are recorded.
LONGEST = 20_000
#: Providers whose name in the conventions is another than ours.
PROVIDERS = {
    "azure": "azure.ai.openai", "bedrock": "aws.bedrock", "gemini": "gcp.gemini",
    "hf": "hugging_face", "mistral": "mistral_ai", "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai", "xai": "x_ai",
}  # fmt: skip
#: Outcomes of a call that are errors. A refusal and a stop are the user's decisions.
FAILURES = ("failed", "unknown")

_call: ContextVar[Context | None] = ContextVar("span_of_call", default=None)


class Spans:
    """Of one session. with_content: messages, arguments and results too, without secrets."""

    def __init__(self, tracer: Tracer, thread: str, *, with_content: bool) -> None:
        self._tracer = tracer
        self._thread = thread
        self._with_content = with_content
        self._turn: Span | None = None

    def around(self, services: Services) -> Services:
        """`services`, whose model calls and tool calls are recorded."""
        models = cast(ModelClient, TracedModels(services.models, self))
        return replace(services, models=models, call_span=self.tool_call)

    # --- a turn ---------------------------------------------------------------------------------

    def begin(self, model: str, mode: str, message: str) -> None:
        """A turn begins; without a `message` it continues."""
        about = {
            **self._about("invoke_agent", model),
            "gen_ai.agent.name": "ml-agent",
            "ml_agent.mode": mode,
            "ml_agent.resumed": not message,
        }
        if message and self._with_content:
            about["gen_ai.input.messages"] = _json([_said("user", message)])
        self._turn = self._tracer.start_span(
            "invoke_agent ml-agent", context=_call.get(), attributes=about
        )

    def end(self, last: Event | None, number: int, figures: Mapping[str, Any] | None) -> None:
        """The turn ended with `last`; None: it was left. `figures`: as in its last event; None:
        nothing ran."""
        span, self._turn = self._turn, None
        if span is None or (figures is None and not isinstance(last, Error)):
            return
        figures = figures or {}
        usage, cost = figures.get("usage") or {}, figures.get("cost_micro_usd")
        status = getattr(last, "status", last.name if last else "left")
        span.set_attributes({"ml_agent.turn": number, "ml_agent.turn.status": status})
        span.set_attribute("ml_agent.iterations", figures.get("iterations", 0))
        span.set_attributes(_tokens(usage.get("input"), usage.get("output"), usage.get("cached")))
        _set_cost(span, cost)
        if isinstance(last, Error):
            _fail(span, last.kind, last.message)
        elif isinstance(last, TurnComplete) and self._with_content:
            said = [_said("assistant", last.text)]
            span.set_attribute("gen_ai.output.messages", _json(said))
        span.end()

    # --- within it ------------------------------------------------------------------------------

    @contextmanager
    def tool_call(
        self, call_id: str, tool: str, arguments: Mapping[str, Any]
    ) -> Iterator[Callable[[ToolResult], None]]:
        """A call; it is told its result."""
        about = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.conversation.id": self._thread,
            "gen_ai.tool.name": tool,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call_id,
        }
        if self._with_content:
            about["gen_ai.tool.call.arguments"] = _json(dict(arguments))
        with self._span(f"execute_tool {tool}", about) as span:

            def ended(result: ToolResult) -> None:
                span.set_attribute("ml_agent.tool.outcome", result.outcome)
                _set_cost(span, result.cost_micro_usd)
                if result.outcome in FAILURES:
                    _fail(span, result.outcome, result.text if self._with_content else "")
                if self._with_content:
                    span.set_attribute("gen_ai.tool.call.result", _short(redacted(result.text)))

            yield ended

    @contextmanager
    def model_call(
        self, model: str, messages: Sequence[BaseMessage], options: AnswerOptions
    ) -> Iterator[Callable[[Answer], None]]:
        """A request to a model, with its repetitions; it is told the answer."""
        from opentelemetry.trace import SpanKind

        about = self._about("chat", model)
        if options.max_tokens:
            about["gen_ai.request.max_tokens"] = options.max_tokens
        if self._with_content:
            about["gen_ai.input.messages"] = _json(list(map(_message, _new(messages))))
        with self._span(f"chat {model}", about, SpanKind.CLIENT) as span:

            def ended(answer: Answer) -> None:
                usage: Any = answer.message.usage_metadata or {}
                details = usage.get("input_token_details") or {}
                span.set_attributes(
                    _tokens(
                        usage.get("input_tokens"),
                        usage.get("output_tokens"),
                        details.get("cache_read"),
                        (usage.get("output_token_details") or {}).get("reasoning"),
                    )
                )
                span.set_attribute("gen_ai.response.finish_reasons", [answer.finish_reason])
                _set_cost(span, answer.cost_micro_usd)
                if self._with_content:
                    said = {**_message(answer.message), "finish_reason": answer.finish_reason}
                    span.set_attribute("gen_ai.output.messages", _json([said]))

            yield ended

    @contextmanager
    def _span(self, name: str, about: dict[str, Any], kind: Any = None) -> Iterator[Span]:
        from opentelemetry.trace import SpanKind, set_span_in_context, use_span

        outer = _call.get()
        if outer is None and self._turn is not None:
            outer = set_span_in_context(self._turn)
        span = self._tracer.start_span(
            name, context=outer, kind=kind or SpanKind.INTERNAL, attributes=about
        )
        token = _call.set(set_span_in_context(span))
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield span
        except AgentError as error:
            _fail(span, error.kind, error.message)
            raise
        except asyncio.CancelledError:
            span.set_attribute("ml_agent.interrupted", True)
            raise
        finally:
            _call.reset(token)
            span.end()

    def _about(self, operation: str, model: str) -> dict[str, Any]:
        provider = model.partition("/")[0]
        return {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": PROVIDERS.get(provider, provider),
            "gen_ai.request.model": model,
            "gen_ai.conversation.id": self._thread,
        }


class TracedModels:
    """A model client whose answers are recorded; else it is `client`."""

    def __init__(self, client: ModelClient, spans: Spans) -> None:
        self._client = client
        self._spans = spans

    async def answer(
        self,
        model: str,
        messages: Sequence[BaseMessage],
        tools: Sequence[Any],
        *,
        emit: Any,
        options: AnswerOptions = STREAMED,
    ) -> Answer:
        with self._spans.model_call(model, messages, options) as ended:
            answer = await self._client.answer(model, messages, tools, emit=emit, options=options)
            ended(answer)
            return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _fail(span: Span, kind: str, message: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR, _short(redacted(message)) or None)


def _set_cost(span: Span, micro_usd: int | None) -> None:
    if micro_usd is not None:
        span.set_attribute("ml_agent.cost_usd", micro_usd / 1e6)


def _tokens(
    given: int | None, output: int | None, cached: int | None, reasoning: int | None = None
) -> dict[str, int]:
    known = {
        "gen_ai.usage.input_tokens": given,
        "gen_ai.usage.output_tokens": output,
        "gen_ai.usage.cache_read.input_tokens": cached,
        "gen_ai.usage.reasoning.output_tokens": reasoning,
    }
    return {name: number for name, number in known.items() if number is not None}


# --- content ----------------------------------------------------------------------------------


def _new(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """What came since the last answer: the rest is in the spans before."""
    answers = [at for at, message in enumerate(messages) if isinstance(message, AIMessage)]
    fresh = messages[answers[-1] + 1 :] if answers else messages
    return [message for message in fresh if message.type != "system"]


def _message(message: BaseMessage) -> dict[str, Any]:
    if isinstance(message, ToolMessage):
        part = {"type": "tool_call_response", "id": message.tool_call_id, "result": message.text}
        return {"role": "tool", "parts": [part]}
    said = _said("assistant" if isinstance(message, AIMessage) else "user", message.text)
    if isinstance(message, AIMessage):
        said["parts"] += [
            {"type": "tool_call", "id": c["id"], "name": c["name"], "arguments": c["args"]}
            for c in message.tool_calls
        ]
    return said


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _json(value: Any) -> str:
    """Without secrets; long texts end early."""
    return json.dumps(_shortened(redacted_in(value)), ensure_ascii=False, default=str)


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
