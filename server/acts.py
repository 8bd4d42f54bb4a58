"""What the page can ask of one thread: each act has checked its user and found the room before."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.errors import ToolError, UsageError
from core.store import Store, ThreadRow
from core.store.prune import remove
from server import requests as sent
from server.requests import body_of
from server.room import Room
from server.site import Site
from server.users import User
from tools import sandboxes

Act = Callable[[Request, User, Room], Awaitable[Response]]


class Acts:
    """The acts of one server."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def by_name(self) -> dict[str, Act]:
        return {
            "send": self.send, "decide": self.decide, "stop": self.stop, "resume": self.resume,
            "compact": self.compact, "undo": self.undo, "redo": self.redo, "fork": self.fork,
            "withdraw": self.withdraw, "rename": self.rename, "delete": self.delete,
            "model": self.model, "mode": self.mode, "cap": self.cap,
        }  # fmt: skip

    # --- turns --------------------------------------------------------------------------------

    async def send(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Message)
        self.check_text(body.text)

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
            raise UsageError("another process runs this turn", "stop it there")
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
        return JSONResponse({"thread": thread_of(row, await user.store())}, 201)

    async def rename(self, request: Request, user: User, room: Room) -> Response:
        body, store = await body_of(request, sent.Title), await user.store()
        row = await store.threads.rename(room.session.thread.id, body.title)
        await room.changed()
        return JSONResponse({"thread": thread_of(row, store)})

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
        route = await room.session.switch(body.model)
        await room.changed()
        told = thread_of(room.session.thread, await user.store())
        return JSONResponse({"thread": told, "route": route})

    async def mode(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Mode)
        self.check_mode(user, body.mode)
        await room.session.permit(body.mode)
        await room.changed()
        return JSONResponse({"thread": thread_of(room.session.thread, await user.store())})

    async def cap(self, request: Request, user: User, room: Room) -> Response:
        body = await body_of(request, sent.Cap)
        if room.session.cap() is None:
            raise UsageError(
                "this session has no cap to raise", "the settings' budget limits it, if anything"
            )
        room.session.raise_cap(body.dollars)
        await room.changed()
        return JSONResponse({})

    # --- checks -------------------------------------------------------------------------------

    def check_text(self, text: str) -> None:
        most = self._site.users.limits.message
        if not text.strip():
            raise UsageError("the message is empty", "write something")
        if len(text) > most:
            raise UsageError(f"the message is over {most:,} characters", "send a shorter one")

    def check_mode(self, user: User, mode: str | None) -> None:
        if mode is None:
            return
        if mode not in self._site.modes:
            raise UsageError(f"mode {mode} is not offered here", ", ".join(self._site.modes))
        loosest = user.settings.capped_mode(mode)
        if loosest != mode:
            raise UsageError(f"the settings allow nothing looser than {loosest}", "ml-agent config")


def thread_of(row: ThreadRow, store: Store) -> dict[str, Any]:
    """A thread as the page gets it."""
    return {**asdict(row), "status": store.standing(row)}
