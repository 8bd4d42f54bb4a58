"""What the next request of a thread would hold, in tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, SystemMessage

from core.tool import Services
from nodes.context_room import prompt_of, threshold


@dataclass(frozen=True)
class ContextUse:
    """Tokens of the next request, by cl100k: what is in it, and what it may hold before the
    history is compacted. `tools`: by name, the largest first."""

    window: int
    window_is_known: bool
    threshold: int
    prompt: int
    tools: dict[str, int]
    messages: int

    @property
    def fixed(self) -> int:
        return self.prompt + sum(self.tools.values())

    @property
    def total(self) -> int:
        return self.fixed + self.messages


def context_use(services: Services, model: str, messages: Sequence[BaseMessage]) -> ContextUse:
    """What the next request of a thread would hold."""
    models = services.models
    each = {name: models.count_tokens([], [tool]) for name, tool in services.tools.items()}
    return ContextUse(
        window=models.window(model),
        window_is_known=models.window_is_known(model),
        threshold=threshold(services, model),
        prompt=models.count_tokens([SystemMessage(prompt_of(services))]),
        tools=dict(sorted(each.items(), key=lambda item: -item[1])),
        messages=models.count_tokens(messages),
    )
