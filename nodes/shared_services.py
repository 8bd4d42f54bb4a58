"""The services of a process that passes none: Studio and LangGraph Server.

They are opened at first use, once per event loop, and shared by all its runs.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from langgraph.runtime import Runtime

from configs.folder import in_words
from configs.layers import load
from core.backend import Backend
from core.quick import forbid_quick_work
from core.run import StopSignal
from core.secrets.process_memory import make_undumpable
from core.store import Store, open_store
from core.tool import AgentContext, AgentTool, Services
from nodes.services import build_services, in_sandbox
from tools import tool_servers
from tools.extension import ToolServers

log = logging.getLogger(__name__)


@dataclass
class Shared:
    """What one event loop shares; tools and backends by thread."""

    services: Services
    store: Store
    mcp: ToolServers | None
    tools: dict[str, dict[str, AgentTool]] = field(default_factory=dict)
    backends: dict[str, Backend] = field(default_factory=dict)

    def backend_of(self, thread: str) -> Backend:
        """The thread's sandbox, if the settings want one."""
        flavor = self.services.settings.sandbox.flavor
        if flavor and thread not in self.backends:
            self.backends[thread] = in_sandbox(self.services, thread, flavor).backend
        return self.backends[thread] if flavor else self.services.backend

    async def tools_of(self, thread: str) -> Mapping[str, AgentTool]:
        """A server does not say where a turn begins, so a thread keeps its MCP tools as long as
        the process lives."""
        if self.mcp is None:
            return self.services.tools
        if thread not in self.tools:
            found = await self.mcp.tools_for(thread)
            self.mcp.connect()
            self.tools.setdefault(thread, {**self.services.tools, **found})
        return self.tools[thread]


_opening = asyncio.Lock()
_shared: dict[int, Shared] = {}


async def services_of(runtime: Runtime[AgentContext]) -> Services:
    """The run's services: those of its context, else the process's own."""
    if runtime.context.services is not None:
        return runtime.context.services
    loop = id(asyncio.get_running_loop())
    async with _opening:
        if loop not in _shared:
            _shared[loop] = await _open()
    shared, info = _shared[loop], runtime.execution_info
    thread = (info.thread_id if info else "") or "none"
    # A stop belongs to one run: sharing the signal would stop everyone's.
    return replace(
        shared.services,
        stop=StopSignal(),
        tools=await shared.tools_of(thread),
        backend=shared.backend_of(thread),
    )


async def _open() -> Shared:
    make_undumpable()
    # The server looks for what blocks its loop, and refuses it.
    forbid_quick_work()
    loaded = await asyncio.to_thread(load)
    if loaded.untrusted:
        names = in_words(loaded.untrusted)
        log.warning("this folder is not trusted; ignored: %s (ml-agent trust)", names)
    store = await open_store(loaded.settings)
    return Shared(build_services(loaded.settings, store), store, tool_servers(loaded.settings))


async def cwd_of(context: AgentContext) -> str:
    """The run's working directory; the process's if none was named."""
    return context.cwd or await asyncio.to_thread(os.getcwd)


async def close_shared() -> None:
    """Close what `services_of` opened for this event loop."""
    shared = _shared.pop(id(asyncio.get_running_loop()), None)
    if shared is None:
        return
    for backend in shared.backends.values():
        await backend.close()
    if shared.mcp is not None:
        await shared.mcp.close()
    await shared.store.close()
