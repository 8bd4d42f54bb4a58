"""What of a thread's messages can be a source, and where an answer's claims are kept."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from core.history import calls_of, is_note, is_summary
from core.state import OURS

#: The source of what the user said, or the program told the model.
USER = "user"
#: Calls that carry the model's own words: they prove nothing that it says later.
OWN_WORDS = ("plan", "research", "ask_user")
#: Files of prose, too, and the arguments that hold what is written into them.
PROSE = (".md", ".txt", ".rst", ".html", ".tex")
WRITTEN = ("content", "new", "text")
#: Ids of notes that tell the model to continue begin so (nodes/ids.py): they quote its own words.
NUDGES = "ai-"


def texts_of(messages: Sequence[BaseMessage], *, summaries: bool = False) -> list[tuple[str, str]]:
    """(source, text) of all that can be a source, the oldest first: a call's id, or USER.
    summaries: also what a compaction wrote, where the messages behind it are not known."""
    own = {
        call.id
        for message in messages
        if isinstance(message, AIMessage)
        for call in calls_of(message)
        if call.name in ("plan",)
    }
    found: list[tuple[str, str]] = []
    for message in messages:
        if isinstance(message, AIMessage):
            found += _of_calls(message)
        elif isinstance(message, ToolMessage) and message.tool_call_id not in own:
            found.append((message.tool_call_id, message.text))
        elif isinstance(message, HumanMessage) and _counts(message, summaries=summaries):
            found.append((USER, message.text))
    return found


def _counts(message: HumanMessage, *, summaries: bool) -> bool:
    if is_summary(message):
        return summaries
    return not (is_note(message) and (message.id or "").startswith(NUDGES))


def _of_calls(answer: AIMessage) -> Iterator[tuple[str, str]]:
    for call in calls_of(answer):
        if call.name in OWN_WORDS:
            continue
        left_out = WRITTEN if str(call.args.get("path", "")).lower().endswith(PROSE) else ()
        said = [_words(value) for key, value in call.args.items() if key not in left_out]
        yield call.id, "\n".join(said)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def with_claims(message: AIMessage, claims: list[dict[str, str | None]]) -> AIMessage:
    """The answer with what was found of its claims: [{text, call}]."""
    known = message.additional_kwargs.get(OURS, {})
    extras = {**message.additional_kwargs, OURS: {**known, "claims": claims}}
    return message.model_copy(update={"additional_kwargs": extras})


def claims_in(messages: Sequence[BaseMessage]) -> list[dict[str, str | None]]:
    """The claims of the newest answer."""
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            return list(message.additional_kwargs.get(OURS, {}).get("claims", []))
        if isinstance(message, HumanMessage):
            break
    return []


def unsourced(claims: Sequence[dict[str, str | None]]) -> list[str]:
    """What has no source, as written."""
    return [claim["text"] or "" for claim in claims if claim["call"] is None]
