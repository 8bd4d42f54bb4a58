"""Limits of a turn, and the threshold of its context."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from configs.instructions import system_prompt
from core.errors import ContextTooLong
from core.history import note
from core.models.tokens import at_most
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


def prompt_of(services: Services) -> str:
    """The system prompt of a run."""
    return services.inside.prompt if services.inside else system_prompt()


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


def threshold(services: Services, model: str) -> int:
    """Tokens of a request above which the history is compacted first."""
    return min(services.settings.compact_at, services.models.window(model) * 9 // 10)


#: A history needs at least so many tokens next to system prompt and tools.
LEAST_ROOM = 2000


def fixed_tokens(services: Services) -> int:
    """What every request costs before the first message: the system prompt and the tools."""
    prompt = SystemMessage(prompt_of(services))
    return services.models.count_tokens([prompt], list(services.tools.values()))


def check_room(services: Services, model: str) -> None:
    """Raise ContextTooLong if system prompt and tools leave no room for a history."""
    fixed = at_most([SystemMessage(prompt_of(services))], list(services.tools.values()))
    if threshold(services, model) - fixed < LEAST_ROOM:
        room_for_history(services, model)


def room_for_history(services: Services, model: str) -> int:
    """Tokens that the messages of a thread may have. Raises ContextTooLong where system prompt and
    tools leave none."""
    most, fixed = threshold(services, model), fixed_tokens(services)
    if most - fixed < LEAST_ROOM:
        window = services.models.window(model)
        if most == services.settings.compact_at:
            raise ContextTooLong(
                f"compact_at is too small: of {most:,} tokens, the system prompt and the tools "
                f"take {fixed:,}",
                "set compact_at higher, or leave it out",
            )
        raise ContextTooLong(
            f"the context window of {model} is too small: of {window:,} tokens, the system prompt "
            f"and the tools take {fixed:,}",
            "choose a model with a larger window, or set context_window if it is larger than that",
        )
    return most - fixed


def over_threshold(
    request: Sequence[BaseMessage], turn: Turn, services: Services, model: str
) -> bool:
    """Whether to compact before this request. Never twice in one iteration: what is still too
    long after a compaction is the provider's to refuse."""
    if turn.get("compacted") == turn.get("iterations"):
        return False
    most, tools = threshold(services, model), list(services.tools.values())
    if at_most(request, tools) <= most:
        return False  # without loading the encoder
    return services.models.count_tokens(request, tools) > most
