"""Ollama's own chat on the wire. Source: docs/api.md of ollama/ollama, "Generate a chat
completion"."""

import json
from collections.abc import Iterator
from typing import Any

from tests.stand_ins.model_script import Asked, Reply
from tests.stand_ins.model_wire import pieces

HEAD = {"model": "m", "created_at": "2026-11-01T00:00:00Z"}


def line(data: Any) -> bytes:
    return json.dumps(data).encode() + b"\n"


def whole(reply: Reply, asked: Asked) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.thinking:
        said["thinking"] = reply.thinking
    if reply.calls:
        said["tool_calls"] = _calls(reply)
    return {**_end(reply), "message": said}


def stream(reply: Reply, asked: Asked) -> Iterator[bytes]:
    """The lines up to the last; see `tail`."""
    for text in pieces(reply.thinking, reply.pieces):
        yield _said(content="", thinking=text)
    for text in pieces(reply.text, reply.pieces):
        yield _said(content=text)
    if reply.calls:
        yield _said(content="", tool_calls=_calls(reply))


def tail(reply: Reply, asked: Asked) -> Iterator[bytes]:
    yield line({**_end(reply), "message": {"role": "assistant", "content": ""}})


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {"function": {"name": c.name, "arguments": json.loads(c.raw), "index": number}}
        for number, c in enumerate(reply.calls)
    ]


def _said(**message: Any) -> bytes:
    return line({**HEAD, "message": {"role": "assistant", **message}, "done": False})


def _end(reply: Reply) -> dict[str, Any]:
    reason = {"tool_calls": "stop"}.get(reply.finish_reason, reply.finish_reason)
    usage = reply.usage
    told = {"prompt_eval_count": usage.input, "eval_count": usage.output} if usage else {}
    return {**HEAD, "done": True, "done_reason": reason, **told}
