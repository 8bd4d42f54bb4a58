"""A web service on 127.0.0.1 that is in for a real one: recorded, held to its contract, able
to misbehave.

    class Shop(Service):
        contract = Contract.load("shop.json")
        def answer(self, request): return Answer({"open": True})

    with Shop() as shop:
        shop.misbehave(Answer({"error": "slow down"}, 429), path="/api/.*", times=2)
        ...  # shop.url, shop.requests
    assert not shop.violations

Requests and answers are checked against `contract`; what differs is in `violations`, and a
request that differs gets a 400. Answers that a test plants with `misbehave` are not checked.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.stand_ins.contract import NO_BODY, Contract


@dataclass(frozen=True)
class Request:
    """`target`: path and query as sent. `headers`: lower-case names."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Still quoted: `%2F` is not a slash."""
        return urlsplit(self.target).path

    @property
    def parts(self) -> list[str]:
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Of the query: a name may come several times."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.pairs)

    def queries(self, name: str) -> list[str]:
        return [v for k, v in self.pairs if k == name]

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode())


@dataclass(frozen=True)
class Answer:
    """`body`: bytes and text go out as they are, anything else as JSON, NO_BODY as nothing.
    `held`: it is not sent before this is set (or a minute has passed)."""

    body: Any = NO_BODY
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    held: threading.Event | None = None

    @property
    def is_json(self) -> bool:
        return self.body is not NO_BODY and not isinstance(self.body, bytes | str)

    @property
    def raw(self) -> bytes:
        if self.body is NO_BODY:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class _Planned:
    answer: Answer
    method: str
    path: re.Pattern[str]
    times: int
    after: bool


class Refusal(Exception):
    """Raised by `answer` from any depth: this is the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Service:
    """The server, started by `with`. Subclasses implement `answer`, called under `lock`."""

    contract: Contract | None = None

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.lock = threading.RLock()
        self._planned: list[_Planned] = []
        self._server: ThreadingHTTPServer | None = None
        self.url = ""

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def misbehave(
        self,
        answer: Answer,
        *,
        path: str = ".*",
        method: str = "",
        times: int = 1_000_000,
        after: bool = False,
    ) -> None:
        """Give `answer` to the next `times` requests whose path fits the expression `path`.
        `after`: do what was asked first, so that the answer alone is lost."""
        self._planned.append(_Planned(answer, method, re.compile(path), times, after))

    def behave(self) -> None:
        self._planned.clear()

    def asked(self, path: str, method: str = "") -> list[Request]:
        """The requests whose path (unquoted) fits the expression `path`."""
        return [
            request
            for request in self.requests
            if re.fullmatch(path, unquote(request.path)) and method in ("", request.method)
        ]

    def start(self) -> Service:
        self._server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"of": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.005}, daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def take(self, request: Request) -> Answer:
        with self.lock:
            self.requests.append(request)
            planned = self._next(request)
            if planned is not None and not planned.after:
                return planned.answer
            wrong = self._wrong(request)
            if wrong:
                self.violations += wrong
                return Answer({"error": "; ".join(wrong)}, 400)
            try:
                answer = self.answer(request)
            except Refusal as refusal:
                answer = refusal.answer
            except Exception as error:
                # A bug of the stand-in would look like a lost connection to its client.
                self.violations.append(f"{request.method} {request.target}: {error!r}")
                return Answer({"error": repr(error)}, 500)
            self.violations += self._wrong_answer(request, answer)
            return answer if planned is None else planned.answer

    def _next(self, request: Request) -> _Planned | None:
        for planned in self._planned:
            fits = planned.path.fullmatch(unquote(request.path))
            if fits and planned.times > 0 and planned.method in ("", request.method):
                planned.times -= 1
                return planned
        return None

    def _wrong(self, request: Request) -> list[str]:
        if self.contract is None:
            return []
        body: Any = NO_BODY
        if "application/json" in request.headers.get("content-type", "") and request.body:
            body = request.json()
        return self.contract.request_problems(request.method, request.target, body)

    def _wrong_answer(self, request: Request, answer: Answer) -> list[str]:
        if self.contract is None:
            return []
        body = answer.body if answer.is_json else NO_BODY
        return self.contract.response_problems(request.method, request.target, answer.status, body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are part of the tests, not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: Service

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the tests read `requests`."""

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k.lower(): v for k, v in self.headers.items()}
        answer = self.of.take(Request(self.command, self.path, headers, body))
        if answer.held is not None:
            answer.held.wait(60)
        raw = answer.raw
        self.send_response(answer.status)
        kind = "application/json" if answer.is_json else "text/plain; charset=utf-8"
        named = {"Content-Type": kind, "Content-Length": str(len(raw)), **answer.headers}
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any
