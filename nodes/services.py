"""The live parts of a run: opened for a session, or once for the process.

`Session` opens its own set and passes it in the context. Where nobody does (Studio, LangGraph
Server), the nodes get a set that is opened at first use and shared by the process.
"""

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from configs.folder import in_words
from configs.layers import load
from configs.settings import Settings
from core.model import ModelClient
from core.models.client import ChatClient
from core.policy.paths import is_secret
from core.run import StopSignal
from core.secrets.process_memory import make_undumpable
from core.store import Store, open_store
from core.store.files.history import Snapshots
from core.store.files.thread_files import Outputs
from core.tool import AgentContext, AgentTool, RunSubagent, Services
from tools import builtin_tools
from tools.workspace import Backend, LocalBackend

log = logging.getLogger(__name__)

_opening = asyncio.Lock()
_shared: dict[int, tuple[Services, Store]] = {}
_threads: dict[tuple[int, str], dict[str, AgentTool]] = {}
_backends: dict[tuple[int, str], Backend] = {}
_subagents: list[RunSubagent] = []


def subagents_run_by(run: RunSubagent) -> None:
    """Hand tools what runs the graph, which stands above them: graph/agent.py does, once."""
    _subagents[:] = [run]


def build_services(
    settings: Settings, store: Store, *, models: ModelClient | None = None, cwd: str = "."
) -> Services:
    """Everything a node needs, over an open store. Nothing heavy is imported or started yet.
    `cwd`: where the programs of MCP servers run."""
    return Services(
        settings=settings,
        models=models or ChatClient(settings),
        journal=store.journal,
        inbox=store.inbox,
        ledger=store.ledger,
        grants=store.grants,
        files_seen=store.files_seen,
        threads=store.threads,
        backend=LocalBackend(settings),
        outputs=Outputs(settings.state_path()),
        snapshots=Snapshots(store.database, settings.state_path(), is_secret, store.is_driven),
        tools=builtin_tools(),
        clock=time.time,
        stop=StopSignal(),
        mcp=_servers(settings, cwd),
        run_subagent=_subagents[0] if _subagents else None,
    )


def in_sandbox(services: Services, thread: str, flavor: str) -> Services:
    """`services` of a thread that works in a sandbox; as they are where `flavor` is empty."""
    if not flavor:
        return services
    from tools.workspace.sandbox.machine import SandboxBackend

    backend = SandboxBackend(services.settings, thread, flavor)
    there = replace(services, backend=backend)
    backend.services = there
    return there


def _servers(settings: Settings, cwd: str) -> Any:
    if not settings.mcpServers:
        return None
    from tools.mcp.servers import Servers

    return Servers(settings, cwd)


async def services_of(runtime: Runtime[AgentContext]) -> Services:
    """The run's services: those of its context, else the process's own."""
    if runtime.context.services is not None:
        return runtime.context.services
    loop = id(asyncio.get_running_loop())
    async with _opening:
        if loop not in _shared:
            make_undumpable()
            loaded = await asyncio.to_thread(load)
            settings = loaded.settings
            if loaded.untrusted:
                names = in_words(loaded.untrusted)
                log.warning("this folder is not trusted; ignored: %s (ml-agent trust)", names)
            store = await open_store(settings)
            _shared[loop] = (build_services(settings, store), store)
    services = _shared[loop][0]
    # A stop belongs to one run: sharing the signal would stop everybody's.
    tools, backend = await _tools(services, runtime), _backend(services, runtime)
    return replace(services, stop=StopSignal(), tools=tools, backend=backend)


def _backend(services: Services, runtime: Runtime[AgentContext]) -> Backend:
    """The sandbox of the runtime's thread, where the settings want one."""
    if not services.settings.sandbox.flavor:
        here: Backend = services.backend
        return here
    info = runtime.execution_info
    thread = (info.thread_id if info else "") or "none"
    key = (id(services), thread)
    if key not in _backends:
        flavor = services.settings.sandbox.flavor
        _backends[key] = in_sandbox(services, thread, flavor).backend
    return _backends[key]


async def _tools(services: Services, runtime: Runtime[AgentContext]) -> Mapping[str, AgentTool]:
    """The tools of the runtime's thread. Nobody says here where a turn begins, so a thread keeps
    its MCP tools as long as the process lives."""
    if services.mcp is None:
        return services.tools
    info = runtime.execution_info
    thread = info.thread_id or "" if info else ""
    key = (id(services), thread)
    if key not in _threads:
        found = await services.mcp.tools_for(thread or "none")
        services.mcp.connect()
        _threads.setdefault(key, {**services.tools, **found})
    return _threads[key]


async def cwd_of(context: AgentContext) -> str:
    """The run's working directory; where none was named, the process's."""
    return context.cwd or await asyncio.to_thread(os.getcwd)


async def close_shared() -> None:
    """Close what `services_of` opened for this event loop; for a program that ends."""
    opened = _shared.pop(id(asyncio.get_running_loop()), None)
    if opened is not None:
        for key in [key for key in _backends if key[0] == id(opened[0])]:
            await _backends.pop(key).close()
        if opened[0].mcp is not None:
            await opened[0].mcp.close()
        await opened[1].close()
