"""From what an answer said to the message that is stored, for every route."""

from typing import Any

from langchain_core.messages import AIMessage

from core.model import Answer, BadCall
from core.models.wire.arguments import read_arguments
from core.models.wire.calls import RawCall
from core.models.wire.names import sendable
from core.models.wire.outgoing import Tools
from core.models.wire.parts import Parts
from core.models.wire.written import is_written_call

CUT = (
    "the answer was cut at the token limit, so this call may be incomplete. Send it again, in "
    "smaller parts if it is long."
)
STOPPED = "the answer was stopped ({finish}), so this call may be incomplete."
WRITTEN = (
    "the model wrote a tool call as text: its server does not turn what the model writes into tool "
    "calls, so nothing was run"
)
FILTERED = "the provider's content filter stopped the answer"
REFUSED = "the model refused to answer"
#: What is for an answer that was stopped before it said anything: no provider takes an
#: empty message back.
NOTHING = "[stopped by the provider before anything was said]"
#: Finish reasons after which a call is not what the model meant to send.
_BROKEN_OFF = ("content_filter", "refusal")


def answer_of(
    parts: Parts, tools: Tools, *, provider: str, hint: str = "", cost_micro_usd: int | None = None
) -> Answer:
    """The answer as it is stored: plain, small, arguments always objects.

    Args:
        tools: what was offered. provider: who answered, kept with the message.
        hint: what to set if the server turns no text into calls.
    """
    finish = parts.finish or "stop"
    calls: list[dict[str, Any]] = []
    bad: list[BadCall] = []
    extras: dict[str, Any] = {}
    taken: set[str] = set()
    for number, raw in enumerate(parts.calls.all):
        call, reason = _call(raw, number, tools, taken)
        if finish == "length":
            reason = CUT
        elif finish in _BROKEN_OFF:
            reason = STOPPED.format(finish=finish.replace("_", " "))
        calls.append(call)
        if reason:
            bad.append(BadCall(call["id"], reason))
        if raw.extra:
            extras[str(number)] = raw.extra
    text = parts.text
    finish, problem, hint = _end(parts, finish, text, bool(calls), tools, hint)
    if parts.refusal and not text.strip():
        text = parts.refusal
    if problem and not text.strip() and not calls:
        text = NOTHING
    message = AIMessage(
        content=text,
        tool_calls=calls,
        additional_kwargs=_kept(parts, extras),
        response_metadata={
            "model_name": parts.model,
            "model_provider": provider,
            "finish_reason": finish,
        },
        usage_metadata=parts.usage,
    )
    return Answer(message, finish, tuple(bad), cost_micro_usd, problem, hint)


def _call(raw: RawCall, number: int, tools: Tools, taken: set[str]) -> tuple[dict[str, Any], str]:
    # Some providers give no id, some give one to all: a result must find its own call.
    call_id = raw.id or f"call_{number}"
    if call_id in taken:
        call_id = f"{call_id}_{number}"
    taken.add(call_id)
    sent = sendable(raw.name) if raw.name else "unknown"
    known = tools.names.get(raw.name)
    arguments, reason = read_arguments(
        raw.arguments, takes_none=raw.name in tools.without_parameters
    )
    if not raw.name:
        reason = reason or "the call names no tool"
    elif known is None and sent != raw.name:
        # Made sendable, it might be the name of a tool that was not meant.
        offered = ", ".join(sorted(tools.names))
        reason = f"there is no tool {raw.name!r}; available: {offered}"
    arguments = tools.given(raw.name, arguments)
    return {"name": known or sent, "args": arguments, "id": call_id}, reason


def _end(
    parts: Parts, finish: str, text: str, has_calls: bool, tools: Tools, hint: str
) -> tuple[str, str, str]:
    """(finish reason, why this is not an answer, what to do about it)."""
    said = " ".join((parts.refusal or "").split())
    if said or finish == "refusal":
        said = said or " ".join(text.split())
        problem = f"{REFUSED}: {said[:300]}" if said else REFUSED
        return "refusal", problem, "say it in other words, or choose another model with -m"
    if finish == "content_filter":
        return finish, FILTERED, "say it in other words, or choose another model with -m"
    if not has_calls and finish != "length" and is_written_call(text, tools.names):
        return "written_call", WRITTEN, hint
    if has_calls and finish == "stop":
        finish = "tool_calls"
    return finish, "", ""


def _kept(parts: Parts, extras: dict[str, Any]) -> dict[str, Any]:
    """What the provider needs back in the next request; thinking once."""
    kept: dict[str, Any] = dict(parts.kept)
    if parts.blocks:
        # The same thinking in two shapes: the signed one is what a replay needs.
        kept["thinking_blocks"] = parts.blocks
    elif parts.thinking:
        kept["reasoning_content"] = parts.thinking
    if parts.details:
        kept["reasoning_details"] = parts.details
    if extras:
        kept["call_extras"] = extras
    return kept
