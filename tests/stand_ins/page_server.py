"""A server that shows the page frames which a test pushes, according to server/protocol.md.

It takes the place of `ml-agent web` for what the page draws; tests/server/test_web_browser.py uses
the real one. `posts` has what the page sent.
"""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.cli.program import ROOT

PAGE = ROOT / "server" / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
ME: dict[str, Any] = {
    "kind": "local", "user": None, "model": "hf/zai-org/GLM-4.7", "mode": "ask",
    "models": [
        "hf/zai-org/GLM-4.7", "hf/Qwen/Qwen3-Coder-480B-A35B-Instruct", "anthropic/claude-opus-4-5",
    ],
    "modes": ["ask", "auto", "read-only", "yolo"], "folder": "~/projects/reviews", "warnings": [],
    "limits": {"message": 200_000}, "version": "0.1.0",
}  # fmt: skip
STATUS: dict[str, Any] = {
    "running": False, "driver": "", "state": "done", "model": ME["model"], "mode": "ask",
    "title": "Untitled", "plan": [], "cost": {"turn": 0, "thread": 0, "day": 0}, "cap": None,
    "left": None, "context": None, "waiting": None,
}  # fmt: skip


class PageServer:
    """`with PageServer() as server`: `server.url`; frames are pushed from the test's thread."""

    def __init__(self) -> None:
        self.me = dict(ME)
        self.threads: list[dict[str, Any]] = []
        #: By thread, its frames: (id, name, data).
        self.frames: dict[str, list[tuple[str, str, Any]]] = {}
        self.posts: list[tuple[str, dict[str, Any]]] = []
        #: By the path's last part, an answer that is not the usual one: (status, body).
        self.answers: dict[str, tuple[int, Any]] = {}
        self.results: dict[str, str] = {}
        #: By the key of the item before which they are: what `items` answers.
        self.parts: dict[str, dict[str, Any]] = {}
        #: Whether `items` does not answer yet.
        self.held = False
        self.is_cut = False

    def thread(self, thread: str, **fields: Any) -> dict[str, Any]:
        now = time.time()
        known = {
            "id": thread, "title": thread.capitalize(), "status": "done", "model": ME["model"],
            "mode": "ask", "cwd": ME["folder"], "sandbox": "", "turns": 1, "created": now,
            "updated": now, **fields,
        }  # fmt: skip
        self.threads.append(known)
        return known

    def reset(self, thread: str, items: list[Any] | None = None, **fields: Any) -> None:
        """Pushes a `reset`; fields: requests, plan, queue, before, turn, or of the status."""
        own = {key: fields.pop(key, []) for key in ("requests", "plan", "queue")}
        own |= {"experiment": fields.pop("experiment", None)}
        own |= {"before": fields.pop("before", ""), "turn": fields.pop("turn", 0)}
        turns = max((item.get("turn", 0) for item in items or []), default=0)
        status = {**STATUS, "title": thread.capitalize(), "plan": own["plan"], **fields}
        data = {
            "thread": {"id": thread, "cwd": ME["folder"]},
            "items": items or [],
            **own,
            "turns": max(turns, own["turn"]),
            "status": status,
        }
        self.push(thread, "reset", data)

    def status(self, thread: str, **fields: Any) -> None:
        self.push(thread, "status", {**STATUS, "title": thread.capitalize(), **fields})

    def push(self, thread: str, name: str, data: Any) -> None:
        frames = self.frames.setdefault(thread, [])
        frames.append((f"e1.{len(frames) + 1}", name, data))

    def posted(self, action: str) -> list[dict[str, Any]]:
        return [body for path, body in self.posts if path.endswith(action)]

    # Routes.

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._static),
                Route("/static/{name}", self._static),
                Route("/me", lambda request: JSONResponse(self.me)),
                Route("/threads", self._list),
                Route("/threads", self._post, methods=["POST"]),
                Route("/threads/{thread}/events", self._events),
                Route("/threads/{thread}/items", self._items),
                Route("/threads/{thread}/results/{call}", self._result),
                Route("/threads/{thread}/{action}", self._post, methods=["POST"]),
            ]
        )

    def _static(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        return FileResponse(PAGE / name, headers={"Content-Security-Policy": POLICY})

    def _list(self, request: Request) -> Response:
        query = request.query_params.get("query", "").lower()
        found = [thread for thread in self.threads if query in thread["title"].lower()]
        return JSONResponse({"threads": found})

    async def _items(self, request: Request) -> Response:
        while self.held and not self._server.should_exit:
            await asyncio.sleep(0.005)
        return JSONResponse(self.parts[request.query_params["before"]])

    def _result(self, request: Request) -> Response:
        return Response(self.results[request.path_params["call"]], media_type="text/plain")

    async def _post(self, request: Request) -> Response:
        assert request.headers["x-ml-agent"] == "1"
        body, action = await request.json(), request.path_params.get("action", "threads")
        self.posts.append((request.url.path, body))
        status, answer = self.answers.get(action) or (200, self._usual(action, body, request))
        return JSONResponse(answer, status)

    def _usual(self, action: str, body: dict[str, Any], request: Request) -> Any:
        thread = request.path_params.get("thread", "")
        known = next((each for each in self.threads if each["id"] == thread), None)
        moved = {"turn": 1, "moved": [1], "restored": [], "removed": [], "left": {}, "beyond": []}
        if action in ("threads", "fork"):
            return {
                "thread": self.thread(f"new-{len(self.threads)}", title=body.get("text", "Copy"))
            }
        if action == "rename" and known:
            known["title"] = body["title"]
        if action == "delete":
            self.threads = [each for each in self.threads if each is not known]
        changed = {"thread": {**(known or {}), **body}}
        usual: dict[str, Any] = {
            "send": {"queued": None}, "decide": {"left": 0}, "undo": {"moved": moved},
            "redo": {"moved": moved}, "withdraw": {"withdrawn": True}, "rename": {"thread": known},
            "model": changed, "mode": changed,
        }  # fmt: skip
        return usual.get(action, {})

    async def _events(self, request: Request) -> Response:
        if self.is_cut:
            return Response("bad gateway", 502)
        thread = request.path_params["thread"]
        last = request.headers.get("last-event-id") or request.query_params.get("last", "")
        start = int(last.rpartition(".")[2]) if last else 0
        return StreamingResponse(self._stream(thread, start), media_type="text/event-stream")

    async def _stream(self, thread: str, at: int) -> AsyncIterator[str]:
        yield "retry: 100\n\n"
        while not self.is_cut and not self._server.should_exit:
            frames = self.frames.get(thread, [])
            for number, name, data in frames[at:]:
                yield f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
            at = len(frames)
            await asyncio.sleep(0.005)

    # Its life.

    def __enter__(self) -> "PageServer":
        config = uvicorn.Config(self.app(), port=0, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._running = threading.Thread(target=self._server.run, daemon=True)
        self._running.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._running.join(timeout=5)
