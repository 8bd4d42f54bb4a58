"""A server over ASGI against the stand-in model, and a browser that is signed in to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from configs.settings import Settings
from graph.options import RunOptions
from server.app import create_app
from server.limits import Limits
from server.local import LocalAccess
from server.site import Site
from server.users import User, Users
from tests.stand_ins.model_script import Choose, Reply, by_step
from tests.stand_ins.model_server import ModelServer

PORT = 7860
BASE = f"http://127.0.0.1:{PORT}"
OURS = {"x-ml-agent": "1", "origin": BASE, "sec-fetch-site": "same-origin"}


def local_site(
    settings: Settings,
    folder: Path,
    limits: Limits | None = None,
    options: RunOptions | None = None,
) -> Site:
    limits = limits or Limits()
    user = User(settings, limits, folder=folder, options=options)
    access = LocalAccess(user, settings.state_path() / "web-cookies.json", PORT)
    users = Users(lambda key: user, limits)
    users.get("")
    hosts = frozenset({f"127.0.0.1:{PORT}", f"localhost:{PORT}"})
    return Site(kind="local", access=access, users=users, hosts=hosts, scheme="http")


async def until_there(path: Path) -> None:
    async with asyncio.timeout(60):
        while not path.exists():
            await asyncio.sleep(0.02)


class Browser:
    """Requests as the page makes them."""

    def __init__(self, site: Site, base: str = BASE) -> None:
        self.site = site
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(site)), base_url=base, timeout=30
        )
        self.headers = {**OURS, "origin": base}

    async def open(self) -> None:
        """The link that works once."""
        assert isinstance(self.site.access, LocalAccess)
        assert (await self.http.get(self.site.access.path)).status_code == 303

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.headers)

    async def begin(self, text: str, **more: Any) -> str:
        """A thread whose first turn runs."""
        answer = await self.post("/threads", text=text, **more)
        assert answer.status_code == 201, answer.text
        thread: str = answer.json()["thread"]["id"]
        return thread

    async def new(self, text: str, **more: Any) -> str:
        """A thread whose first turn is over."""
        thread = await self.begin(text, **more)
        await self.settled(thread)
        return thread

    def room(self, thread: str, key: str = "") -> Any:
        return self.site.users.get(key).rooms[thread]

    async def settled(self, thread: str, key: str = "") -> None:
        room = self.room(thread, key)
        async with asyncio.timeout(30):
            while room._open_tasks():
                await asyncio.sleep(0.02)

    async def frames(self, thread: str, last: str = "", key: str = "") -> list[dict[str, Any]]:
        """What a tab that comes back after frame `last` gets. Streams have no end, and this
        transport waits for one: they are read where the route takes them from."""
        room = await self.site.users.get(key).room(thread)
        return [
            {"id": frame.id, "event": frame.name, "data": json.loads(frame.data)}
            for frame in room.log.after(last)
        ]


@asynccontextmanager
async def served(
    script: Choose | Sequence[Reply],
    settings: Settings,
    folder: Path,
    limits: Limits | None = None,
    options: RunOptions | None = None,
) -> AsyncIterator[Browser]:
    """A browser that is signed in to a local server."""
    choose = script if callable(script) else by_step(script)
    with ModelServer(choose) as model, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-stand-in")
        patch.setenv("OPENAI_BASE_URL", model.openai_base)
        site = local_site(settings, folder, limits, options)
        browser = Browser(site)
        await browser.open()
        try:
            yield browser
        finally:
            await site.users.close()
            await browser.http.aclose()
        assert model.violations == []
