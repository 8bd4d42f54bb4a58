"""From LangGraph's stream to our events, in the promised order.

Nodes send every event through the stream writer; a node that runs again after a resume sends
its events again, so that they are told apart here by id and state.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt

from core.events import Event, from_dict
from core.state import AgentState
from core.tool import AgentContext
from graph.event_filter import Seen

Graph = CompiledStateGraph[AgentState, AgentContext, AgentState, AgentState]
#: What the graph runs with. None: it continues where it was cut off.
GraphInput = AgentState | Command[Any] | None

#: LangGraph counts supersteps; we count iterations ourselves (AgentContext.max_iterations).
RECURSION_LIMIT = 1_000_000
#: Told when a run has ended by itself: the state's values, and the interrupts that wait.
Ended = Callable[[dict[str, Any], Sequence[Interrupt]], None]


async def events_of(
    app: Graph,
    graph_input: GraphInput,
    config: RunnableConfig,
    context: AgentContext,
    seen: Seen,
    ended: Ended,
) -> AsyncGenerator[Event, None]:
    """Run the compiled graph in the thread that `config` names, and yield what its nodes tell.

    Interrupts are not events here: the caller takes them from `ended`, since an
    `approval_required` is the last event of its turn.
    """
    values: dict[str, Any] = {}
    interrupts: Sequence[Interrupt] = ()
    async for within, mode, data in app.astream(
        graph_input,
        {**config, "recursion_limit": RECURSION_LIMIT},
        context=context,
        stream_mode=["custom", "values"],
        subgraphs=True,
        durability="sync",
    ):
        # A sub-agent's steps are told by its call, in lines.
        if within or not isinstance(data, dict):
            continue
        if mode == "values":
            values, interrupts = data, data.get("__interrupt__", interrupts)
        elif "event" in data:
            event = from_dict(data)
            if seen.is_new(event) and not seen.comes_late(event):
                yield event
    if values:
        ended({k: v for k, v in values.items() if k != "__interrupt__"}, interrupts)
