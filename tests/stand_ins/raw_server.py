"""A model server whose bytes the test writes: for what real servers send and no API describes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


@dataclass(frozen=True)
class Raw:
    """An answer: `body` as bytes, or as a value that is sent as JSON. `pieces`: it is written in
    pieces of so many bytes. `is_lost`: more is announced, and the connection closed."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: int = 0
    is_lost: bool = False


#: An answer, a stream's bytes, or a function of (path, request body) that gives one.
Step = Raw | bytes | Callable[[str, Any], Any]


class RawServer:
    """Answers POST requests with `steps` in order; the last one repeats.

    Attributes:
        requests: (path, JSON body) of each, in the order of arrival.
        answers_gets: GET requests take steps, too; else only /v1/models is there.
        shown: what Ollama's /api/show answers; None: it is a request like the others.
    """

    answers_gets = False
    shown: Any = None

    def __init__(self, *steps: Step, models: Sequence[Mapping[str, Any]] = ({"id": "m"},)) -> None:
        self.steps = list(steps)
        self.models = models
        self.requests: list[tuple[str, Any]] = []
        handler = type("Bound", (_Handler,), {"of": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.base = f"{self.root}/v1"

    def answer_with(self, *steps: Step) -> None:
        """Begin again, with these."""
        self.steps, self.requests = list(steps), []

    @property
    def bodies(self) -> list[Any]:
        return [body for _, body in self.requests]

    def __enter__(self) -> RawServer:
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: RawServer

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        if self.path.endswith("/v1/models"):
            self._send(Raw({"object": "list", "data": list(self.of.models)}))
        elif self.of.answers_gets:
            self._step(None)
        else:
            self._send(Raw({"error": "not found"}, 404))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null"
        try:
            self._step(json.loads(body))
        except ValueError:
            self._step(body.decode())

    def _step(self, body: Any) -> None:
        if self.of.shown is not None and self.path == "/api/show":
            return self._send(Raw(self.of.shown))
        number = min(len(self.of.requests), len(self.of.steps) - 1)
        self.of.requests.append((self.path, body))
        step: Any = self.of.steps[number]
        if callable(step):
            step = step(self.path, body)
        return self._send(step if isinstance(step, Raw) else Raw(step))

    def _send(self, answer: Raw) -> None:
        is_bytes = isinstance(answer.body, bytes)
        raw = answer.body if is_bytes else json.dumps(answer.body).encode()
        kind = "text/event-stream" if is_bytes else "application/json"
        self.send_response(answer.status)
        for name, value in {"Content-Type": kind, **answer.headers}.items():
            self.send_header(name, value)
        self.close_connection = self.close_connection or answer.is_lost
        self.send_header("Content-Length", str(len(raw) + 100 * answer.is_lost))
        self.end_headers()
        step = answer.pieces or max(1, len(raw))
        for start in range(0, len(raw), step):
            self.wfile.write(raw[start : start + step])
            self.wfile.flush()


def sse(data: Any, *, end: str = "\n\n", before: str = "data: ") -> bytes:
    """One event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"{before}{text}{end}".encode()


def chunk(
    delta: Mapping[str, Any] | None = None, finish: str | None = None, **more: Any
) -> dict[str, Any]:
    """One chunk of a stream of chat completions."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {**HEAD, "choices": [choice], **more}


def usage(given: int = 100, answered: int = 20) -> dict[str, Any]:
    return {
        "prompt_tokens": given,
        "completion_tokens": answered,
        "total_tokens": given + answered,
    }


def stream(*chunks: Any, done: bool = True, **options: str) -> bytes:
    """Chunks as a stream, with [DONE] behind them."""
    parts: Iterable[Any] = [*chunks, "[DONE]"] if done else chunks
    return b"".join(sse(part, **options) for part in parts)


def say(text: str, finish: str = "stop") -> bytes:
    """A well-behaved answer of `text`."""
    return stream(
        chunk({"content": text}), chunk({}, finish), {**HEAD, "choices": [], "usage": usage()}
    )


def piece(
    index: Any = 0, id: Any = None, name: Any = None, arguments: Any = None, **more: Any
) -> dict[str, Any]:
    """A chunk with a piece of a call; None leaves a field out."""
    function = {"name": name, "arguments": arguments}
    call: dict[str, Any] = {"function": {k: v for k, v in function.items() if v is not None}}
    call.update(more)
    if index is not None:
        call["index"] = index
    if id is not None:
        call |= {"id": id, "type": "function"}
    return chunk({"tool_calls": [call]})
