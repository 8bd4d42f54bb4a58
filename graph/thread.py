"""Threads as their history tells them: reading a conversation without driving it."""

from typing import Any

from langchain_core.messages import AnyMessage

from core.store import Store
from graph.agent import build_graph
from graph.decisions import requests_of


async def read_thread(store: Store, thread: str) -> list[AnyMessage]:
    """The messages of `thread` as it stands now, oldest first; [] for one without any.

    Compacted parts appear as their summary: earlier checkpoints keep the full text.
    """
    app = build_graph().compile(checkpointer=await store.saver())
    state = await app.aget_state({"configurable": {"thread_id": thread}})
    return list(state.values.get("messages", []))


async def read_pending(store: Store, thread: str) -> list[dict[str, Any]]:
    """The approval requests that wait in `thread`, as `requests_of` has them."""
    app = build_graph().compile(checkpointer=await store.saver())
    state = await app.aget_state({"configurable": {"thread_id": thread}})
    return requests_of(state.interrupts)
