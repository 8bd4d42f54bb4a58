"""The live parts of a run, over an open store. `Session` opens its own set and passes it in the
context; nodes/shared_services.py opens one for a process that passes none."""

import logging
import time
from dataclasses import replace

from configs.settings import Settings
from core.backend import Say
from core.credentials import is_shared
from core.errors import UsageError
from core.model import ModelClient
from core.models.client import ChatClient
from core.run import StopSignal
from core.store import Store
from core.store.files.thread_files import Outputs
from core.tool import Services
from tools import builtin_tools, sandboxes
from tools.workspace.this_machine import LocalBackend

log = logging.getLogger(__name__)


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
        waits=store.waits,
        experiments=store.experiments,
        files_seen=store.files_seen,
        backend=LocalBackend(settings),
        outputs=Outputs(settings.state_path()),
        tools=builtin_tools(),
        clock=time.time,
        stop=StopSignal(),
    )


def in_sandbox(services: Services, thread: str, flavor: str, notice: Say = log.info) -> Services:
    """`services` of a thread that works in a sandbox; as they are if `flavor` is empty.

    Raises UsageError if this installation has no sandboxes.
    """
    if not flavor:
        if is_shared():
            raise UsageError("Cannot work on this server: sessions need a sandbox.", "choose one")
        return services
    found = sandboxes()
    if found is None:
        raise UsageError("this installation has no sandboxes", "use --sandbox none")
    return replace(services, backend=found.sandbox_of(services, thread, flavor, notice))
