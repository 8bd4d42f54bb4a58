"""doom_check: entered when the run goes in circles; answers the calls instead of running them."""

from typing import Any

from langgraph.runtime import Runtime

from core.errors import StuckInLoop
from core.events import ToolOutput
from core.history import pending_calls, tool_message
from core.state import OURS, AgentState, LoopGuard
from core.tool import AgentContext, ToolResult
from nodes.emit import emit_of
from nodes.loop_guard import Loop, find_loop
from nodes.opening import ended

NOTE = (
    "Not run: {why}, so running it again would tell nothing new. Look at what the results say, "
    "change the approach, or, if something is missing that only the user can give, say so and "
    "stop."
)
#: Loops of any kind in one turn, after which it ends.
MOST = 5


async def doom_check(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """The first catch of a loop tells the model; the second one of the same loop ends the turn."""
    messages, turn = state["messages"], state.get("turn", {})
    loop = find_loop(messages, state.get("verdicts")) or Loop("", "the same calls repeat")
    guard = caught(state.get("loop_guard", {}), loop.streak, turn.get("number", 0))
    emit = emit_of(runtime)
    note = NOTE.format(why=loop.why)
    answers = []
    for call in pending_calls(messages):
        answer = tool_message(call, ToolResult(note, ok=False, outcome="rejected"))
        answer.additional_kwargs[OURS]["held_back"] = True
        answers.append(answer)
        emit(ToolOutput(id=call.id, tool=call.name, ok=False, text=note))
    update: dict[str, Any] = {"messages": answers, "loop_guard": guard}
    if guard["catches"] > 1 or guard["total"] >= MOST:
        names = ", ".join(dict.fromkeys(call.name for call in pending_calls(messages)))
        stuck = StuckInLoop(f"the model repeats the same calls ({names}): {loop.why}")
        update["turn"] = ended(turn, "error", error=stuck)
    return update


def caught(before: LoopGuard, streak: str, number: int) -> LoopGuard:
    """The guard's memory with one more catch; that of an earlier turn does not count."""
    guard = before if before.get("turn") == number else LoopGuard()
    again = guard.get("streak") == streak
    return {
        "streak": streak,
        "catches": guard.get("catches", 0) + 1 if again else 1,
        "total": guard.get("total", 0) + 1,
        "turn": number,
    }
