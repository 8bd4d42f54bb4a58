"""The way to the Hub: where it is, who is told the token, how it waits and how it stops."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from configs.settings import Settings
from core.errors import ToolError
from core.events import ToolLog
from core.hub import client
from core.hub.connection import Hub, hub_url, is_hub
from core.models.wire.transport import exchange
from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.service import Answer
from tests.tools.bench import Bench


@pytest.fixture
def way(bench: Bench) -> Hub:
    def log(text: str) -> None:
        bench.events.append(ToolLog(id="call_1", tool="hf_x", text=text))

    return Hub(bench.services.settings, log)


def test_where_the_hub_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub_url(Settings()) == "https://huggingface.co"
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example/")
    assert hub_url(Settings()) == "https://hub.example"
    assert hub_url(Settings(hub_url="http://127.0.0.1:1")) == "http://127.0.0.1:1"


async def test_the_environments_hub_is_asked(
    hub: HubServer, way: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    way.settings.hub_url = ""
    assert (await way.ask(lambda api: api.whoami()))["name"] == "ann"
    assert (await way.get("/api/whoami-v2")).json()["name"] == "ann"
    assert [request.token for request in hub.requests] == ["hf_ann", "hf_ann"]


async def test_a_new_token_counts_at_once(
    hub: HubServer, way: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob"):
        monkeypatch.setenv("HF_TOKEN", f"hf_{name}")
        assert (await way.ask(lambda api: api.whoami()))["name"] == name
        assert (await way.get("/api/whoami-v2")).json()["name"] == name


async def test_no_cookie_of_an_answer_is_kept(hub: HubServer, way: Hub) -> None:
    """The users of a server share the clients of its process."""
    given = {"Set-Cookie": "who=ann; Path=/"}
    hub.misbehave(Answer({"name": "ann"}, headers=given), times=2)
    await way.ask(lambda api: api.whoami())
    assert [value async for _, value in exchange(f"{hub.url}/v1", {}, {}, 30.0)] == [
        {"name": "ann"}
    ]
    await way.ask(lambda api: api.whoami())
    hub.misbehave(Answer({}))
    assert [value async for _, value in exchange(f"{hub.url}/v1", {}, {}, 30.0)] == [{}]
    assert ["cookie" in request.headers for request in hub.requests] == [False] * 4


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co.example/x",
        "https://elsewhere.example/huggingface.co",
        "http://huggingface.co/x",
        "https://huggingface.co:444/x",
        "https://ann@huggingface.co/x",
    ],
)
async def test_what_is_not_the_hub(way: Hub, hub: HubServer, url: str) -> None:
    assert not is_hub(url, "https://huggingface.co")
    with pytest.raises(ToolError, match="is not on the Hub"):
        await way.get(url)
    assert not hub.requests


async def test_a_busy_hub_is_asked_again(hub: HubServer, way: Hub, bench: Bench) -> None:
    hub.misbehave(Answer({}, 503, {"Retry-After": "0"}), times=3)
    assert (await way.ask(lambda api: api.whoami()))["name"] == "ann"
    await asyncio.sleep(0)
    assert bench.logs() == ["the Hub is busy; asking again in 0 s"] * 3
    hub.misbehave(errors.BROKEN_NOW)
    with pytest.raises(ToolError, match="fails at the moment"):
        await way.ask(lambda api: api.whoami())
    assert len(hub.requests) == 8


async def test_what_changes_something_is_sent_once(hub: HubServer, way: Hub) -> None:
    hub.add("ann/x")
    hub.misbehave(errors.BROKEN_NOW)
    with pytest.raises(ToolError, match="fails at the moment"):
        await way.ask(lambda api: api.create_branch("ann/x", branch="b"), again=False)
    assert len(hub.requests) == 1


async def test_a_long_pause_is_not_slept_through(hub: HubServer, way: Hub) -> None:
    hub.misbehave(Answer({}, 429, {"Retry-After": "21"}))
    for again in (True, False):
        with pytest.raises(ToolError, match="it resets in 21 s"):
            await way.ask(lambda api: list(api.list_models()), again=again)
    assert len(hub.requests) == 2


async def test_nobody_waits_for_a_call_that_was_left(hub: HubServer, way: Hub) -> None:
    """The thread ends too: a process could not end before it."""
    hub.misbehave(Answer({}, 503, {"Retry-After": "20"}))
    asking = asyncio.create_task(way.ask(lambda api: api.whoami()))
    while not hub.requests:
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    # Long before the pause is over.
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 15)
    assert len(hub.requests) == 1


async def test_a_call_that_was_left_sends_nothing_more(hub: HubServer, way: Hub) -> None:
    hub.list_page = 1
    for n in range(50):
        hub.add(f"ann/m{n}")
    seen: list[str] = []
    cancelled = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(api: Any) -> None:
        for info in api.list_models():
            seen.append(info.id)
            if len(seen) == 2:
                asyncio.run_coroutine_threadsafe(_cancelled(), loop).result()

    async def _cancelled() -> None:
        asking.cancel()
        # Once round the loop, so that it has come through.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        cancelled.set()

    asking = asyncio.create_task(way.ask(work))
    with pytest.raises(asyncio.CancelledError):
        await asking
    await loop.shutdown_default_executor()
    assert cancelled.is_set()
    assert len(hub.requests) <= 3


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_a_silent_hub(silent: str, way: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SILENCE", 0.05)
    way.settings.hub_url = silent
    for work in (lambda api: list(api.list_models()), lambda api: api.whoami()):
        with pytest.raises(ToolError, match=r"cannot be reached: .*timed out"):
            await asyncio.wait_for(way.ask(work), 60)


def test_starting_loads_no_library_of_the_tools() -> None:
    late = ("huggingface_hub", "httpx", "bs4", "markdownify", "trafilatura", "lxml", "ddgs")
    code = f"import sys, tools; tools.builtin_tools(); print({{*{late!r}}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
