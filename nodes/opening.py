"""How a turn begins and ends: input from the inbox, ids, the end of a turn.

Everything that opens a turn goes through `take_input`, so that a turn begun in Studio gets
the same as one begun by the command line.
"""

import asyncio
import socket

from langchain_core.messages import AIMessage, HumanMessage

from core.errors import AgentError
from core.events import Processing
from core.history import waits_for_answer
from core.state import AgentState, Turn, TurnStatus
from nodes.step import Step
from nodes.surroundings import surroundings, user_message, with_surroundings

#: Where a thread starts. Written as its root checkpoint, so that the first turn has a
#: checkpoint before it.
ROOT: Turn = {"number": 0, "seq": 0, "before": None, "status": "done"}

NO_USAGE = {"input": 0, "cached": 0, "output": 0, "reasoning": 0}


def next_turn(turn: Turn, head: str | None) -> Turn:
    """The input that opens the turn after `turn`; `head` is the checkpoint before it."""
    return {
        "number": turn.get("number", 0) + 1,
        "seq": turn.get("seq", 0),
        "before": head,
        "status": "opening",
        "host": turn.get("host", ""),
    }


async def take_input(state: AgentState, step: Step) -> tuple[list[HumanMessage], Turn]:
    """What the user said since the last look, and the turn it belongs to.

    Returns (messages to append, turn). The inbox's rows beyond `turn.seq` are taken: as the
    turn's task when it opens, as steering while it runs. A message that is in the state
    already (Studio sends it that way) opens a turn too. The turn comes back with status "done" if
    there is nothing to do.
    """
    services, thread, cwd = step.services, step.thread, step.cwd
    turn: Turn = {**state.get("turn", {})}
    messages = state.get("messages", [])
    rows = await services.inbox.after(thread, turn.get("seq", 0))
    now, here = services.clock(), socket.gethostname()
    left = "" if turn.get("host") == here else turn.get("host", "")
    block = ""
    if (not messages and rows) or left:
        block = await asyncio.to_thread(surroundings, cwd, now, left, services.backend.about)
    if rows and block:
        block += "\n\n"
    is_under_way = turn.get("status") in ("running", "opening")
    number = turn.get("number", 0) + (0 if is_under_way else 1)
    new = [user_message(thread, row, number, "" if i else block, now) for i, row in enumerate(rows)]
    if left and not rows and turn.get("status") == "running":
        new = [HumanMessage(block, id=f"moved-{thread}-{turn['number']}-{here}")]
    turn["host"] = here
    for row in rows:
        turn["seq"] = row.seq
        step.emit(Processing(text=row.text, number=row.seq))
    if turn.get("status") == "running":
        return new, turn
    if turn.get("status") != "opening":
        turn = next_turn(turn, None)
        turn["seq"] = rows[-1].seq if rows else turn["seq"]
    if not new and not waits_for_answer(messages):
        return [], {**turn, "status": "done", "iterations": 0}
    if not new and not any(isinstance(m, AIMessage) for m in messages):
        # A server's client put its message into the state itself: ours takes its place.
        there = services.backend.about
        block = await asyncio.to_thread(surroundings, cwd, services.clock(), "", there) + "\n\n"
        new = [with_surroundings(messages[0], block)]
    return new, {
        **turn,
        "status": "running",
        "iterations": 0,
        "started": services.clock(),
        "usage": dict(NO_USAGE),
        "cost_micro_usd": 0,
    }


def ended(
    turn: Turn, status: TurnStatus, *, reason: str = "", error: AgentError | None = None
) -> Turn:
    """`turn` with its end written into it."""
    closed: Turn = {**turn, "status": status, "reason": reason}
    if error is not None:
        closed["reason"] = error.message
        closed["error"] = {"kind": error.kind, "message": error.message, "hint": error.hint}
    return closed
