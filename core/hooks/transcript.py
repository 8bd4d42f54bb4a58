"""A thread's conversation as a file that hook scripts can read, in Claude Code's lines."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from configs.folders import write_atomically
from core.secrets.redaction import redacted_in


def write_transcript(path: Path, messages: Sequence[AnyMessage], thread: str) -> None:
    """Write the history, without secrets; readable by its owner alone. Blocking."""
    lines = (json.dumps(redacted_in(line)) for line in _lines(messages, thread))
    write_atomically(path, "".join(f"{line}\n" for line in lines))


def _lines(messages: Sequence[AnyMessage], thread: str) -> Iterator[dict[str, Any]]:
    for message in messages:
        role, content = "user", message.text
        blocks: list[dict[str, Any]] = [{"type": "text", "text": content}] if content else []
        if isinstance(message, AIMessage):
            role = "assistant"
            blocks += [
                {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["args"]}
                for call in message.tool_calls
            ]
        elif isinstance(message, ToolMessage):
            result = {"type": "tool_result", "tool_use_id": message.tool_call_id}
            blocks = [{**result, "content": content, "is_error": message.status == "error"}]
        elif not isinstance(message, HumanMessage):
            continue
        said = {"role": role, "content": blocks}
        yield {"type": role, "sessionId": thread, "uuid": message.id, "message": said}
