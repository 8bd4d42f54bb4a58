"""OAuth with a real authorization server: a user signs in once, runs use and renew the tokens."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx

from tests.stand_ins.mcp_sign_in import LIFETIME
from tests.tools.mcp.conftest import Opened


async def browser(page: str) -> None:
    """Opens the page as a user's browser does, redirects and all, next to the program."""

    async def visit() -> None:
        async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
            assert (await client.get(page)).text.startswith("Signed in")

    visits.add(asyncio.create_task(visit()))


visits: set[asyncio.Task[None]] = set()


async def test_signing_in_once_is_enough(servers: Opened, web: Any, tmp_path: Path) -> None:
    url = web("signed").url
    bench = await servers(box={"url": url})
    assert await bench.equip() == []
    assert bench.notices == [
        "MCP server box: it requires you to sign in: run ml-agent mcp test box"
    ]

    bench = await servers(box={"url": url})
    bench.mcp.equip(sign_in=browser)
    await bench.mcp.connections["box"].begin()
    assert "box__secret" in await bench.equip("new")

    # A later process has no one who could sign in, and the access token is too old.
    time.sleep(LIFETIME + 0.5)
    bench = await servers(box={"url": url})
    assert "box__secret" in await bench.equip()
    assert (await bench.call("box__secret")).text == "forty-two"
    assert bench.notices == []
    (kept,) = (tmp_path / "state" / "mcp").glob("*.oauth.json")
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_credential_that_is_refused_is_said(servers: Opened, web: Any) -> None:
    url = web("signed").url
    bench = await servers(box={"url": url, "headers": {"Authorization": "Bearer wrong"}})
    assert await bench.equip() == []
    assert bench.notices == [f"MCP server box: {url} refuses the credential (401); set its headers"]
