"""All configured servers: started side by side, and what a thread's turn is offered of them.

At a turn's start a thread gets its own lists, as its model saw them before, then those that the
disk or a running server knows; what no one knows is waited for, once, for a few seconds. Within a
turn nothing changes: a server that is late joins at the next one.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from configs.settings import Settings
from core.backend import Say
from core.secrets.redaction import redacted
from core.tool import AgentTool
from tools.extension import Ask, ServerState, ServerTest, SignIn
from tools.mcp.cache import Cache
from tools.mcp.connection import Connection, Surroundings, load_sdk
from tools.mcp.contents import Contents
from tools.mcp.select_tools import offer
from tools.mcp.tool import McpTool
from tools.workspace.command_sandbox import CommandSandbox

log = logging.getLogger(__name__)

#: Seconds that servers have to start, or fail, when the session ends.
LAST_MOMENT = 1.0

Beside = Callable[[], Awaitable[None]]


class Servers:
    """The servers of one session.

    Attributes:
        notice: told about each trouble once, in a line that names the server. ask: a user who
            answers the servers' questions.
    """

    def __init__(self, settings: Settings, cwd: str = ".") -> None:
        self.notice: Callable[[str], None] = log.warning
        self._limits = settings.mcp
        self._cache = Cache(settings.state_path())
        self._told: set[str] = set()
        self._recalled = False
        self._due = False
        self._deadline: float | None = None
        self._made: tuple[str, dict[str, AgentTool]] = ("", {})
        self._failed_before: set[str] = set()
        shared = Surroundings(cwd, settings.mcp, self._cache, CommandSandbox(settings))
        self.connections = {
            name: Connection(name, server, shared, self._teller(name))
            for name, server in settings.mcpServers.items()
            if not server.disabled
        }
        self.contents = Contents(self.connections, self._cache)

    def equip(
        self,
        *,
        notice: Say | None = None,
        ask: Ask | None = None,
        sign_in: SignIn | None = None,
    ) -> None:
        """Tell a user about trouble, let them answer what servers ask, and sign in."""
        self.notice = notice or self.notice
        for connection in self.connections.values():
            connection.ask, connection.sign_in = ask, sign_in

    async def tools_for(
        self, thread: str, *, join: bool = True, beside: Beside | None = None
    ) -> dict[str, AgentTool]:
        """The tools of the thread's turn; waits for servers that are new, once.

        Args:
            join: a turn begins; within one, a thread that has lists keeps to them.
            next to: work that continues while servers are waited for.
        """
        self._due = True
        await self._recall()
        used = await asyncio.to_thread(self._of_thread, thread)
        if used and not join:
            return await asyncio.to_thread(self._offered, used)
        for name in self._failed_before:
            trouble = self.connections[name].trouble
            self._tell(name, f"it did not start the last time ({trouble}); trying again")
        fresh = [
            connection
            for name, connection in self.connections.items()
            if name not in used and connection.tools is None and name not in self._failed_before
        ]
        if fresh:
            await self._wait(fresh, beside)
        used = self._with_new(used)
        await asyncio.to_thread(self._cache.keep_of_thread, thread, used)
        return await asyncio.to_thread(self._offered, used)

    async def known(self, thread: str) -> dict[str, AgentTool]:
        """What the thread's next turn would be offered now, without starting a server."""
        await self._recall()
        own = await asyncio.to_thread(self._of_thread, thread)
        return await asyncio.to_thread(self._offered, self._with_new(own), tell=False)

    async def states(self) -> dict[str, ServerState]:
        """The state of each server that is not disabled; none is started."""
        await self._recall()
        return {
            name: ServerState(True, f"{len(one.tools)} tools{await self.contents.counted(name)}")
            if one.tools is not None
            else ServerState(False, one.trouble or "not started yet")
            for name, one in self.connections.items()
        }

    async def test(self) -> list[ServerTest]:
        """Start each server, and list its tools."""
        starts = {name: one.begin() for name, one in self.connections.items()}
        if starts:
            await asyncio.wait(starts.values())
        found: list[ServerTest] = []
        for name, one in self.connections.items():
            tools = [McpTool.of(one, tool) for tool in one.tools or []]
            told = [{"name": tool.name, "effect": str(tool.kind)} for tool in tools]
            trouble = one.trouble if starts[name].exception() else ""
            found.append({"name": name, "ok": not trouble, "trouble": trouble, "tools": told})
        return found

    def connect(self) -> None:
        """Start what is not started, once a turn. For lists that the disk knew, this comes after
        the first request is out, so that it does not hold it up."""
        if not self._due:
            return
        self._due = False
        for connection in self.connections.values():
            connection.begin()

    async def close(self) -> None:
        """End all sessions and programs. A start that is under way gets a moment: in a short run,
        too, a server that is dead should be named."""
        starting = [c.opening for c in self.connections.values() if c.opening is not None]
        if starting:
            await asyncio.wait(starting, timeout=LAST_MOMENT)
        await asyncio.gather(*(c.close() for c in self.connections.values()))

    # --- lists --------------------------------------------------------------------------------

    def _with_new(self, own: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """{server: {"digest", "tools"}}: the thread's own lists, and those of servers that it was
        not offered yet."""
        found: dict[str, dict[str, Any]] = {}
        for name, connection in self.connections.items():
            if name in own:
                found[name] = own[name]
            elif connection.tools is not None:
                found[name] = {"digest": connection.digest, "tools": connection.tools}
        return found

    def _of_thread(self, thread: str) -> dict[str, dict[str, Any]]:
        """The thread's own lists, of servers that are configured as they were."""
        return {
            name: kept
            for name, kept in self._cache.of_thread(thread).items()
            if name in self.connections and kept.get("digest") == self.connections[name].digest
        }

    async def _recall(self) -> None:
        """What the disk knows of each server, once."""
        if self._recalled:
            return
        self._recalled = True
        for name, connection in self.connections.items():
            known = await asyncio.to_thread(self._cache.list_of, connection.digest)
            trouble = await asyncio.to_thread(self._cache.trouble_of, connection.digest)
            if connection.tools is None:
                connection.tools = known
            if connection.tools is None and trouble:
                connection.trouble = trouble
                self._failed_before.add(name)

    async def _wait(self, fresh: list[Connection], beside: Beside | None) -> None:
        await asyncio.to_thread(load_sdk)
        if beside is not None:
            # Whoever needs it waits for it, and learns how it went.
            asyncio.ensure_future(beside()).add_done_callback(_look_away)
        starts = {connection.name: connection.begin() for connection in fresh}
        if self._deadline is None:
            self._deadline = time.monotonic() + self._limits.wait
        rest = max(0.0, self._deadline - time.monotonic())
        _, late = await asyncio.wait(starts.values(), timeout=rest)
        for connection in fresh:
            if starts[connection.name] in late:
                said = f"not ready after {self._limits.wait:g} s; its tools join at the next turn"
                self._tell(connection.name, f"{said} once it is")
                slow = f"no answer within {self._limits.wait:g} s"
                await asyncio.to_thread(self._cache.keep_trouble, connection.digest, slow)

    def _offered(
        self, used: Mapping[str, Mapping[str, Any]], *, tell: bool = True
    ) -> dict[str, AgentTool]:
        key = json.dumps(used)
        if self._made[0] != key:  # the same objects as before: what is derived from them is kept
            lists = [(self.connections[name], kept["tools"]) for name, kept in used.items()]
            say = self._tell if tell else lambda name, what: None
            self._made = (key, offer(lists, self._limits.most_tools, say))
        return self._made[1]

    def _teller(self, name: str) -> Callable[[str], None]:
        return lambda what: self._tell(name, what)

    def _tell(self, name: str, what: str) -> None:
        line = redacted(f"MCP server {name}: {what}")
        if line not in self._told:
            self._told.add(line)
            self.notice(line)


def _look_away(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()
