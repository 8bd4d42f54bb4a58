"""From LangGraph's stream to our events, in the promised order.

Nodes send every event through the stream writer; a node that runs again after a resume sends
its events again, so that they are told apart here by id and state.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt

from core.events import (
    AssistantMessage,
    Error,
    Event,
    Processing,
    ToolCall,
    ToolLog,
    ToolOutput,
    ToolStateChange,
    TurnComplete,
    from_dict,
)
from core.secrets.redaction import redacted, redacted_in
from core.state import AgentState
from core.tool import AgentContext

Graph = CompiledStateGraph[AgentState, AgentContext, AgentState, AgentState]
#: What the graph runs with. None: it continues where it was cut off.
GraphInput = AgentState | Command[Any] | None

#: LangGraph counts supersteps; we count iterations ourselves (AgentContext.max_iterations).
RECURSION_LIMIT = 1_000_000


class Seen:
    """What this session has told already, so that a repeated node does not tell it twice."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, ...]] = set()

    def is_new(self, event: Event) -> bool:
        match event:
            case Processing():
                key: tuple[str, ...] = (event.name, str(event.number))
            case ToolCall() | ToolOutput():
                key = (event.name, event.id)
            case ToolStateChange():
                key = (event.name, event.id, event.state, event.url)
            case _:
                return True
        if key in self._keys:
            return False
        self._keys.add(key)
        return True

    def comes_late(self, event: Event) -> bool:
        """A line of a call that has already answered: a tail that was still being read."""
        return isinstance(event, ToolLog) and ("tool_output", event.id) in self._keys


def without_secrets(event: Event) -> Event:
    """What is told about a call, an answer or an error, without secrets. The calls themselves and
    the state keep the model's own words; nodes/approval.py cleans what it asks for."""
    match event:
        case ToolCall():
            return replace(event, arguments=redacted_in(event.arguments))
        case AssistantMessage() | TurnComplete():
            return replace(event, text=redacted(event.text))
        case Error():
            return replace(event, message=redacted(event.message))
    return event


@dataclass(frozen=True)
class Run:
    """What is run: the compiled graph on `graph_input`, in the thread that `config` names."""

    app: Graph
    graph_input: GraphInput
    config: RunnableConfig
    context: AgentContext


#: Told when a run has ended by itself: the state's values, and the interrupts that wait.
Ended = Callable[[dict[str, Any], Sequence[Interrupt]], None]


async def events_of(run: Run, seen: Seen, ended: Ended) -> AsyncGenerator[Event, None]:
    """Run the graph and yield what its nodes tell.

    Interrupts are not events here: the caller takes them from `ended`, since an
    `approval_required` is the last event of its turn.
    """
    values: dict[str, Any] = {}
    interrupts: Sequence[Interrupt] = ()
    async for within, mode, data in run.app.astream(
        run.graph_input,
        {**run.config, "recursion_limit": RECURSION_LIMIT},
        context=run.context,
        stream_mode=["custom", "updates", "values"],
        subgraphs=True,
        durability="sync",
    ):
        # A sub-agent's steps are told by its call, in lines.
        if within or not isinstance(data, dict):
            continue
        if mode == "values":
            values = data
        elif mode == "updates":
            interrupts = data.get("__interrupt__", interrupts)
        elif "event" in data:
            event = from_dict(data)
            if seen.is_new(event) and not seen.comes_late(event):
                yield event
    if values:
        ended({k: v for k, v in values.items() if k != "__interrupt__"}, interrupts)
