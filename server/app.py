"""The ASGI application: guard, routes, static files, and what runs next to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.guard import Guard
from server.page_files import PageFiles
from server.requests import answering
from server.routes import ThreadRoutes
from server.site import Site

#: Seconds between two looks for rooms that no one uses.
LOOK = 60.0


def create_app(site: Site) -> Starlette:
    """The application of one server."""
    files = PageFiles()

    async def front(request: Request) -> Response:
        return await site.access.door(request) or files.index()

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def missing(request: Request, error: Exception) -> Response:
        told = {"kind": "not_found", "message": "no such page", "hint": "open /"}
        return JSONResponse({"error": told}, 404)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        tidying = asyncio.create_task(_tidy(site))
        try:
            yield
        finally:
            tidying.cancel()
            with suppress(asyncio.CancelledError):
                await tidying
            await site.users.close()

    guard = Middleware(Guard, hosts=site.hosts, scheme=site.scheme, body=site.users.limits.body)
    return Starlette(
        routes=[
            Route("/", answering(front)),
            Route("/health", health),
            *ThreadRoutes(site).routes(),
            *site.access.routes(),
            *files.routes(),
        ],
        middleware=[guard],
        exception_handlers={404: missing},
        lifespan=lifespan,
    )


async def _tidy(site: Site) -> None:
    while True:
        await asyncio.sleep(LOOK)
        await site.users.close_idle()
