"""How replies look on the wire: OpenAI's and Anthropic's JSON bodies, SSE events and errors."""

import json
from collections.abc import Iterator
from typing import Any

from tests.stand_ins import gemini_wire as gemini
from tests.stand_ins.model_script import Asked, Call, Reply

#: One server-sent event, ready to be written.
Frame = bytes

_ANTHROPIC_STOP = {"tool_calls": "tool_use", "length": "max_tokens", "stop": "end_turn"}
_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI_ERRORS = {
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: {key}."),
    402: ("insufficient_quota", "insufficient_quota", "You have exceeded your monthly credits."),
    403: ("permission_error", None, "You are not allowed to use this model."),
    404: ("invalid_request_error", "model_not_found", "The model `{model}` does not exist."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for {model}."),
}


def call_id(call: Call, asked: Asked, number: int) -> str:
    """The call's id: its own, or one that depends on the request alone."""
    prefix = "toolu" if asked.format == "anthropic" else "call"
    return call.id or f"{prefix}_{len(asked.turns)}_{number}"


def pieces(text: str, count: int) -> list[str]:
    """`text` cut into at most `count` parts of about equal size."""
    size = max(1, -(-len(text) // max(1, count)))
    return [text[i : i + size] for i in range(0, len(text), size)]


def frame(data: Any, event: str = "") -> Frame:
    text = data if isinstance(data, str) else json.dumps(data)
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {text}\n\n".encode()


# --- OpenAI ------------------------------------------------------------------------------------


def openai_json(reply: Reply, asked: Asked) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.thinking:
        message["reasoning_content"] = reply.thinking
    if reply.calls:
        message["tool_calls"] = [_openai_call(c, asked, i) for i, c in enumerate(reply.calls)]
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    body = {**_openai_head(asked), "object": "chat.completion", "choices": [choice]}
    return body if reply.usage is None else {**body, "usage": openai_usage(reply)}


def openai_stream(reply: Reply, asked: Asked) -> Iterator[Frame]:
    """The events up to the finish reason; see `openai_tail`."""
    yield _delta(asked, {"role": "assistant", "content": ""})
    for piece in pieces(reply.thinking, reply.pieces):
        yield _delta(asked, {"reasoning_content": piece})
    for piece in pieces(reply.text, reply.pieces):
        yield _delta(asked, {"content": piece})
    for number, call in enumerate(reply.calls):
        head = {**_openai_call(call, asked, number), "index": number}
        head["function"] = {"name": call.name, "arguments": ""}
        yield _delta(asked, {"tool_calls": [head]})
        for piece in pieces(call.raw, reply.pieces):
            part = {"index": number, "function": {"arguments": piece}}
            yield _delta(asked, {"tool_calls": [part]})


def openai_tail(reply: Reply, asked: Asked) -> Iterator[Frame]:
    yield _delta(asked, {}, reply.finish_reason)
    wanted = (asked.body.get("stream_options") or {}).get("include_usage")
    if wanted and reply.usage is not None:
        chunk = {**_openai_head(asked), "object": "chat.completion.chunk", "choices": []}
        yield frame({**chunk, "usage": openai_usage(reply)})
    if reply.end != "no_done":
        yield frame("[DONE]")


def openai_usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    assert usage is not None
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def _openai_head(asked: Asked) -> dict[str, Any]:
    return {"id": f"chatcmpl-{asked.index}", "created": 1_760_000_000, "model": asked.model}


def _openai_call(call: Call, asked: Asked, number: int) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.raw}
    return {"id": call_id(call, asked, number), "type": "function", "function": function}


def _delta(asked: Asked, delta: dict[str, Any], finish: str | None = None) -> Frame:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {**_openai_head(asked), "object": "chat.completion.chunk"}
    return frame({**head, "choices": [choice]})


# --- Anthropic ---------------------------------------------------------------------------------


def anthropic_json(reply: Reply, asked: Asked) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    if reply.thinking:
        thinking = {"thinking": reply.thinking, "signature": reply.signature}
        blocks.append({"type": "thinking", **thinking})
    if reply.text:
        blocks.append({"type": "text", "text": reply.text})
    for number, call in enumerate(reply.calls):
        head = _tool_use(call, asked, number)
        blocks.append({**head, "input": json.loads(call.raw)})
    return {**_anthropic_head(reply, asked), "content": blocks, "stop_reason": _stop(reply)}


def anthropic_stream(reply: Reply, asked: Asked) -> Iterator[Frame]:
    """The events up to the stop reason; see `anthropic_tail`."""
    head = {**_anthropic_head(reply, asked), "content": [], "stop_reason": None}
    yield _event("message_start", message=head)
    index = 0
    if reply.thinking:
        start = {"type": "thinking", "thinking": "", "signature": ""}
        yield _event("content_block_start", index=index, content_block=start)
        for piece in pieces(reply.thinking, reply.pieces):
            yield _block_delta(index, type="thinking_delta", thinking=piece)
        yield _block_delta(index, type="signature_delta", signature=reply.signature)
        yield _event("content_block_stop", index=index)
        index += 1
    yield _event("ping")
    if reply.text:
        start = {"type": "text", "text": ""}
        yield _event("content_block_start", index=index, content_block=start)
        for piece in pieces(reply.text, reply.pieces):
            yield _block_delta(index, type="text_delta", text=piece)
        yield _event("content_block_stop", index=index)
        index += 1
    for number, call in enumerate(reply.calls):
        start = {**_tool_use(call, asked, number), "input": {}}
        yield _event("content_block_start", index=index, content_block=start)
        for piece in ["", *pieces(call.raw, reply.pieces)]:
            yield _block_delta(index, type="input_json_delta", partial_json=piece)
        yield _event("content_block_stop", index=index)
        index += 1


def anthropic_tail(reply: Reply, asked: Asked) -> Iterator[Frame]:
    output = reply.usage.output if reply.usage else 0
    delta = {"stop_reason": _stop(reply), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": output})
    if reply.end != "no_done":
        yield _event("message_stop")


def anthropic_usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    return {
        "input_tokens": usage.input - usage.cached - usage.cache_write,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.cache_write,
    }


def _anthropic_head(reply: Reply, asked: Asked) -> dict[str, Any]:
    head = {"id": f"msg_{asked.index}", "type": "message", "role": "assistant"}
    tail = {"stop_sequence": None, "usage": anthropic_usage(reply)}
    return {**head, "model": asked.model, **tail}


def _tool_use(call: Call, asked: Asked, number: int) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id(call, asked, number), "name": call.name}


def _stop(reply: Reply) -> str:
    return _ANTHROPIC_STOP.get(reply.finish_reason, reply.finish_reason)


def _event(name: str, **data: Any) -> Frame:
    return frame({"type": name, **data}, event=name)


def _block_delta(index: int, **delta: Any) -> Frame:
    return _event("content_block_delta", index=index, delta=delta)


# --- errors ------------------------------------------------------------------------------------


def error_body(reply: Reply, format_: str, model: str, key: str) -> Any:
    """The body of an error of `reply.status`, in the provider's shape.

    `key` is what the client sent: OpenAI quotes it in a 401, so a client that shows bodies
    shows secrets.
    """
    if reply.body is not None:
        return reply.body
    if reply.error == "context_length":
        return _context_length(format_)
    if format_ == "gemini":
        return gemini.error(reply.status, reply.message or f"status {reply.status}")
    if format_ == "anthropic":
        words = reply.message or {401: "invalid x-api-key", 529: "Overloaded"}.get(
            reply.status, f"the request ended with status {reply.status}"
        )
        return anthropic_error(_ANTHROPIC_ERRORS.get(reply.status, "api_error"), words)
    kind, code, words = _OPENAI_ERRORS.get(
        reply.status, ("server_error", None, "The server had an error processing your request.")
    )
    if reply.status == 400:
        kind, words = "invalid_request_error", "Unsupported value."
    return openai_error(reply.message or words.format(key=key, model=model), kind, code)


def openai_error(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_error(kind: str, message: str) -> dict[str, Any]:
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error, "request_id": "req_011stand1n"}


def stream_error(reply: Reply, format_: str) -> Frame:
    """The event with which a provider gives up in the middle of a stream."""
    words = reply.message or "Overloaded"
    if format_ == "anthropic":
        return frame(anthropic_error("overloaded_error", words), event="error")
    if format_ == "gemini":
        return gemini.event(gemini.error(503, words))
    return frame(openai_error(words, "server_error"))


def _context_length(format_: str) -> dict[str, Any]:
    if format_ == "anthropic":
        words = "prompt is too long: 213462 tokens > 200000 maximum"
        return anthropic_error("invalid_request_error", words)
    if format_ == "gemini":
        words = "The input token count (1200000) exceeds the maximum number of tokens allowed "
        return gemini.error(400, f"{words}(1048576).")
    words = (
        "This model's maximum context length is 128000 tokens. However, your messages "
        "resulted in 150000 tokens. Please reduce the length of the messages."
    )
    return openai_error(words, "invalid_request_error", "context_length_exceeded")
