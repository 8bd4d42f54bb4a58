"""The routes of threads: each finds its user by the cookie, and what it names among that user's."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from core.errors import NoSuchThread
from core.secrets.redaction import redacted
from core.store import output
from core.store.files.thread_files import Outputs
from server import requests as sent
from server.acts import Act, Acts, thread_of
from server.requests import NotSignedIn, answering, body_of
from server.site import Site
from server.users import User

#: What a thread's id and a call's id consist of: they become names of files.
ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
#: Bytes of a result that a page gets: a command can print more than fits into memory.
LONGEST = 5_000_000


class ThreadRoutes:
    """The routes of one server."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._acts = Acts(site)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/me", answering(self.me)),
            Route("/threads", answering(self.list), methods=["GET"]),
            Route("/threads", answering(self.new), methods=["POST"]),
            Route("/threads/{id}/events", answering(self.events)),
            Route("/threads/{id}/items", answering(self.items)),
            Route("/threads/{id}/results/{call}", answering(self.result)),
            *(
                Route(f"/threads/{{id}}/{name}", answering(self._acting(act)), methods=["POST"])
                for name, act in self._acts.by_name().items()
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
            return JSONResponse({"threads": [thread_of(row, store) for row in found]})

    async def events(self, request: Request) -> Response:
        user = self._user(request)
        self._site.users.check_streams(user)
        last = request.headers.get("last-event-id") or request.query_params.get("last", "")
        with user.acting():
            room = await user.room(request.path_params["id"])
            frames = room.listen(last[:100])
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(frames, media_type="text/event-stream", headers=headers)

    async def items(self, request: Request) -> Response:
        """Items of a long thread that are older than those of its `reset`."""
        user, before = self._user(request), request.query_params.get("before", "")
        with user.acting():
            room = await user.room(request.path_params["id"])
            return JSONResponse(await room.earlier(before))

    async def result(self, request: Request) -> Response:
        user, call = self._user(request), request.path_params["call"]
        with user.acting():
            room = await user.room(request.path_params["id"])
        if ID.fullmatch(call):
            outputs, thread = Outputs(user.settings.state_path()), room.session.thread.id
            # A command's own output is as it came: secrets are in it.
            for path in (outputs.result(thread, call), outputs.run(thread, call) / "output"):
                with suppress(OSError):
                    return PlainTextResponse(await asyncio.to_thread(_whole, path))
        raise NoSuchThread("no such result", "reload the page")

    # --- a new thread -----------------------------------------------------------------------

    async def new(self, request: Request) -> Response:
        user, body = self._user(request), await body_of(request, sent.NewThread)
        self._acts.check_text(body.text)
        self._acts.check_mode(user, body.mode)

        async def work() -> dict[str, Any]:
            self._site.users.check_turns(user)
            room = await user.new_room(model=body.model, mode=body.mode)
            await room.send(body.text)
            return thread_of(room.session.thread, await user.store())

        with user.acting():
            return JSONResponse({"thread": await user.once(body.key, work)}, 201)


def _whole(path: Path) -> str:
    """A result's file; of more than LONGEST bytes, head and tail. Blocks."""
    with path.open("rb") as file:
        return redacted(output.read(file, LONGEST, path)[0])
