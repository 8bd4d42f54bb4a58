"""How a turn begins and ends: input from the inbox, ids, limits reached, repair.

Everything that opens a turn goes through `take_input`, so that a turn begun in Studio gets
the same as one begun by the command line.
"""

import asyncio
import secrets
import socket
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from core.durable import InboxRow
from core.errors import AgentError
from core.history import Call, pending_calls, tool_message, waits_for_answer
from core.secrets.redaction import redacted
from core.state import OURS, AgentState, Turn
from core.tool import NotBegun, Services, ToolContext, ToolResult
from nodes.surroundings import surroundings

#: Where a thread starts. Written as its root checkpoint, so that the first turn has a
#: checkpoint before it.
ROOT: Turn = {"number": 0, "seq": 0, "before": None, "status": "done"}

#: Of a call that was cut off with evidence left, and cannot be looked up.
UNKNOWN = (
    "The session was cut off while this ran; its outcome is unknown. Inspect before repeating it."
)
NO_USAGE = {"input": 0, "cached": 0, "output": 0, "reasoning": 0}


def new_call_id() -> str:
    """An id of ours for a tool call: providers repeat theirs ("call_0"), the journal's keys
    must not. Letters, digits and underscore, under 40 characters: every provider takes it."""
    return f"call_{secrets.token_hex(12)}"


def new_message_id() -> str:
    return f"ai-{secrets.token_hex(12)}"


def next_turn(turn: Turn, head: str | None) -> Turn:
    """The input that opens the turn after `turn`; `head` is the checkpoint before it."""
    return {
        "number": turn.get("number", 0) + 1,
        "seq": turn.get("seq", 0),
        "before": head,
        "status": "opening",
        "host": turn.get("host", ""),
    }


async def take_input(
    state: AgentState, services: Services, thread: str, cwd: str
) -> tuple[list[HumanMessage], Turn]:
    """What a person said since the last look, and the turn it belongs to.

    Returns (messages to append, turn). The inbox's rows beyond `turn.seq` are taken: as the
    turn's task when it opens, as steering while it runs. A person's message that stands in the
    state already (Studio sends it that way) opens a turn too. The turn comes back with status
    "done" where there is nothing to do.
    """
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
    new = [_human(thread, row, "" if i else block, now) for i, row in enumerate(rows)]
    if left and not rows and turn.get("status") == "running":
        new = [HumanMessage(block, id=f"moved-{thread}-{turn['number']}-{here}")]
    turn["host"] = here
    if rows:
        turn["seq"] = rows[-1].seq
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
        new = [_with_surroundings(messages[0], block)]
    return new, {
        **turn,
        "status": "running",
        "iterations": 0,
        "started": services.clock(),
        "usage": dict(NO_USAGE),
        "cost_micro_usd": 0,
    }


def _human(thread: str, row: InboxRow, block: str, now: float) -> HumanMessage:
    return HumanMessage(
        content=block + row.text,
        id=f"in-{thread}-{row.seq}",
        additional_kwargs={OURS: {"text": row.text, "at": now}},
    )


def _with_surroundings(message: BaseMessage, block: str) -> HumanMessage:
    """A person's message that came without us, as `_human` would have made it."""
    content: Any = block + str(message.content)
    if isinstance(message.content, list):
        content = [{"type": "text", "text": block}, *message.content]
    kept = {**message.additional_kwargs, OURS: {"text": str(message.text)}}
    return HumanMessage(content=content, id=message.id, additional_kwargs=kept)


def ended(turn: Turn, status: Any, *, reason: str = "", error: AgentError | None = None) -> Turn:
    """`turn` with its end written into it."""
    closed: Turn = {**turn, "status": status, "reason": reason}
    if error is not None:
        closed["reason"] = error.message
        closed["error"] = {"kind": error.kind, "message": error.message, "hint": error.hint}
    return closed


def goes_on(turn: Turn) -> Turn:
    """`turn`, which a limit ended, under way again."""
    kept: Turn = {**turn, "status": "running", "reason": ""}
    kept.pop("error", None)
    return kept


# --- repair --------------------------------------------------------------------------------


async def settle(app: Any, config: Any, services: Services, thread: str, cwd: str) -> None:
    """Close a turn that was cut off, before a new message goes over it.

    `aget_state` shows the writes of tasks that had finished, but an update as another node
    drops them; so they are flushed first, then what is still missing is filled in from the
    journal. The repair is stored, not only sent.
    """
    await app.aupdate_state(config, None, as_node="__end__")
    state = (await app.aget_state(config)).values
    answers = [
        tool_message(call, await known_result(call, thread, cwd, services))
        for call in pending_calls(state.get("messages", []))
    ]
    turn = ended(state.get("turn", {}), "interrupted", reason="cut off")
    update: dict[str, Any] = {"turn": turn}
    if answers:
        update["messages"] = answers
    await app.aupdate_state(config, update, as_node="stop")


async def known_result(call: Call, thread: str, cwd: str, services: Services) -> ToolResult:
    """What can be said of a call now, without running or waiting for anything; no secrets."""
    found = await _found(call, thread, cwd, services)
    return replace(found, text=redacted(found.text))


async def _found(call: Call, thread: str, cwd: str, services: Services) -> ToolResult:
    row = await services.journal.row(thread, call.id)
    if row is not None and row.result is not None:
        return ToolResult.from_dict(row.result)
    # Without evidence its effect had not begun.
    not_run = ToolResult("Not run: the turn was left before.", ok=False, outcome="interrupted")
    tool = services.tools.get(call.name)
    if tool is not None and tool.is_subagent:
        said = "Cut off before its report: the turn was left."
        return ToolResult(said, ok=False, outcome="interrupted")
    if row is None or row.note is None:
        return not_run
    if tool is None:
        return ToolResult(UNKNOWN, ok=False, outcome="unknown")  # its server is gone
    run = ToolContext(
        call_id=call.id,
        tool=call.name,
        thread=thread,
        cwd=cwd,
        services=services,
        emit=lambda event: None,
        note=_no_note,
        wait=False,
    )
    try:
        arguments = tool.args_schema.model_validate(call.args)
        found = await tool.recover(arguments, run, row.note)
    except NotBegun:
        return not_run
    except ValueError:
        found = None  # a person had edited the arguments: its own can no longer be read
    return found or ToolResult(UNKNOWN, ok=False, outcome="unknown")


async def _no_note(evidence: dict[str, Any]) -> None:
    """Nothing is done that would need evidence."""
