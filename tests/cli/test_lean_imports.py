"""What a start leaves out is there as soon as it is used, and a traced run leaves nothing out."""

import gc

from configs import collection
from tests.core.models.test_loading import said

RUN = """
import json, sys
from cli.lean_imports import keep_out
keep_out()
import graph.agent
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph

plan = StateGraph(dict)
plan.add_node("one", lambda state: {"n": RunnableLambda(lambda n: n + 1).invoke(1)})
plan.add_edge(START, "one")
plan.add_edge("one", END)
ran = plan.compile().invoke({"n": 0})
heavy = ("rich", "langsmith.client", "langgraph_sdk.client", "opentelemetry")
there = [name for name in heavy if name in sys.modules]
"""


def test_a_run_imports_none_of_it_and_a_use_gets_the_real_one() -> None:
    ran, there, real = said(
        RUN
        + """
import httpx, langgraph_sdk, langsmith
from langchain_core.tracers.schemas import Run

seen = [isinstance(object(), Run)]
made = Run(name="x", run_type="chain", inputs={})
seen += [type(made).__module__, isinstance(made, Run), isinstance(made, langsmith.RunTree)]
from langsmith.run_helpers import get_tracing_context
seen += [langgraph_sdk.get_client.__module__, get_tracing_context.__module__]
seen += [langsmith.utils.tracing_is_enabled(), httpx.main is not None]
again = plan.compile().invoke({"n": 0})
print(json.dumps([[ran, again], there, seen]))
"""
    )
    assert ran == [{"n": 2}, {"n": 2}]
    assert there == []
    assert real == [
        False, "langsmith.run_trees", True, True,
        "langgraph_sdk._async.client", "langsmith.run_helpers", False, True,
    ]  # fmt: skip


def test_traces_that_are_on_are_traced() -> None:
    kind, enabled = said(
        """
        import json
        from cli.lean_imports import keep_out
        keep_out()
        import langsmith.utils
        kind = type(langsmith.utils).__name__
        print(json.dumps([kind, langsmith.utils.tracing_is_enabled()]))
        """,
        LANGSMITH_TRACING="true",
    )
    assert (kind, enabled) == ("module", True)


def test_collection_is_paused_and_goes_over_the_start_no_more() -> None:
    frozen = gc.get_freeze_count()
    collection.resume()
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, frozen)
    collection.pause()
    assert not gc.isenabled()
    collection.resume()
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    gc.unfreeze()
