"""A stored thread as the items of the page: what a `reset` shows. Pure, and slow for a long thread:
call it in another thread."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from core.history import calls_of, is_note, is_summary, outcome_of, said_by_person, turn_of
from core.secrets.redaction import redacted, redacted_in
from core.store.files.thread_files import LEFT_OUT
from server.markdown import blocks_of

Item = dict[str, Any]


class Items:
    """Items of one thread's messages. Rendered answers are kept: messages do not change."""

    def __init__(self) -> None:
        self._answers: dict[str, Item] = {}

    def of(
        self, messages: Sequence[AnyMessage], waiting: Sequence[str], is_driven: bool
    ) -> list[Item]:
        """The oldest first. waiting: ids of the calls that wait for approval. is_driven: a turn
        runs, here or in another process."""
        open_ = "running" if is_driven else "unknown"
        states = dict.fromkeys(waiting, "pending")
        results = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
        items: list[Item] = []
        for message in messages:
            if isinstance(message, AIMessage):
                items += self._of_answer(message, results, lambda id: states.get(id, open_))
            elif is_summary(message):
                items.append({"kind": "summary", "text": message.text})
            elif is_note(message):
                items.append({"kind": "note", "text": message.text})
            elif not isinstance(message, ToolMessage):
                items.append(
                    {"kind": "user", "text": said_by_person(message), "turn": turn_of(message)}
                )
        return items

    def _of_answer(
        self,
        message: AIMessage,
        results: Mapping[str, ToolMessage],
        state_of: Callable[[str], str],
    ) -> list[Item]:
        found = [self._answer(message)] if message.text else []
        for call in calls_of(message):
            item = {
                "kind": "call",
                "id": call.id,
                "tool": call.name,
                "arguments": redacted_in(call.args),
                **_result(results.get(call.id), state_of(call.id)),
            }
            found.append(item)
        return found

    def _answer(self, message: AIMessage) -> Item:
        key = message.id or ""
        if key not in self._answers:
            text = redacted(message.text)
            self._answers[key] = {"kind": "answer", "text": text, "blocks": blocks_of(text)}
        return self._answers[key]


def _result(message: ToolMessage | None, state: str) -> Item:
    """state: of a call without a result."""
    if message is None:
        return {"state": state, "ok": None, "text": "", "truncated": False, "seconds": None}
    return {
        "state": outcome_of(message) or "done",
        "ok": message.status == "success",
        "text": message.text,
        "truncated": LEFT_OUT in message.text,
        "seconds": None,
    }
