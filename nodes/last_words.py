"""A sub-agent reports before a limit ends it."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from core.history import note
from core.state import Turn
from core.tool import AgentContext, Services

#: What a sub-agent is told before a limit ends it...
LAST = (
    "This is your last answer: {why}. Write the report now, from what you have found; calls will "
    "not run any more."
)
#: ...once so much of its slice of the budget is spent.
NEARLY = 0.75


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
