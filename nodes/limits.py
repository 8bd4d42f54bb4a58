"""What ends a turn before another request, and the model that answers in it."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from core.history import note
from core.state import Turn
from core.tool import AgentContext, Services
from nodes.budget import dollars

#: What a sub-agent is told before a limit ends it...
LAST = (
    "This is your last answer: {why}. Write the report now, from what you have found; calls will "
    "not run any more."
)
#: ...once so much of its slice of the budget is spent.
NEARLY = 0.75


def limit_reached(turn: Turn, context: AgentContext) -> str:
    """Which limit ends the turn before another request, in words; "" if none does."""
    if turn.get("iterations", 0) >= context.max_iterations:
        return f"the turn used its {context.max_iterations} iterations"
    cost, most = turn.get("cost_micro_usd"), turn.get("slice")
    if cost and most is not None and cost >= most:
        return f"it spent {dollars(cost)}, its slice of the budget was {dollars(most)}"
    return ""


def closing_words(
    turn: Turn, context: AgentContext, services: Services, messages: Sequence[BaseMessage]
) -> list[HumanMessage]:
    """The note that makes a sub-agent report before a limit ends it; [] while none is due."""
    if services.inside is None:
        return []
    cost, most = turn.get("cost_micro_usd"), turn.get("slice")
    if turn.get("iterations", 0) == context.max_iterations - 1:
        why = "your steps are used up"
    elif cost and most is not None and cost >= most * NEARLY:
        why = "your budget is used up"
    else:
        return []
    told = note(LAST.format(why=why), f"last-{services.inside.call_id}")
    return [] if any(m.id == told.id for m in messages) else [told]


def model_of(turn: Turn, context: AgentContext, services: Services) -> str:
    """Which model answers: the fallback that took over in this turn, else the run's."""
    return turn.get("model", "") or context.model or services.settings.model_name
