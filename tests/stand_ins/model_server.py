"""A model provider on 127.0.0.1: OpenAI's, Anthropic's and Gemini's APIs, scripted and able to
misbehave.

In a test:

    with ModelServer([Reply(text="hello")]) as server:
        ...  # api base: server.openai_base, server.anthropic_base or server.url (Gemini)
    assert not server.violations

By hand: `python -m tests.stand_ins.model_server --port 8089 --script script.json`; what a
script may say is in `model_script.load_script`. Every request is checked as the providers
check it (`model_checks`): a violation is answered with 400 and kept in `violations`.
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from tests.stand_ins import gemini_wire as gemini
from tests.stand_ins import model_checks as checks
from tests.stand_ins import model_wire as wire
from tests.stand_ins.model_script import (
    Asked,
    Call,
    Choose,
    Reply,
    ScriptExhausted,
    Usage,
    by_step,
    in_order,
    load_script,
)

__all__ = ["Asked", "Call", "ModelServer", "Reply", "Usage", "by_step", "closed_port"]

Format = Literal["openai", "anthropic", "gemini"]
#: By format: a whole answer, the events of a stream, its last events.
RENDER: dict[str, tuple[Any, Any, Any]] = {
    "openai": (wire.openai_json, wire.openai_stream, wire.openai_tail),
    "anthropic": (wire.anthropic_json, wire.anthropic_stream, wire.anthropic_tail),
    "gemini": (gemini.whole, gemini.stream, gemini.tail),
}


@dataclass
class Received:
    """A request as it came.

    Attributes:
        at, until: when its head came and when its answer was written, seconds on
            `time.monotonic`. headers: lower-case names.
        asked: the request as scripts see it; None where it was refused.
        ended: done (the whole answer was written), cut (by us), left (the client closed).
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    asked: Asked | None = None
    ended: Literal["", "done", "cut", "left"] = ""
    until: float = 0.0
    model: str = ""
    stream: bool = False

    def __post_init__(self) -> None:
        self.model, self.stream = str(self.body.get("model")), bool(self.body.get("stream"))


@dataclass
class ModelServer:
    """The server, started by `with` (or `start` and `stop`) on its own thread.

    Attributes:
        script: replies in order, or a function from `Asked` to `Reply`.
        api_key: when set, requests without exactly this key get a 401.
        models: what /v1/models lists: ids, or whole entries.
        strict: refuse what a provider would refuse; other people's clients send more.
        requests, violations: what was received, and what a provider would have refused.
        listings: requests of the list of models.
    """

    script: Choose | Sequence[Reply] = ()
    api_key: str | None = None
    models: Sequence[str | Mapping[str, Any]] = ("stand-in",)
    port: int = 0
    strict: bool = True
    requests: list[Received] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    listings: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.choose: Choose = self.script if callable(self.script) else in_order(self.script)
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> ModelServer:
        self._server = _Server(("127.0.0.1", self.port), type("Bound", (_Handler,), {"of": self}))
        self.port = self._server.server_address[1]
        serve = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        serve.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> ModelServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_base(self) -> str:
        return f"{self.url}/v1"

    @property
    def anthropic_base(self) -> str:
        return self.url

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The JSON bodies of the model requests, in the order of their arrival."""
        return [r.body for r in self.requests if r.body]


def closed_port() -> int:
    """A port on which no one listens: connecting to it is denied. It stays taken, so that no server
    of a test that runs meanwhile gets it."""
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    _closed.append(probe)
    return int(probe.getsockname()[1])


_closed: list[socket.socket] = []


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A suite opens many servers one after the other; Python's default of 5 is too few when
    # a client keeps its connections.
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are part of the tests, not worth a traceback."""


def _problem(format_: Format, body: dict[str, Any], model: str) -> str | None:
    if format_ == "gemini":
        return gemini.check(body, model)
    return (checks.check_openai if format_ == "openai" else checks.check_anthropic)(body)


def _asked(format_: Format, body: dict[str, Any], model: str, index: int) -> Asked:
    if format_ == "gemini":
        return gemini.asked(body, model, index)
    return (checks.asked_openai if format_ == "openai" else checks.asked_anthropic)(body, index)


class _ClientLeft(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: ModelServer

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the tests read `requests`."""

    def do_GET(self) -> None:
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.of.listings.append(Received(self.path, headers, {}, time.monotonic()))
        if self.path.rstrip("/") == "/v1/models":
            data = [
                {"id": m, "object": "model", "owned_by": "stand-in"} if isinstance(m, str) else m
                for m in self.of.models
            ]
            self._send(200, {"object": "list", "data": data})
        else:
            self._send(404, wire.openai_error("not found", "invalid_request_error"))

    def do_POST(self) -> None:
        at = time.monotonic()
        length = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(length)
        if len(raw) < length:
            self.close_connection = True  # the client was killed while it sent
            return
        body = json.loads(raw or b"{}")
        received, index = self._note(body, at)
        path = self.path.split("?")[0]
        formats: dict[str, Format] = {
            "/v1/chat/completions": "openai",
            "/chat/completions": "openai",
            "/v1/messages": "anthropic",
        }
        native = gemini.PATH.fullmatch(path)
        if native:
            # The model and the wish to stream are in Gemini's path.
            received.model, received.stream = native[1], bool(native[2])
        elif path not in formats:
            self._send(404, wire.openai_error(f"no {path}", "invalid_request_error"))
            return
        try:
            self._answer(received, "gemini" if native else formats[path], index)
            received.ended = received.ended or "done"
        except (_ClientLeft, ConnectionError):
            received.ended = received.ended or "left"
            self.close_connection = True
        received.until = time.monotonic()

    def _note(self, body: dict[str, Any], at: float) -> tuple[Received, int]:
        headers = {k.lower(): v for k, v in self.headers.items()}
        received = Received(self.path, headers, body, at)
        with self.of.lock:
            index = sum(bool(r.body) for r in self.of.requests)
            self.of.requests.append(received)
        return received, index

    def _answer(self, received: Received, format_: Format, index: int) -> None:
        key = self._key()
        body, model = received.body, received.model
        if self.of.api_key is not None and key != self.of.api_key:
            return self._error(Reply(status=401), format_, model, key)
        problem = _problem(format_, body, model) if self.of.strict else None
        if problem:
            self.of.violations.append(problem)
            return self._error(Reply(status=400, message=problem), format_, model, key)
        received.asked = _asked(format_, body, model, index)
        try:
            reply = self.of.choose(received.asked)
        except ScriptExhausted as end:
            self.of.violations.append(str(end))
            return self._error(Reply(status=400, message=str(end)), format_, model, key)
        self._pause(reply.delay)
        if reply.status != 200:
            return self._error(reply, format_, model, key)
        if not received.stream:
            return self._whole(reply, received)
        return self._stream(reply, received)

    def _key(self) -> str:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        named = (self.headers.get(name, "") for name in ("x-api-key", "x-goog-api-key"))
        return next(filter(None, named), bearer)

    def _error(self, reply: Reply, format_: Format, model: str, key: str) -> None:
        headers = {"Retry-After": reply.retry_after} if reply.retry_after else {}
        self._send(reply.status, wire.error_body(reply, format_, model, key), headers)

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/html" if isinstance(body, str) else "application/json"
        extra = {"Content-Type": kind, "Content-Length": str(len(raw)), **(headers or {})}
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def _whole(self, reply: Reply, received: Received) -> None:
        assert received.asked is not None
        if reply.end in ("cut", "quiet_cut"):
            return self._cut(received)
        render, _, _ = RENDER[received.asked.format]
        return self._send(200, render(reply, received.asked))

    def _stream(self, reply: Reply, received: Received) -> None:
        asked = received.asked
        assert asked is not None
        _, render_stream, render_tail = RENDER[asked.format]
        frames, tail = list(render_stream(reply, asked)), list(render_tail(reply, asked))
        chunked = reply.end != "quiet_cut"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header(
            *(("Transfer-Encoding", "chunked") if chunked else ("Connection", "close"))
        )
        self.end_headers()
        self.close_connection = not chunked
        whole = reply.end in ("done", "no_done")
        if not whole:
            count = len(frames) // 2 if reply.cut_after is None else reply.cut_after
            frames, tail = frames[:count], []
        for frame in self._paced([*frames, *tail], reply.chunk_delay):
            self._write(frame, chunked)
        if reply.end == "error":
            self._write(wire.stream_error(reply, asked.format), chunked)
        if reply.end in ("cut", "quiet_cut"):
            return self._cut(received, hard=reply.end == "cut")
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        return None

    def _paced(self, frames: Sequence[bytes], delay: float) -> Iterator[bytes]:
        for frame in frames:
            yield frame
            self._pause(delay)

    def _write(self, frame: bytes, chunked: bool) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(frame), frame) if chunked else frame)
        self.wfile.flush()

    def _pause(self, seconds: float) -> None:
        """Wait, but no longer than the client does. Raises _ClientLeft."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.of.stopping.wait(min(left, 0.02)) or self._client_left():
                raise _ClientLeft

    def _client_left(self) -> bool:
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _cut(self, received: Received, hard: bool = True) -> None:
        received.ended = "cut"
        self.close_connection = True
        if hard:
            # Linger 0: the client gets a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description="a scripted model provider on 127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--api-key", help="answer 401 to any other key")
    arguments = parser.parse_args()
    server = ModelServer(
        load_script(arguments.script), api_key=arguments.api_key, port=arguments.port
    ).start()
    print(f"OpenAI: {server.openai_base}  Anthropic: {server.anthropic_base}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
