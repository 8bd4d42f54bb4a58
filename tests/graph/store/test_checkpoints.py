"""LangGraph's saver as we run it: writes that end, and messages that grow a file in a line."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from configs.settings import Settings
from graph.errors import StoreError
from graph.state import AgentState
from graph.store import open_store
from graph.store.checkpoints import Saver, open_saver
from tests.graph.store.fresh import begin, run

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


async def drive(graph: StateGraph[Any, Any, Any, Any], path: Path) -> list[str]:
    saver = await open_saver(str(path))
    try:
        app = graph.compile(checkpointer=saver)
        await app.ainvoke({"messages": [HumanMessage("go", id="h")]}, CONFIG)
        state = await app.aget_state(CONFIG)
        await saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return [m.id for m in state.values["messages"]]
    finally:
        await saver.conn.close()


async def test_twice_the_iterations_are_twice_the_file(tmp_path: Path) -> None:
    sizes = {}
    for steps in (300, 600):
        path = tmp_path / f"{steps}.db"
        ids = await drive(loop(steps), path)
        assert len(set(ids)) == 2 * steps + 1
        sizes[steps] = path.stat().st_size
    assert sizes[600] <= 2.1 * sizes[300]
    assert sizes[600] < 5 * 600 * 2200


async def test_a_fresh_process_reads_the_same_messages(settings: Settings) -> None:
    async with await open_store(settings) as store:
        path = store.path
    ids = await drive(loop(40), path)
    code = """
    import json
    from langgraph.graph import START, StateGraph
    from graph.state import AgentState
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
    assert json.loads(run(code, settings.state_path())) == ids


async def test_results_of_parallel_calls_keep_their_order(tmp_path: Path) -> None:
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
    path = tmp_path / "p.db"
    wanted = ["h", *(f"r{n:02}" for n in range(20))]
    assert await drive(graph, path) == wanted
    saver = await open_saver(str(path))
    app = graph.compile(checkpointer=saver)
    assert [m.id for m in (await app.aget_state(CONFIG)).values["messages"]] == wanted
    await saver.conn.close()


@pytest.mark.parametrize("name", ["aput", "aput_writes"])
def test_the_signatures_are_langgraphs(name: str) -> None:
    """LangGraph drops `task_path`, and with it the order, if it does not find the name."""
    ours = inspect.signature(getattr(Saver, name)).parameters
    theirs = inspect.signature(getattr(AsyncSqliteSaver, name)).parameters
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("yields", range(12))
async def test_a_write_that_is_cancelled_still_ends(tmp_path: Path, yields: int) -> None:
    path = str(tmp_path / "c.db")
    saver = await open_saver(path)
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
    # Another connection writes at once: no transaction was left open.
    other = await open_saver(path)
    await other.conn.execute("PRAGMA busy_timeout = 3000")
    await other.aput(CONFIG, empty_checkpoint(), {}, {})
    await other.conn.close()
    await saver.conn.close()


async def test_our_rows_are_written_while_the_saver_holds_its_lock(settings: Settings) -> None:
    async with await open_store(settings) as store:
        saver = await store.saver()
        for _ in range(3):
            await saver.aput(CONFIG, empty_checkpoint(), {}, {})
        async for _ in saver.alist({"configurable": {"thread_id": "t"}}):
            await store.inbox.put("t", "typed meanwhile")
        assert len(await store.inbox.after("t", 0)) == 3


async def test_a_checkpointer_that_cannot_open_says_so(settings: Settings) -> None:
    async with await open_store(settings) as store:
        for file in settings.state_path().glob("ml-agent.db*"):
            file.unlink()
        (settings.state_path() / "ml-agent.db").mkdir()
        with pytest.raises(StoreError, match="cannot open"):
            await store.saver()


def test_a_checkpointer_without_space_does_not_keep_the_program_from_ending(
    settings: Settings,
) -> None:
    code = """
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async def main():
        async with await open_store(settings) as store:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            try:
                await store.saver()
            except StoreError as error:
                print("refused")
    asyncio.run(main())
    """
    process = begin(code, settings.state_path())
    try:
        assert process.communicate(timeout=60)[0] == "refused\n"
    finally:
        process.kill()
