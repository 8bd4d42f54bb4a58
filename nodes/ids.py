"""Ids of ours for calls and messages: providers repeat theirs."""

import secrets

from langchain_core.messages import AIMessage

from core.model import Answer, BadCall
from core.state import OURS


def new_call_id() -> str:
    """An id of ours for a tool call: providers repeat theirs ("call_0"), the journal's keys
    must not. Letters, digits and underscore, under 40 characters: every provider takes it."""
    return f"call_{secrets.token_hex(12)}"


def new_message_id() -> str:
    return f"ai-{secrets.token_hex(12)}"


def with_our_ids(answer: Answer, now: float) -> tuple[AIMessage, list[BadCall]]:
    """The message with ids of ours, which are unique where a provider's are not, and the time."""
    message = answer.message
    ours = [new_call_id() for _ in message.tool_calls]
    calls = [{**c, "id": new} for c, new in zip(message.tool_calls, ours, strict=True)]
    reasons = {b.call_id: b.reason for b in answer.bad_calls}
    bad = [
        BadCall(new, reasons[c["id"] or ""])
        for c, new in zip(message.tool_calls, ours, strict=True)
        if (c["id"] or "") in reasons
    ]
    extras = {**message.additional_kwargs, OURS: {"at": now}}
    update = {"id": new_message_id(), "tool_calls": calls, "additional_kwargs": extras}
    return message.model_copy(update=update), bad
