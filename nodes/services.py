"""The live parts of a run, over an open store. `Session` opens its own set and passes it in the
context; nodes/shared_services.py opens one for a process that passes none."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from configs.settings import Settings
from core.model import ModelClient
from core.models.client import ChatClient
from core.run import StopSignal
from core.store import Store
from core.store.files.thread_files import Outputs
from core.tool import Services
from tools import builtin_tools
from tools.workspace import LocalBackend

if TYPE_CHECKING:
    from tools.mcp.servers import Servers


def build_services(
    settings: Settings, store: Store, *, models: ModelClient | None = None
) -> Services:
    """Everything a node needs. Nothing heavy is imported or started yet."""
    return Services(
        settings=settings,
        models=models or ChatClient(settings),
        journal=store.journal,
        inbox=store.inbox,
        ledger=store.ledger,
        grants=store.grants,
        files_seen=store.files_seen,
        backend=LocalBackend(settings),
        outputs=Outputs(settings.state_path()),
        tools=builtin_tools(),
        clock=time.time,
        stop=StopSignal(),
    )


def in_sandbox(services: Services, thread: str, flavor: str) -> Services:
    """`services` of a thread that works in a sandbox; as they are if `flavor` is empty."""
    if not flavor:
        return services
    from tools.workspace.sandbox.machine import SandboxBackend

    backend = SandboxBackend(services.settings, thread, flavor)
    there = replace(services, backend=backend)
    backend.services = there
    return there


def mcp_servers(settings: Settings, cwd: str = ".") -> Servers | None:
    """The configured servers, none started; None without any. Their programs run in `cwd`."""
    if not settings.mcpServers:
        return None
    from tools.mcp.servers import Servers

    return Servers(settings, cwd)
