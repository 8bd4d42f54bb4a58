"""Many tabs, and one that never reads, over real connections: each gets what it asked for or is
told why not, and none holds up another."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn

from configs.settings import Settings
from server.app import create_app
from server.limits import Limits
from tests.server.site import BASE, Browser, served
from tests.stand_ins.model_script import Call, Reply

#: Lines of about 1,000 characters: more than the buffers of a connection hold.
MUCH = "for n in $(seq 1 3000); do printf '%01000d\\n' $n; done"


@asynccontextmanager
async def listening(browser: Browser) -> AsyncIterator[int]:
    """The port of a real server for the browser's site."""
    config = uvicorn.Config(create_app(browser.site), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = server.force_exit = True
    await running


async def opened(
    port: int, browser: Browser, path: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
    """A request of the signed-in browser, and its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    cookie = "; ".join(f"{key}={value}" for key, value in browser.http.cookies.items())
    host = BASE.removeprefix("http://")
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    return reader, writer, status


async def last_frame(reader: asyncio.StreamReader) -> None:
    while b"event: turn_complete" not in await reader.readline():
        pass


async def test_tabs_above_the_limit_are_refused_and_the_others_get_everything(
    settings: Settings, workdir: Path
) -> None:
    script = [Reply(calls=[Call("bash", {"command": "until test -e go; do sleep 0.05; done"})])]
    async with (
        served([*script, Reply("ok")], settings, workdir, Limits(user_streams=200)) as browser,
        listening(browser) as port,
        asyncio.timeout(120),
    ):
        thread = await browser.begin("go", mode="auto")
        tabs = []
        for _ in range(250):
            tabs.append(await opened(port, browser, f"/threads/{thread}/events"))
        assert [status for _, _, status in tabs] == [200] * 200 + [429] * 50
        refused = (await tabs[-1][0].readuntil(b"}}")).partition(b"\r\n\r\n")[2]
        error = json.loads(refused)["error"]
        assert (error["kind"], error["hint"]) == ("too_many", "close some")
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200
        (workdir / "go").touch()
        await asyncio.gather(*(last_frame(reader) for reader, _, status in tabs if status == 200))
        for _, writer, _ in tabs:
            writer.close()
        # A tab that is closed makes room.
        while browser.site.users.get("").streams:
            await asyncio.sleep(0.02)
        _, writer, status = await opened(port, browser, f"/threads/{thread}/events")
        assert status == 200
        writer.close()


async def test_a_tab_that_never_reads_holds_up_nothing(settings: Settings, workdir: Path) -> None:
    script = [Reply(calls=[Call("bash", {"command": MUCH})]), Reply("ok")]
    async with (
        served(script, settings, workdir) as browser,
        listening(browser) as port,
        asyncio.timeout(120),
    ):
        thread = await browser.begin("go", mode="auto")
        _, stuck, status = await opened(port, browser, f"/threads/{thread}/events")
        assert status == 200
        reader, writer, _ = await opened(port, browser, f"/threads/{thread}/events")
        await last_frame(reader)
        await browser.settled(thread)
        assert browser.site.users.get("").streams == 2
        stuck.close()
        writer.close()
