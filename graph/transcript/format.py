"""A session as JSON Lines: what an export writes, a replay reads, and the Hub's trace viewer shows.

The format is the Hub's STS-Format (hub-docs, session-traces-format): a line
`{"type": "session", ...}`, then a line `{"type": "message", "message": {...}}` per message.
Ours next to it, under `ml_agent`: the outcome of a tool call, and a digest of each message, by
which a replay sees that a recording was changed.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from core.errors import UsageError
from core.history import (
    is_note,
    is_summary,
    outcome_of,
    said_by_person,
    thinking_of,
    time_of,
)
from core.secrets.redaction import redacted_in
from nodes.nudges import UNSOURCED

HARNESS = "ml-agent"
ROLES = {"human": "user", "ai": "assistant", "tool": "tool", "system": "system"}


@dataclass(frozen=True)
class Recording:
    """session: the first line's fields. messages: those of the message lines, in order."""

    session: Mapping[str, Any]
    messages: Sequence[dict[str, Any]]

    @property
    def cwd(self) -> str:
        return str(self.session.get("cwd", ""))

    def answers(self) -> list[int]:
        """Where the model's answers are in `messages`."""
        return [i for i, m in enumerate(self.messages) if m["role"] == "assistant"]

    def asks_about_claims(self) -> bool:
        """Whether a turn was told to correct its answer: a replay of any other must not be."""
        first = UNSOURCED.partition("{")[0]
        return any(str(m["content"]).startswith(first) for m in self.messages)


def recorded(message: BaseMessage) -> dict[str, Any]:
    """One message in the format's words, its own text without what was put before it."""
    plain: dict[str, Any] = {"role": ROLES[message.type], "content": _text(message)}
    ours: dict[str, Any] = {}
    if isinstance(message, AIMessage):
        thought = thinking_of(message)
        if thought:
            plain["reasoningContent"] = thought
        if message.tool_calls:
            plain["toolCalls"] = [_call(call) for call in message.tool_calls]
        if message.response_metadata.get("model_name"):
            plain["model"] = str(message.response_metadata["model_name"])
    if isinstance(message, ToolMessage):
        plain["toolCallId"] = message.tool_call_id
        ours["outcome"] = outcome_of(message) or "done"
        ours["ok"] = message.status == "success"
    if outcome_of(message) == "interrupted":
        ours["outcome"] = "interrupted"
    if is_summary(message):
        ours["summary"] = True
    if is_note(message):
        ours["note"] = True
    if message.response_metadata.get("finish_reason") == "length":
        ours["finish"] = "length"
    if at := time_of(message):
        plain["timestamp"] = round(at * 1000)
    return {**plain, "ml_agent": {**ours, "sha256": digest(plain)}}


def _text(message: BaseMessage) -> str:
    if message.type == "human":
        return said_by_person(message)
    if isinstance(message.content, str):
        return str(message.text)
    images: int = sum(isinstance(b, dict) and b.get("type") != "text" for b in message.content)
    return str(message.text) + "\n[image]" * images


def _call(call: Any) -> dict[str, Any]:
    return {"id": call["id"], "function": {"name": call["name"], "arguments": _json(call["args"])}}


def calls_in(message: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(name, arguments) of each call of a recorded message."""
    found = (call["function"] for call in message.get("toolCalls", ()))
    return [(f["name"], json.loads(f["arguments"] or "{}")) for f in found]


def digest(message: Mapping[str, Any]) -> str:
    """Of what a provider would see of a recorded message."""
    seen = [message["role"], message["content"], calls_in(message)]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def without_secrets(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded message for others to read; its digest is of what is left."""
    clean: dict[str, Any] = redacted_in({k: v for k, v in plain.items() if k != "toolCalls"})
    if "toolCalls" in plain:
        clean["toolCalls"] = [
            {**call, "function": {"name": name, "arguments": _json(redacted_in(arguments))}}
            for call, (name, arguments) in zip(plain["toolCalls"], calls_in(plain), strict=True)
        ]
    return {**clean, "ml_agent": {**plain["ml_agent"], "sha256": digest(clean)}}


def lines(session: Mapping[str, Any], messages: Iterable[BaseMessage]) -> Iterator[str]:
    """The recording as JSON Lines, without secrets. `session` brings at least id and name."""
    yield _json({"type": "session", "harness": HARNESS, **redacted_in(dict(session))})
    for message in messages:
        yield _json({"type": "message", "message": without_secrets(recorded(message))})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def read_recording(path: Path) -> Recording:
    """The recording in a file. Raises UsageError that names the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a recording: it is not UTF-8 text", HINT) from None
    session: dict[str, Any] = {}
    messages: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if entry["type"] == "session":
                session = entry
            elif entry["type"] == "message":
                messages.append(_checked(entry["message"]))
        except (ValueError, KeyError, TypeError) as error:
            said = (
                f"{path}, line {number}: no line of a recording ({type(error).__name__}: {error})"
            )
            raise UsageError(said, HINT) from None
    if not any(m["role"] == "assistant" for m in messages):
        raise UsageError(f"{path} holds no answer of a model", HINT)
    return Recording(session, messages)


HINT = "ml-agent sessions export --format jsonl writes one"


def _checked(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] not in ROLES.values() or not isinstance(message["content"], str):
        raise ValueError("role or content")
    if not all(isinstance(arguments, dict) for _, arguments in calls_in(message)):
        raise ValueError("arguments")
    return message
