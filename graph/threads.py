"""Threads as their history tells them: reading a conversation without driving it."""

from __future__ import annotations

from langchain_core.messages import AnyMessage

from graph.agent import build_graph
from graph.store import Store


async def read_thread(store: Store, thread: str) -> list[AnyMessage]:
    """The messages of `thread` as it stands now, oldest first; [] for one without any.

    Compacted parts appear as their summary: earlier checkpoints keep the full text.
    """
    app = build_graph().compile(checkpointer=await store.saver())
    state = await app.aget_state({"configurable": {"thread_id": thread}})
    return list(state.values.get("messages", []))
