"""A run of the graph, and what its nodes tell, in the promised order.

Nodes send every event through `nodes.step.emit_of`; a node that runs again after a resume sends its
events again, so that they are told apart here by id and state.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt

from core.events import Event
from core.state import AgentState
from core.tool import AgentContext
from graph.event_filter import Seen
from graph.event_queue import EventQueue

Graph = CompiledStateGraph[AgentState, AgentContext, AgentState, AgentState]
#: What the graph runs with. None: it continues where it was cut off.
GraphInput = AgentState | Command[Any] | None

#: LangGraph counts supersteps; we count iterations ourselves (AgentContext.max_iterations).
RECURSION_LIMIT = 1_000_000
#: Told when a run has ended by itself.
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
    services, told = context.services, EventQueue()
    assert services is not None
    services.tell = told.put
    steps = app.astream(
        graph_input,
        {**config, "recursion_limit": RECURSION_LIMIT},
        context=context,
        stream_mode="values",
        durability="sync",
    )
    try:
        async with aclosing(told.of(steps)) as events:
            async for event in events:
                if seen.is_new(event) and not seen.comes_late(event):
                    yield event
    finally:
        services.tell = None
    if told.values:
        ended({k: v for k, v in told.values.items() if k != "__interrupt__"}, told.interrupts)
