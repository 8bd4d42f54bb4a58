"""A message of a stored session, for programs and for people."""

import sys
from typing import Any

from cli.shared.render import EventPrinter, telling
from configs.visible import inline
from core.secrets.redaction import redacted, redacted_in


def message_as_data(message: Any) -> dict[str, Any]:
    plain = {"role": message.type, "text": message.text}
    if getattr(message, "tool_calls", None):
        plain["tool_calls"] = [
            {"id": c["id"], "tool": c["name"], "arguments": c["args"]} for c in message.tool_calls
        ]
    if message.type == "tool":
        plain |= {"tool_call_id": message.tool_call_id, "ok": message.status == "success"}
    return plain


def print_message(message: Any) -> None:
    lines = EventPrinter(sys.stdout)
    if message.type == "human":
        from core.history import is_note, said_by_person

        if is_note(message):
            return
        lines.line(f"\n> {redacted(said_by_person(message))}", "1")
    elif message.type == "ai":
        if message.text:
            lines.line(redacted(message.text))
        for call in message.tool_calls:
            said = inline(telling(call["name"], redacted_in(call["args"])))
            lines.line(f"● {call['name']} {said}", "36")
    elif message.type == "tool":
        first, *more = redacted(message.text).split("\n")
        mark = "└" if message.status == "success" else "✗"
        lines.line(f"  {mark} {first[:160]}" + (f" [+{len(more)} lines]" if more else ""), "2")
