"""doom_check: entered when the run goes in circles; answers the calls instead of running them."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from graph.context import AgentContext, ToolResult
from graph.errors import StuckInLoop
from graph.events import ToolOutput, emitter
from graph.history import pending_calls, tool_message
from graph.state import OURS, AgentState
from graph.turn import ended
from nodes.loop_guard import find_loop

NOTE = (
    "Not run: the same calls have just given the same results several times, so running them "
    "again would tell nothing new. Look at what the results say, change the approach, or, if "
    "something is missing that only the person can give, say so and stop."
)


async def doom_check(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """The first catch of a loop tells the model; the second one of the same loop ends the turn."""
    messages = state["messages"]
    streak = find_loop(messages) or ""
    guard = state.get("loop_guard", {})
    catches = guard.get("catches", 0) + 1 if guard.get("streak") == streak else 1
    emit = emitter(runtime.stream_writer)
    answers = []
    for call in pending_calls(messages):
        answer = tool_message(call, ToolResult(NOTE, ok=False, outcome="rejected"))
        answer.additional_kwargs[OURS]["held_back"] = True
        answers.append(answer)
        emit(ToolOutput(id=call.id, tool=call.name, ok=False, text=NOTE))
    update: dict[str, Any] = {
        "messages": answers,
        "loop_guard": {"streak": streak, "catches": catches},
    }
    if catches > 1:
        name = messages[-1].tool_calls[0]["name"]  # type: ignore[union-attr]
        stuck = StuckInLoop(f"the model repeats the same {name} call and gets the same result")
        update["turn"] = ended(state.get("turn", {}), "error", error=stuck)
    return update
