"""The room of a model's context: what is fixed in it, when a history is compacted, what is left."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache

from langchain_core.messages import BaseMessage, SystemMessage

from configs.instructions import system_prompt
from core.events import ToolLog
from core.model_errors import ContextTooLong
from core.models.advice import how_to_enlarge, window_note
from core.models.tokens import UNKNOWN, at_most, fit, newest_count
from core.state import AgentState, TokenCount, Turn
from core.store.noted import is_first_time
from core.tool import Services
from nodes.step import Step

#: A history needs at least so many tokens next to system prompt and tools.
LEAST_ROOM = 2000


def prompt_of(services: Services) -> str:
    """The system prompt of a run."""
    return services.inside.prompt if services.inside else system_prompt()


def prompt_message(services: Services) -> SystemMessage:
    """The first message of each request: the same object, of which much is remembered."""
    return _as_message(prompt_of(services))


@lru_cache(maxsize=8)
def _as_message(prompt: str) -> SystemMessage:
    return SystemMessage(prompt)


def threshold(services: Services, model: str) -> int:
    """Tokens of a request above which the history is compacted first."""
    return min(services.settings.compact_at, services.models.window(model) * 9 // 10)


def fixed_tokens(services: Services) -> int:
    """What every request costs before the first message: the system prompt and the tools."""
    return services.models.count_tokens([prompt_message(services)], list(services.tools.values()))


def _check_room(services: Services, model: str) -> None:
    """Raise ContextTooLong if system prompt and tools leave no room for a history."""
    fixed = at_most([prompt_message(services)], list(services.tools.values()))
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
            f"choose a model with a larger window, or make it larger: "
            f"{how_to_enlarge(model, services.settings)}; if it is larger than that, set "
            "context_window",
        )
    return most - fixed


def over_threshold(
    request: Sequence[BaseMessage], state: AgentState, turn: Turn, services: Services, model: str
) -> bool:
    """Whether to compact before this request. Never twice in one iteration: what is still too
    long after a compaction is the provider's to refuse. `state`: whose token count is known.
    Raises ContextTooLong where a turn begins and nothing but a larger window helps."""
    if turn["iterations"] == 0:
        _check_room(services, model)
    if turn.get("compacted") == turn.get("iterations"):
        return False
    most, tools = threshold(services, model), list(services.tools.values())
    # Mostly certain without a count of all; at times without loading the encoder.
    known = state.get("token_count", UNKNOWN)
    return (
        not fit(request, tools, most, known) and services.models.count_tokens(request, tools) > most
    )


def counted(request: Sequence[BaseMessage], state: AgentState) -> dict[str, TokenCount]:
    """The update that keeps the count of this request's history, if it tells more than the last."""
    known = state.get("token_count", UNKNOWN)
    newest = newest_count(request, known)
    return {} if newest is known else {"token_count": newest}


async def warn_of_window(step: Step, model: str) -> None:
    """Never a silent guess: the window decides when the history is cut. Once per model."""
    models, settings = step.services.models, step.services.settings
    window, is_known = models.window(model), models.window_is_known(model)
    said = window_note(model, window, is_known, settings)
    # A small one that became smaller is told again.
    what = f"the window of {model}{f' is {window}' if is_known else ''}"
    if not said:
        return
    if await asyncio.to_thread(is_first_time, settings.state_path(), what):
        step.emit(ToolLog(id="", tool="model", text=said))
