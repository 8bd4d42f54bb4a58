"""Gemini's own API on the wire: answers, what it refuses, and a request as a script sees it.

Source: https://ai.google.dev/api/generate-content (GenerateContentResponse, FinishReason) and
https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.stand_ins.model_script import Asked, Reply, Turn

PATH = re.compile(r"/(?:v1(?:beta)?/)?models/([^:/]+):(stream)?[gG]enerateContent")
#: OpenAI's word for an end → Gemini's.
ENDS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND",
            429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")


def event(data: Any) -> bytes:
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\r\n\r\n".encode()


def whole(reply: Reply, asked: Asked) -> dict[str, Any]:
    return _answer([part for parts in _parts(reply, 1) for part in parts], reply)


def stream(reply: Reply, asked: Asked) -> Iterator[bytes]:
    """The events up to the last, which tells why the answer ended; see `tail`."""
    for parts in _parts(reply, reply.pieces):
        yield event(_answer(parts, reply, finish=False))


def tail(reply: Reply, asked: Asked) -> Iterator[bytes]:
    yield event(_answer([{"text": ""}], reply))


def error(status: int, message: str, *details: Mapping[str, Any]) -> dict[str, Any]:
    told = {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}
    return {"error": {**told, "details": list(details)} if details else told}


def _parts(reply: Reply, count: int) -> Iterator[list[dict[str, Any]]]:
    for text in _cut(reply.thinking, count):
        yield [{"text": text, "thought": True}]
    for text in _cut(reply.text, count):
        yield [{"text": text}]
    for number, call in enumerate(reply.calls):
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": json.loads(call.raw)}}
        # Of parallel calls, the first is signed.
        yield [part if number else {**part, "thoughtSignature": reply.signature}]


def _cut(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // max(1, count)))
    return [text[i : i + size] for i in range(0, len(text), size)]


def _answer(parts: list[dict[str, Any]], reply: Reply, *, finish: bool = True) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = ENDS.get(reply.finish_reason, reply.finish_reason)
    body = {"candidates": [candidate], "modelVersion": "gemini-3-pro", "responseId": "r1"}
    usage = reply.usage
    if usage is None:
        return body
    told = {"promptTokenCount": usage.input, "totalTokenCount": usage.input + usage.output}
    told["candidatesTokenCount"] = usage.output - usage.reasoning
    told |= {"thoughtsTokenCount": usage.reasoning} if usage.reasoning else {}
    told |= {"cachedContentTokenCount": usage.cached} if usage.cached else {}
    return {**body, "usageMetadata": told}


def check(body: Mapping[str, Any], model: str) -> str | None:
    """The first thing wrong with a request, None if nothing is."""
    contents = body.get("contents")
    if not contents:
        return "GenerateContentRequest.contents: contents is not specified"
    names = _declared(body)
    if wrong := [n for n in names if not _NAME.fullmatch(n)]:
        return f"Invalid function name {wrong[0]!r}"
    waiting = 0
    for content in contents:
        parts = content.get("parts") or ()
        if content.get("role") not in ("user", "model") or not parts:
            return "Please use a valid role: user, model, with parts"
        answered = sum(_of(part, "functionResponse") is not None for part in parts)
        if answered != waiting:
            return (
                "Please ensure that the number of function response parts is equal to the "
                "number of function call parts of the function call turn."
            )
        calls = [part for part in parts if _of(part, "functionCall") is not None]
        waiting = len(calls)
        if calls and model.startswith("gemini-3") and not _of(calls[0], "thoughtSignature"):
            return "Function call is missing a thought_signature in functionCall parts."
    return "a function call turn has no answer" if waiting else None


def asked(body: Mapping[str, Any], model: str, index: int) -> Asked:
    system = body.get("system_instruction") or body.get("systemInstruction") or {}
    turns = [Turn("system", _text(system))] if system else []
    for content in body["contents"]:
        parts, text = content["parts"], _text(content)
        if content["role"] == "model":
            calls = tuple(c["name"] for p in parts if (c := _of(p, "functionCall")))
            turns.append(Turn("assistant", text, calls))
            continue
        results = [r for p in parts if (r := _of(p, "functionResponse"))]
        turns += [Turn("tool", json.dumps(r["response"]), answers=r["name"]) for r in results]
        turns += [Turn("user", text)] if text or not results else []
    return Asked("gemini", model, tuple(turns), tuple(_declared(body)), body, index)


def _of(value: Mapping[str, Any], name: str) -> Any:
    """A field of a message, which the API takes in both spellings."""
    snake = re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)
    return value.get(name, value.get(snake))


def _declared(body: Mapping[str, Any]) -> list[str]:
    tools = body.get("tools") or ()
    return [f["name"] for t in tools for f in _of(t, "functionDeclarations") or ()]


def _text(content: Mapping[str, Any]) -> str:
    return "".join(p["text"] for p in content.get("parts") or () if p.get("text"))
