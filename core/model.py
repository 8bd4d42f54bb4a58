"""The model as nodes see it: who answers, and what an answer is. core/models/ implements it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool

from core.events import Emit


@dataclass(frozen=True)
class BadCall:
    """A tool call of an answer that must never run: `call_id` as it is in the message,
    `reason` for the model ("arguments were cut off", "arguments are not JSON object: ...")."""

    call_id: str
    reason: str


@dataclass
class Answer:
    """One answer of the model.

    Attributes:
        message: content, tool calls (ids as the provider gave them), usage_metadata, thinking.
            Ready to be stored: plain types, nothing duplicated, arguments always an object.
        finish_reason: stop, tool_calls, length, content_filter, ...
        bad_calls: calls of the message whose arguments are not what the model wrote.
        cost_micro_usd: None when the price is unknown.
        problem: why it is not an answer to continue from (filter, refusal, a call as text);
            "" if it is one. hint: what to do about that.
    """

    message: AIMessage
    finish_reason: str
    bad_calls: tuple[BadCall, ...] = ()
    cost_micro_usd: int | None = None
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True)
class AnswerOptions:
    """How an answer is asked for.

    Attributes:
        stream: as it comes. max_tokens: of the answer; None: the model's own limit.
        effort: how much a model that can reason should reason (none, low, high, ...); auto: it
            does, if it reasons only when asked; "": as the provider has it.
    """

    stream: bool = True
    max_tokens: int | None = None
    effort: str = ""


STREAMED = AnswerOptions()


class ModelClient(Protocol):
    """Asks models. Attempts, pauses and classification are inside; see core/models/client.py."""

    async def answer(
        self,
        model: str,
        messages: Sequence[BaseMessage],
        tools: Sequence[BaseTool],
        *,
        emit: Emit,
        options: AnswerOptions = STREAMED,
    ) -> Answer:
        """One answer to `messages` (system message first).

        Emits assistant_chunk while it streams, assistant_stream_end(withdrawn=True) when a
        shown attempt is void, and tool_log for a pause before another attempt. Does not emit
        the closing assistant_stream_end. Cancelling it closes the connection.
        Raises ModelError.
        """

    async def ready(self, model: str) -> None:
        """Load what the methods below need for `model`, without holding up the event loop."""

    def window(self, model: str) -> int:
        """The model's context window in tokens."""

    def window_is_known(self, model: str) -> bool:
        """False: `window` is a cautious guess."""

    def sees(self, model: str) -> bool:
        """Whether the model takes pictures."""

    def price(self, model: str) -> tuple[float, float] | None:
        """Micro-USD per token of input and of output; None if it is not known."""

    def count_tokens(self, messages: Sequence[BaseMessage], tools: Sequence[BaseTool] = ()) -> int:
        """An estimate (cl100k) of what these cost as a request, in tokens."""
