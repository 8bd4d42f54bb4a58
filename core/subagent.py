"""What a tool call that runs sub-agents says of each (graph/subagent.py runs them)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from langchain_core.tools import BaseTool

from core.run import Mode


class Turnstile:
    """Lets several sub-agents of one call begin in a fixed order, however long each prepares:
    LangGraph names their checkpoints by that order, and after a kill each must find its own."""

    def __init__(self, after: Optional["Turnstile"] = None) -> None:
        self._after = after
        self._passed = asyncio.Event()

    async def wait(self) -> None:
        """Until the one before has begun."""
        if self._after is not None:
            await self._after._passed.wait()

    def passed(self) -> None:
        self._passed.set()


@dataclass(frozen=True)
class Subagent:
    """A sub-agent.

    Attributes:
        tools: AgentTools by name. share: the part of what is left under the caps that it may spend.
        model: "", the cheaper. copy_of: see `SubagentRun`.
        queue: if one call runs several, its turn to begin.
    """

    prompt: str
    tools: Mapping[str, BaseTool]
    max_iterations: int
    share: float
    model: str = ""
    mode: Mode = "read-only"
    copy_of: str = ""
    queue: Turnstile | None = None
