"""Asks the model for one answer: again if it is empty, the fallback if it is unavailable."""

from langchain_core.messages import BaseMessage, HumanMessage

from core.events import AssistantStreamEnd, ToolLog
from core.model import Answer, AnswerOptions
from core.model_errors import (
    ModelError,
    ModelUnavailable,
    NotAuthenticated,
    PaymentRequired,
    UnknownModel,
)
from core.models.effort import AUTO
from nodes.nudges import ONLY_THOUGHT
from nodes.partial_answer import Partial
from nodes.step import Step

#: Empty answers in a row that are asked again.
MAX_EMPTY = 3
#: Where an answer's thinking is kept.
THINKING = {"reasoning_content", "thinking_blocks", "reasoning_details"}
#: What another model may not have: this one's trouble, not the request's.
UNAVAILABLE = (ModelUnavailable, PaymentRequired, NotAuthenticated, UnknownModel)


async def ask_model(
    step: Step, model: str, request: list[BaseMessage], partial: Partial
) -> tuple[Answer, str]:
    """(the answer, the model that gave it): the fallback's if `model` is unavailable. Raises
    ModelError."""
    services = step.services
    try:
        return await _answer(step, model, request, partial), model
    except UNAVAILABLE as error:
        other = step.context.fallback_model or services.settings.fallback_model
        if not other or other == model:
            raise
        said = f"{error.message}; {other} replaces it for this turn"
        partial.emit(ToolLog(id="", tool="model", text=said))
        await services.models.ready(other)
        try:
            return await _answer(step, other, request, partial), other
        except ModelError as second:
            second.message = f"{error.message}; and the fallback: {second.message}"
            raise


async def _answer(step: Step, model: str, request: list[BaseMessage], partial: Partial) -> Answer:
    services, context, thought = step.services, step.context, False
    for _ in range(MAX_EMPTY):
        answer = await services.models.answer(
            model,
            request,
            list(services.tools.values()),
            emit=partial.emit,
            options=AnswerOptions(
                context.stream, effort=context.effort or services.settings.effort or AUTO
            ),
        )
        if answer.message.tool_calls or answer.message.text.strip() or answer.problem:
            return answer
        if answer.finish_reason == "length":
            # Its thinking used up the limit; no provider takes an empty message back.
            answer.message.content = "[cut off before anything was said]"
            return answer
        partial.emit(AssistantStreamEnd(finish_reason=answer.finish_reason, withdrawn=True))
        if not thought and THINKING & set(answer.message.additional_kwargs):
            thought = True
            request = [*request, HumanMessage(ONLY_THOUGHT)]
    what = "only thought and said nothing" if thought else "answered with nothing"
    raise ModelUnavailable(f"the model {what}, {MAX_EMPTY} times", attempts=MAX_EMPTY)
