"""The least that an agent on LangGraph can be: the bare loop as a graph of our shape, with a
checkpointer.

What it costs more than `bare_loop.py` is LangGraph's and the database's own; no work of ours can
go below it. `python bare_graph.py TASK`; OPENAI_BASE_URL and OPENAI_API_KEY say where the model is.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

import httpx
from bare_loop import BASH, SYSTEM, run  # found next to this file, which is run as a script
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send


def append(current: list[Any], writes: list[dict[str, Any]]) -> list[Any]:
    """The messages so far, with those that were written."""
    return [*current, *(message for write in writes for message in write["new"])]


class State(TypedDict):
    history: Annotated[list[Any], DeltaChannel(append, snapshot_frequency=5000)]


class Task(TypedDict):
    call: dict[str, Any]


async def main() -> None:
    key = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    url = os.environ["OPENAI_BASE_URL"]
    async with (
        httpx.AsyncClient(base_url=url, headers=key, timeout=600) as client,
        AsyncSqliteSaver.from_conn_string(str(Path.home() / "graph.db")) as saver,
    ):

        async def call_model(state: State) -> dict[str, Any]:
            body = {"model": "stand-in", "messages": state["history"], "tools": [BASH]}
            answer = (await client.post("chat/completions", json=body)).raise_for_status().json()
            return {"history": {"new": [answer["choices"][0]["message"]]}}

        async def execute_tools(task: Task) -> dict[str, Any]:
            return {"history": {"new": [await asyncio.to_thread(run, task["call"])]}}

        async def after_call_model(state: State) -> Any:
            calls = state["history"][-1].get("tool_calls")
            return [Send("execute_tools", {"call": call}) for call in calls or ()] or END

        builder = StateGraph(State)
        builder.add_node("call_model", call_model)
        builder.add_node("execute_tools", execute_tools, input_schema=Task)
        builder.add_edge(START, "call_model")
        builder.add_conditional_edges("call_model", after_call_model, ["execute_tools", END])
        builder.add_edge("execute_tools", "call_model")
        task = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": sys.argv[1]}]
        async for _ in builder.compile(checkpointer=saver).astream(
            {"history": {"new": task}},
            {"configurable": {"thread_id": "one"}, "recursion_limit": 1_000_000},
            stream_mode="updates",
            durability="sync",
        ):
            pass


if __name__ == "__main__":
    asyncio.run(main())
