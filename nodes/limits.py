"""Limits of a turn, and the threshold of its context."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from graph.context import AgentContext, Services
from graph.state import Turn


def limit_reached(turn: Turn, context: AgentContext) -> str:
    """Which limit ends the turn before another request, in words; "" if none does."""
    if turn.get("iterations", 0) >= context.max_iterations:
        return f"the turn used its {context.max_iterations} iterations"
    return ""


def threshold(services: Services, model: str) -> int:
    """Tokens of a request above which the history is compacted first."""
    return min(services.settings.compact_at, services.models.window(model) * 9 // 10)


def over_threshold(
    request: Sequence[BaseMessage], turn: Turn, services: Services, model: str
) -> bool:
    """Whether to compact before this request. Never twice in one iteration: what is still too
    long after a compaction is the provider's to refuse."""
    if turn.get("compacted") == turn.get("iterations"):
        return False
    tokens = services.models.count_tokens(request, list(services.tools.values()))
    return tokens > threshold(services, model)
