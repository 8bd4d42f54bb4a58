"""What LangGraph takes a conditional edge as."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.types import Send

from core.state import AgentState

#: The node that is next, or a task for each call.
Next = str | list[Send]


class Route(Runnable[AgentState, Next]):
    """A condition as LangGraph takes one. It would call a coroutine in another task, a plain
    function in another thread, and tell callbacks of both; this is only called."""

    def __init__(self, decide: Callable[[AgentState], Next]) -> None:
        # LangGraph reads from the signature which state it is given.
        update_wrapper(self, decide)
        self.name = decide.__name__
        self._decide = decide

    def __call__(self, state: AgentState) -> Next:
        return self._decide(state)

    def invoke(self, input: AgentState, config: RunnableConfig | None = None, **_: Any) -> Next:
        return self._decide(input)

    async def ainvoke(
        self, input: AgentState, config: RunnableConfig | None = None, **_: Any
    ) -> Next:
        return self._decide(input)
