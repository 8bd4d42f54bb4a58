"""LangGraph's saver as we run it: writes that end, and messages that grow a file in a line."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from configs.settings import Settings
from core.state import AgentState
from core.store import open_store
from core.store.checkpoints.saver import GroupedSaver
from tests.core.store.fresh import run

CONFIG: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}, "recursion_limit": 9999}


def loop(steps: int) -> StateGraph[Any, Any, Any, Any]:
    """So many iterations of one answer and one result of two kilobytes each."""

    def step(state: AgentState) -> dict[str, Any]:
        n = len(state["messages"])
        call = {"name": "bash", "args": {"command": f"echo {n}"}, "id": f"c{n}"}
        return {
            "messages": [
                AIMessage("", tool_calls=[call], id=f"a{n}"),
                ToolMessage(f"{n} " + "y" * 2000, tool_call_id=f"c{n}", id=f"r{n}"),
            ]
        }

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(AgentState)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges(
        "step", lambda s: END if len(s["messages"]) > 2 * steps else "step", ["step", END]
    )
    return graph


async def drive(
    graph: StateGraph[Any, Any, Any, Any], settings: Settings, thread: str = "t"
) -> list[str]:
    config: Any = {**CONFIG, "configurable": {"thread_id": thread}}
    async with await open_store(settings) as store:
        app = graph.compile(checkpointer=await store.saver())
        await app.ainvoke({"messages": [HumanMessage("go", id="h")]}, config)
        state = await app.aget_state(config)
        return [m.id for m in state.values["messages"]]


async def test_twice_the_iterations_are_twice_the_space(settings: Settings) -> None:
    sizes = [0]
    for steps in (300, 600):
        ids = await drive(loop(steps), settings, str(steps))
        assert len(set(ids)) == 2 * steps + 1
        async with await open_store(settings) as store:
            sizes.append(await store.size())
    first, second = (after - before for before, after in pairwise(sizes))
    assert second <= 2.1 * first
    assert second < 5 * 600 * 2200


async def test_a_fresh_process_reads_the_same_messages(settings: Settings) -> None:
    ids = await drive(loop(40), settings)
    code = """
    import json
    from langgraph.graph import START, StateGraph
    from core.state import AgentState
    async def main():
        async with await open_store(settings) as store:
            graph = StateGraph(AgentState)
            graph.add_node("step", lambda state: {})
            graph.add_edge(START, "step")
            app = graph.compile(checkpointer=await store.saver())
            state = await app.aget_state({"configurable": {"thread_id": "t"}})
            print(json.dumps([m.id for m in state.values["messages"]]))
    asyncio.run(main())
    """
    assert json.loads(run(code, settings)) == ids


async def test_results_of_parallel_calls_keep_their_order(settings: Settings) -> None:
    """Those that end last were asked first; the history is in the order of asking."""

    async def work(task: dict[str, int]) -> dict[str, Any]:
        for _ in range(20 - task["n"]):
            await asyncio.sleep(0)
        return {"messages": [ToolMessage(str(task["n"]), tool_call_id="c", id=f"r{task['n']:02}")]}

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(AgentState)
    graph.add_node("fan", lambda state: {})
    graph.add_node("work", work)  # type: ignore[type-var]
    graph.add_edge(START, "fan")
    graph.add_conditional_edges("fan", lambda s: [Send("work", {"n": n}) for n in range(20)])
    wanted = ["h", *(f"r{n:02}" for n in range(20))]
    assert await drive(graph, settings) == wanted
    async with await open_store(settings) as store:
        app = graph.compile(checkpointer=await store.saver())
        assert [m.id for m in (await app.aget_state(CONFIG)).values["messages"]] == wanted


@pytest.mark.parametrize("name", ["aput", "aput_writes"])
def test_the_signatures_are_langgraphs(name: str) -> None:
    """LangGraph drops `task_path`, and with it the order, if it does not find the name."""
    ours = inspect.signature(getattr(GroupedSaver, name)).parameters
    assert list(ours) == list(inspect.signature(getattr(AsyncSqliteSaver, name)).parameters)


@pytest.mark.parametrize("yields", range(12))
async def test_a_write_that_is_cancelled_still_ends(settings: Settings, yields: int) -> None:
    async with await open_store(settings) as store, await open_store(settings) as other:
        await cancelled_writes(await store.saver(), yields)
        # Another connection writes at once: no transaction was left open.
        async with asyncio.timeout(20):
            for each in (other, store):
                await (await each.saver()).aput(CONFIG, empty_checkpoint(), {}, {})
                await each.database.flush()


async def cancelled_writes(saver: Any, yields: int) -> None:
    stored = await saver.aput(CONFIG, empty_checkpoint(), {}, {})
    writes = [("messages", "x" * 100_000)]
    for job in (
        saver.aput(CONFIG, empty_checkpoint(), {}, {}),
        saver.aput_writes(stored, writes, "task", "path"),
    ):
        task = asyncio.ensure_future(job)
        for _ in range(yields):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_our_rows_are_written_while_checkpoints_are_listed(settings: Settings) -> None:
    async with await open_store(settings) as store:
        saver = await store.saver()
        for _ in range(3):
            await saver.aput(CONFIG, empty_checkpoint(), {}, {})
        async for _ in saver.alist({"configurable": {"thread_id": "t"}}):
            await store.inbox.put("t", "typed meanwhile")
        assert len(await store.inbox.after("t", 0)) == 3


class Read(list[tuple[str, Any]]):
    """Writes of a step, while another thread reads."""

    def __init__(self, read: Callable[[], Any]) -> None:
        super().__init__([("messages", "one")])
        self.read = read
        self.found: list[Any] = []

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        with ThreadPoolExecutor(1) as pool:
            self.found.append(pool.submit(self.read).result(30))
        return super().__iter__()


async def test_another_thread_reads_while_a_step_is_written(settings: Settings) -> None:
    async with await open_store(settings) as store:
        saver: Any = await store.saver()
        config = await saver.aput(CONFIG, empty_checkpoint(), {}, {})
        assert await saver.aget_tuple(config) is not None
        writes = Read(lambda: saver.get_tuple(config))
        await saver.aput_writes(config, writes, "task")
        ids = {found.checkpoint["id"] for found in writes.found}
        assert ids == {config["configurable"]["checkpoint_id"]}
        read = await saver.aget_tuple(config)
        assert read.pending_writes == [("task", "messages", "one")]
