"""A thread for others to read: markdown for people, JSON Lines for replay and the Hub."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import AnyMessage

from core.history import is_note, is_summary
from core.secrets.redaction import redacted
from core.store import ThreadRow
from graph.transcript.format import calls_in, lines, recorded, without_secrets


def as_jsonl(row: ThreadRow, messages: Sequence[AnyMessage]) -> Iterator[str]:
    """The lines of a recording (graph/transcript/format.py)."""
    session = {
        "id": row.id,
        "name": row.title,
        "cwd": row.cwd,
        "model": row.model,
        "mode": row.mode,
        "created": round(row.created * 1000),
    }
    return lines(session, messages)


def as_markdown(row: ThreadRow, messages: Sequence[AnyMessage]) -> Iterator[str]:
    """The conversation as markdown, a block at a time: calls and results in fenced blocks."""
    yield f"# {redacted(row.title)}\n"
    yield f"Thread `{row.id}` · model `{row.model}` · folder `{row.cwd}`\n"
    names: dict[str, str] = {}
    for message in messages:
        plain = without_secrets(recorded(message))
        if plain["role"] == "user":
            yield f"## {_heading(message)}\n\n{plain['content']}\n"
        elif plain["role"] == "assistant":
            if plain["content"]:
                yield f"## ML Agent\n\n{plain['content']}\n"
            for call, (name, arguments) in zip(
                plain.get("toolCalls", ()), calls_in(plain), strict=True
            ):
                names[call["id"]] = name
                yield f"**{name}**\n\n{_fenced(_arguments(arguments), '')}\n"
        else:
            name = names.get(plain["toolCallId"], "tool")
            mark = "" if plain["ml_agent"]["ok"] else ", failed"
            yield f"Result of {name}{mark}:\n\n{_fenced(plain['content'], 'text')}\n"


def _heading(message: AnyMessage) -> str:
    if is_summary(message):
        return "Summary of what came before"
    return "Note to the model" if is_note(message) else "Person"


def _arguments(arguments: dict[str, Any]) -> str:
    if list(arguments) == ["command"]:
        return str(arguments["command"])
    return json.dumps(arguments, indent=2, ensure_ascii=False)


def _fenced(text: str, language: str) -> str:
    """A fenced block whose fence is longer than any within `text`."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
