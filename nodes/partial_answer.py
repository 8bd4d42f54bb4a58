"""What was shown of an answer, so that an interrupt keeps it."""

from langchain_core.messages import AIMessage, BaseMessage

from core.durable import Scope
from core.events import AssistantChunk, AssistantStreamEnd, Emit, Event
from core.state import OURS
from core.tool import Services
from nodes.budget import book
from nodes.ids import new_message_id
from nodes.step import Step


class Partial:
    """Remembers what was shown of an answer, so that an interrupt keeps it."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._text: list[str] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, AssistantChunk) and event.kind == "answer":
            self._text.append(event.text)
        elif isinstance(event, AssistantStreamEnd) and event.withdrawn:
            self._text.clear()
        self._emit(event)

    def message(self) -> list[AIMessage]:
        """What was shown, as a message; [] where nothing was."""
        text = "".join(self._text)
        if not text.strip():
            return []
        kept = {OURS: {"outcome": "interrupted"}}
        return [AIMessage(content=text, id=new_message_id(), additional_kwargs=kept)]


async def keep_partial(
    step: Step, model: str, request: list[BaseMessage], partial: Partial, scope: Scope
) -> tuple[list[AIMessage], int | None]:
    """(what was shown of an answer that was stopped, what it cost, roughly). The cost is booked."""
    services = step.services
    step.emit(AssistantStreamEnd(finish_reason="interrupted"))
    shown = partial.message()
    tokens = services.models.count_tokens(request, list(services.tools.values()))
    cost = estimate(services, model, tokens, shown[0].text if shown else "")
    await book(services, cost, scope)
    return shown, cost


def estimate(services: Services, model: str, tokens_in: int, text_out: str) -> int | None:
    """What a request that was cut off cost, roughly; None where the price is not known."""
    price = services.models.price(model)
    if price is None:
        return None
    return round(tokens_in * price[0] + len(text_out) / 4 * price[1])
