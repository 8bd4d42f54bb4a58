"""Servers as processes, and a bench whose tools are theirs."""

import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.store import open_store
from nodes.services import build_services
from tests.stand_ins.mcp_forks import command
from tests.tools.bench import Bench, until
from tools import tool_servers
from tools.mcp.servers import Servers

ROOT = Path(__file__).resolve().parents[3]
MODULE = "tests.stand_ins.mcp_server"


def program(kind: str, *more: str, **keys: Any) -> dict[str, Any]:
    """The settings of a stand-in over stdio."""
    first, *arguments = command(kind, *more)
    return {"command": first, "args": arguments, **keys}


def fresh_program(kind: str) -> dict[str, Any]:
    """Likewise, of an interpreter of its own: a fork would not be in a sandbox."""
    variables = {"PYTHONPATH": str(ROOT)}
    return {"command": sys.executable, "args": ["-m", MODULE, kind], "env": variables}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Web:
    """A stand-in over HTTP, which can be killed and started again on its port."""

    def __init__(self, kind: str, *more: str) -> None:
        self.port = free_port()
        self._command = command(kind, "--http", str(self.port), *more)
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: self._answers() or self.process.poll() is not None)
        assert self.process.poll() is None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        until(lambda: not self._answers())


@pytest.fixture
def web() -> Iterator[Callable[..., Web]]:
    started: list[Web] = []

    def start(kind: str, *more: str) -> Web:
        started.append(Web(kind, *more))
        return started[-1]

    yield start
    for one in started:
        one.kill()


class McpBench(Bench):
    """`mcp`: the servers. `notices`: what was told about them."""

    mcp: Servers
    notices: list[str]

    async def equip(self, thread: str = "t1") -> list[str]:
        """The tools of the thread's next turn, by name."""
        found = await self.mcp.tools_for(thread)
        self.services.tools = {**found}
        return sorted(found)


Opened = Callable[..., Any]


@pytest.fixture
async def servers(settings: Settings, workdir: Path) -> AsyncIterator[Opened]:
    """servers(name={...}, ..., limits={...}): a bench over these servers; called again, it is as
    after a restart."""
    opened: list[Any] = []

    async def start(limits: dict[str, Any] | None = None, **configured: Any) -> McpBench:
        await end()
        wanted = {**settings.model_dump(), "mcpServers": configured}
        # A start takes a while where many tests run side by side.
        wanted["mcp"] = {"wait": 60, **(limits or {})}
        store = await open_store(settings)
        given = Settings.model_validate(wanted)
        bench = McpBench(build_services(given, store), workdir)
        mcp = tool_servers(given, str(workdir))
        assert mcp is not None
        bench.mcp, bench.notices = mcp, []
        mcp.notice = bench.notices.append
        opened.append((mcp, store))
        return bench

    async def end() -> None:
        while opened:
            mcp, store = opened.pop()
            await mcp.close()
            await store.close()

    yield start
    await end()
