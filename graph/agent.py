"""The graph: every node and edge, on one screen.

    START ──▶ call_model ──▶ END                  no tool call, or the turn is over
                │   ▲
                ├───┤                              told to continue: cut off, or the plan is open
                ├───┼─▶ compact ──▶ call_model     the context is too long
                ├───┼─▶ doom_check ──▶ call_model  the run goes in circles
                ├───┼─▶ ask_hooks ─┐               the hooks of its calls answer
                ├───┼─▶ approval ◀─┤               someone must decide
                └───┼──────────────┴─▶ execute_tools, one Send per call, wave by wave
                    │                      ├─▶ wait   last: the run ends until something happens
                    └──────────────────────┴───────┘
    START ──▶ mend ──▶ call_model                 a server's message went over open calls
    stop ──▶ END                                  as_node of every repair

Two supersteps per iteration where nothing is wrong: half the disk and processor time of
visiting every node every time.
"""

from functools import partial

from langgraph.graph import END, START, StateGraph

from core.state import AgentState
from core.tool import AgentContext
from graph import routing
from graph.stream import Graph
from graph.subagent import subagents_of
from nodes.approval import approval
from nodes.ask_hooks import ask_hooks
from nodes.call_model import call_model
from nodes.close_open_calls import mend
from nodes.compact import compact
from nodes.doom_check import doom_check
from nodes.execute_tools import Task, execute_tools
from nodes.wait import wait


def stop(state: AgentState) -> None:
    """No work: repairs and roots are written as this node, so that nothing follows them."""


def build_graph() -> StateGraph[AgentState, AgentContext]:
    """The uncompiled graph. Compile it with a checkpointer of ours for a durable thread."""
    builder = StateGraph(AgentState, AgentContext)
    # A sub-agent runs the graph without a checkpointer, so that it writes its steps where the
    # run's own go.
    run_calls = partial(execute_tools, run_subagent=subagents_of(lambda: graph))
    builder.add_node("call_model", call_model)
    builder.add_node("doom_check", doom_check)
    builder.add_node("ask_hooks", ask_hooks)
    builder.add_node("approval", approval)
    # Its input is what routing sends, not the state.
    builder.add_node("execute_tools", run_calls, input_schema=Task)
    builder.add_node("wait", wait)
    builder.add_node("compact", compact)
    builder.add_node("mend", mend)
    builder.add_node("stop", stop)

    builder.add_conditional_edges(START, routing.from_start, ["call_model", "compact", "mend"])
    builder.add_edge("mend", "call_model")
    calls = ["approval", "execute_tools", "wait"]
    builder.add_conditional_edges(
        "call_model",
        routing.after_call_model,
        ["call_model", "compact", "doom_check", "ask_hooks", *calls, END],
    )
    builder.add_conditional_edges("ask_hooks", routing.after_verdicts, calls)
    builder.add_conditional_edges("doom_check", routing.unless_ended, ["call_model", END])
    builder.add_conditional_edges("compact", routing.unless_ended, ["call_model", END])
    builder.add_conditional_edges("approval", routing.after_verdicts, calls)
    builder.add_conditional_edges(
        "execute_tools", routing.after_execute_tools, ["execute_tools", "wait", "call_model"]
    )
    builder.add_edge("wait", "call_model")
    builder.add_edge("stop", END)
    return builder


#: What Studio and LangGraph Server load: they bring a checkpointer of their own.
graph: Graph = build_graph().compile()
