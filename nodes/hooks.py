"""Hooks of an event: run once, told to the user, and what they mean for prompt, result and turn.

An event's hooks have a row in the journal, with a note before they start and their answer after
it, so that a later process takes the answer and does not run them again. Hooks that were cut off
in between never run again: whether they would have blocked is then not known.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from core.errors import HookBlocked
from core.events import ToolLog
from core.history import Call, note
from core.hooks.names import input_of, names_of, response_of
from core.hooks.run import HookAnswer, hook_environment, hooks_for, run_hooks
from core.hooks.transcript import write_transcript
from core.secrets.redaction import redacted
from core.state import OURS, AgentState, Turn
from core.tool import ToolResult
from nodes.budget import key_of
from nodes.ids import new_message_id
from nodes.interrupt import Stopped
from nodes.opening import ended
from nodes.step import Step

#: Our modes as scripts know them.
MODES = {"ask": "default", "auto": "auto", "read-only": "plan", "yolo": "bypassPermissions"}
#: How often in a turn hooks may make the model continue.
MAX_CONTINUED = 10
#: Events whose hooks may end the turn (`continue: false`).
ENDING = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "UserPromptSubmit", "PreCompact")
CUT_OFF = "its hooks were cut off, and do not run again for it"


async def hooked(
    step: Step,
    event: str,
    ref: str,
    facts: Mapping[str, Any],
    *,
    names: Sequence[str] = (),
    messages: Sequence[AnyMessage] | None = None,
) -> HookAnswer:
    """Run the hooks of an event, or take what they said when they ran.

    Args:
        ref: the event's name in the thread, the same after a crash. facts: of their input what
            other events do not have. names: what a matcher is compared with. messages: the history,
            written where `transcript_path` leads.
    """
    hooks = hooks_for(step.services.settings.hooks.get(event, ()), names)
    if not hooks:
        return HookAnswer()
    services, key = step.services, f"hook-{event}-{ref}"
    row = await services.journal.begin(step.thread, key, "hook")
    if row is not None and row.result is not None:
        return HookAnswer(**row.result)
    if row is not None and row.note is not None:
        _tell(step, [f"{event}: {CUT_OFF}"])
        return HookAnswer(is_unknown=True)
    if messages is not None:
        await keep_transcript(step, messages)
    payload = {
        "session_id": step.thread,
        "transcript_path": str(_transcript(step)),
        "cwd": step.cwd,
        "permission_mode": MODES[step.context.mode],
        "hook_event_name": event,
        **facts,
    }
    await services.journal.note(step.thread, key, {"at": services.clock()})
    environment = hook_environment(step.cwd, services.settings.child_environment)
    work = run_hooks(hooks, payload, environment)
    try:
        answer = await (work if event == "SessionEnd" else step.race(work))
    except Stopped:
        return HookAnswer(is_unknown=True)
    answer = _redacted(answer)
    await services.journal.finish(step.thread, key, answer.to_dict())
    _tell(step, answer.messages)
    if answer.stop and event in ENDING:
        services.stop.set(answer.stop)
    return answer


def _transcript(step: Step) -> Path:
    return step.services.outputs.runs(step.thread).parent / "transcript.jsonl"


async def keep_transcript(step: Step, messages: Sequence[AnyMessage]) -> None:
    """Write the history where `transcript_path` leads."""
    await asyncio.to_thread(write_transcript, _transcript(step), list(messages), step.thread)


def _redacted(answer: HookAnswer) -> HookAnswer:
    return replace(
        answer,
        blocked=redacted(answer.blocked),
        context=[redacted(text) for text in answer.context],
        messages=[redacted(text) for text in answer.messages],
        stop=redacted(answer.stop),
    )


def _tell(step: Step, messages: Sequence[str]) -> None:
    for text in messages:
        step.emit(ToolLog(id="", tool="hook", text=text))


async def prompt_hooks(
    step: Step, state: AgentState, new: list[HumanMessage], turn: Turn
) -> tuple[list[HumanMessage], Turn]:
    """What the user said that its hooks let pass, with what they add for the model; the turn ends
    if nothing is left of what opens it. A sub-agent's task is none of the user's."""
    wanted = {"SessionStart", "UserPromptSubmit"} & step.services.settings.hooks.keys()
    if not wanted or not new or step.services.inside is not None:
        return new, turn
    kept: list[HumanMessage] = []
    reasons, lead = [], ""
    for message in new:
        words = message.additional_kwargs.get(OURS, {}).get("text")
        if words is None:
            kept.append(message)
            continue
        ref = str(message.id)
        answer = await hooked(step, "UserPromptSubmit", ref, {"prompt": words})
        if answer.blocked or answer.is_unknown:
            reasons.append(answer.blocked or CUT_OFF)
            lead = lead or message.text.removesuffix(words)
            continue
        if lead:
            # The first message tells of the surroundings, and it is gone.
            message, lead = message.model_copy(update={"content": lead + message.text}), ""
        kept += [message, *_context(answer, f"hook-{ref}")]
    if reasons and not kept and state.get("turn", {}).get("status") != "running":
        refused = HookBlocked(f"a hook blocked the message: {reasons[0]}")
        return [], ended(turn, "error", error=refused)
    _tell(step, [f"a hook blocked the message: {reason}" for reason in reasons])
    return [*kept, *await _session_context(step, state)], turn


async def _session_context(step: Step, state: AgentState) -> list[HumanMessage]:
    """What the hooks of SessionStart add, once for each start of the program in a thread."""
    ref = step.context.invocation or step.run
    messages = state.get("messages", [])
    if any(message.id == f"hook-start-{ref}" for message in messages):
        return []
    source = "resume" if messages else "startup"
    answer = await hooked(step, "SessionStart", ref, {"source": source}, names=[source])
    return _context(answer, f"hook-start-{ref}")


def _context(answer: HookAnswer, id: str) -> list[HumanMessage]:
    text = "\n\n".join(answer.context)
    return [note(f"<hook-context>\n{text}\n</hook-context>", id)] if text else []


async def result_hooks(step: Step, call: Call, result: ToolResult) -> ToolResult:
    """A call's result with what its hooks say of it."""
    event = "PostToolUse" if result.ok else "PostToolUseFailure"
    if event not in step.services.settings.hooks or result.outcome not in ("done", "failed"):
        return result
    given = input_of(call.name, call.args, step.cwd)
    facts = (
        {**tool_facts(call, given), "error": result.text}
        if not result.ok
        else {
            **tool_facts(call, given),
            "tool_response": response_of(call.name, given, result.text, ok=result.ok),
        }
    )
    answer = await hooked(step, event, call.id, facts, names=names_of(call.name, call.args))
    return with_context(result, "\n\n".join(filter(None, [answer.blocked, *answer.context])))


def tool_facts(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """What hooks get to know of a call. `given`: its arguments as scripts know them."""
    name = names_of(call.name, call.args)[0]
    return {"tool_name": name, "tool_input": dict(given), "tool_use_id": call.id}


def with_context(result: ToolResult, text: str) -> ToolResult:
    return replace(result, text=f"{result.text}\n\nA hook says: {text}") if text else result


async def stop_hooks(
    step: Step, turn: Turn, told: HumanMessage | None, messages: Sequence[AnyMessage]
) -> tuple[Turn, HumanMessage | None]:
    """The turn after the hooks of its end, and what makes the model continue: their words, or
    `told` if the turn has not ended."""
    if turn.get("status") != "done":
        return turn, told
    event = "SubagentStop" if step.services.inside is not None else "Stop"
    if event not in step.services.settings.hooks:
        return turn, None
    last = messages[-1].text if isinstance(messages[-1], AIMessage) else ""
    count = turn.get("stop_hooks", 0)
    facts = {"stop_hook_active": count > 0, "last_assistant_message": last}
    ref = f"{key_of('', turn)}/{turn.get('iterations', 0)}"
    answer = await hooked(step, event, ref, facts, messages=messages)
    if not answer.blocked or answer.stop:
        return turn, None
    if count >= MAX_CONTINUED:
        _tell(step, [f"{event}: the turn ends after {count} more answers for its hooks"])
        return turn, None
    on: Turn = {**turn, "status": "running", "stop_hooks": count + 1}
    on.pop("reason", None)
    return on, note(f"A hook says: {answer.blocked}", new_message_id())
