"""The routes of threads: each finds its user by the cookie, and what it names among that user's."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from configs.settings import MODES
from core.errors import NoSuchThread, ToolError, UsageError
from core.secrets.redaction import redacted
from core.store import Store, ThreadRow
from core.store.files.thread_files import Outputs
from core.store.prune import remove
from server import requests as sent
from server.requests import NotSignedIn, answering, body_of
from server.room import Room
from server.site import Site
from server.users import User
from tools import sandboxes

#: What a thread's id and a call's id consist of: they become names of files.
ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
Act = Callable[[Request, User, Room], Awaitable[Response]]


class ThreadRoutes:
    """The routes of one server."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        acts: dict[str, Act] = {
            "send": self.send, "decide": self.decide, "stop": self.stop, "resume": self.resume,
            "compact": self.compact, "undo": self.undo, "redo": self.redo, "fork": self.fork,
            "withdraw": self.withdraw, "rename": self.rename, "delete": self.delete,
            "model": self.model, "mode": self.mode, "cap": self.cap,
        }  # fmt: skip
        return [
            Route("/me", answering(self.me)),
            Route("/threads", answering(self.list), methods=["GET"]),
            Route("/threads", answering(self.new), methods=["POST"]),
            Route("/threads/{id}/events", answering(self.events)),
            Route("/threads/{id}/results/{call}", answering(self.result)),
            *(
                Route(f"/threads/{{id}}/{name}", answering(self._acting(act)), methods=["POST"])
                for name, act in acts.items()
            ),
        ]

    def _user(self, request: Request) -> User:
        user = self._site.access.user_of(request)
        if user is None:
            raise NotSignedIn("you are not signed in", self._site.access.how_to_sign_in)
        return user

    def _acting(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        """`act` on the room that the address names, for its user."""

        async def acted(request: Request) -> Response:
            user = self._user(request)
            with user.acting():
                return await act(request, user, await user.room(request.path_params["id"]))

        return acted

    # --- reading ------------------------------------------------------------------------------

    async def me(self, request: Request) -> Response:
        user = self._user(request)
        with user.acting():
            return JSONResponse(await self._site.about(user))

    async def list(self, request: Request) -> Response:
        user = self._user(request)
        query = request.query_params.get("query", "").casefold()
        asked = request.query_params.get("limit", "100")
        limit = min(int(asked) if asked.isdecimal() else 100, 1000)
        with user.acting():
            store = await user.store()
            rows = await store.threads.list(limit=1000 if query else limit)
            found = [row for row in rows if query in row.title.casefold()][:limit]
            return JSONResponse({"threads": [_thread(row, store) for row in found]})

    async def events(self, request: Request) -> Response:
        user = self._user(request)
        self._site.users.check_streams(user)
        last = request.headers.get("last-event-id") or request.query_params.get("last", "")
        with user.acting():
            room = await user.room(request.path_params["id"])
            frames = room.listen(last[:100])
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(frames, media_type="text/event-stream", headers=headers)

    async def result(self, request: Request) -> Response:
        user, call = self._user(request), request.path_params["call"]
        with user.acting():
            room = await user.room(request.path_params["id"])
        if ID.fullmatch(call):
            outputs, thread = Outputs(user.settings.state_path()), room.session.thread.id
            # A command's own output is as it came: secrets are in it.
            for path in (outputs.result(thread, call), outputs.run(thread, call) / "output"):
                with suppress(OSError):
                    text = await asyncio.to_thread(path.read_text, "utf-8", "replace")
                    return PlainTextResponse(await asyncio.to_thread(redacted, text))
        raise NoSuchThread("there is no such result", "reload the page")

    # --- turns --------------------------------------------------------------------------------

    async def new(self, request: Request) -> Response:
        user, body = self._user(request), await body_of(request, sent.NewThread)
        self._check_text(body.text)
        self._check_choice(user, body.model, body.mode)

        async def work() -> dict[str, Any]:
            self._site.users.check_turns(user)
            room = await user.new_room(model=body.model, mode=body.mode)
            await room.send(body.text)
            return _thread(room.session.thread, await user.store())

        with user.acting():
            return JSONResponse({"thread": await user.once(body.key, work)}, 201)

    async def send(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Message)
        self._check_text(body.text)

        async def work() -> int | None:
            if not room.is_running:
                self._site.users.check_turns(user)
            return await room.send(body.text)

        key = f"{room.session.thread.id} {body.key}" if body.key else ""
        return JSONResponse({"queued": await user.once(key, work)}, 202)

    async def decide(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Decisions)
        self._site.users.check_turns(user)
        given = [decision.model_dump() for decision in body.decisions]
        return JSONResponse({"left": await room.decide(given)}, 202)

    async def stop(self, request: Request, user: User, room: Room) -> Response:
        await body_of(request, sent.NoFields)
        if not room.is_running and room.session.driver() == "elsewhere":
            raise UsageError("another process drives this turn", "stop it there")
        if room.is_running:
            room.session.interrupt()
        return JSONResponse({}, 202)

    async def resume(self, request: Request, user: User, room: Room) -> Response:
        await body_of(request, sent.NoFields)
        self._site.users.check_turns(user)
        await room.begin(room.session.resume)
        return JSONResponse({}, 202)

    async def compact(self, request: Request, user: User, room: Room) -> Response:
        await body_of(request, sent.NoFields)
        self._site.users.check_turns(user)
        await room.begin(room.session.compact)
        return JSONResponse({}, 202)

    async def withdraw(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Number)
        return JSONResponse({"withdrawn": await room.withdraw(body.number)})

    # --- the thread ---------------------------------------------------------------------------

    async def undo(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Undo)
        return JSONResponse({"moved": await room.move(body.turns, body.dry_run)})

    async def redo(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Redo)
        return JSONResponse({"moved": await room.move(0, body.dry_run)})

    async def fork(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Fork)
        room.check_idle()
        row = await room.session.fork(body.at)
        return JSONResponse({"thread": _thread(row, await user.store())}, 201)

    async def rename(self, request: Request, user: User, room: Room) -> Response:
        body, store = await body_of(request, sent.Title), await user.store()
        row = await store.threads.rename(room.session.thread.id, body.title)
        await room.changed()
        return JSONResponse({"thread": _thread(row, store)})

    async def delete(self, request: Request, user: User, room: Room) -> Response:
        await body_of(request, sent.NoFields)
        room.check_idle()
        row, store = room.session.thread, await user.store()
        await user.forget(row.id)
        rented = sandboxes()
        if row.sandbox and rented is not None:
            with suppress(ToolError):  # one that cannot be asked for ends when it was idle
                await rented.end_all(user.settings, store, row.id)
        removed = await remove(store, user.settings.state_path(), [row])
        for reason in removed.left.values():
            raise UsageError(reason, "reload the page")
        return JSONResponse({})

    async def model(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Model)
        self._check_choice(user, body.model, None)
        route = await room.session.switch(body.model)
        await room.changed()
        told = _thread(room.session.thread, await user.store())
        return JSONResponse({"thread": told, "route": route})

    async def mode(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Mode)
        self._check_choice(user, None, body.mode)
        await room.session.permit(body.mode)
        await room.changed()
        return JSONResponse({"thread": _thread(room.session.thread, await user.store())})

    async def cap(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Cap)
        room.session.raise_cap(body.dollars)
        await room.changed()
        return JSONResponse({})

    # --- checks -------------------------------------------------------------------------------

    def _check_text(self, text: str) -> None:
        most = self._site.users.limits.message
        if not text.strip():
            raise UsageError("the message is empty", "write something")
        if len(text) > most:
            raise UsageError(f"the message is over {most:,} characters", "send a shorter one")

    def _check_choice(self, user: User, model: str | None, mode: str | None) -> None:
        if mode is not None and mode not in self._site.modes:
            raise UsageError(f"mode {mode} is not offered here", ", ".join(self._site.modes))
        if mode is not None and MODES.index(mode) > MODES.index(user.settings.capped_mode(mode)):
            raise UsageError(f"the settings allow nothing looser than {mode}", "ml-agent config")


def _thread(row: ThreadRow, store: Store) -> dict[str, Any]:
    return {**asdict(row), "status": store.standing(row)}
