"""What ends a turn before another request, and the model that answers in it."""

from core.state import Turn
from core.tool import AgentContext, Services
from nodes.budget import dollars


def limit_reached(turn: Turn, context: AgentContext) -> str:
    """Which limit ends the turn before another request, in words; "" if none does."""
    if turn.get("iterations", 0) >= context.max_iterations:
        return f"the turn used its {context.max_iterations} iterations"
    cost, most = turn.get("cost_micro_usd"), turn.get("slice")
    if cost and most is not None and cost >= most:
        return f"it spent {dollars(cost)}, its slice of the budget was {dollars(most)}"
    return ""


def model_of(turn: Turn, context: AgentContext, services: Services) -> str:
    """Which model answers: the fallback that took over in this turn, else the run's."""
    return turn.get("model", "") or context.model or services.settings.model_name
