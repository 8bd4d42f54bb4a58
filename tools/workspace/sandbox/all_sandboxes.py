"""What the rest of the program asks of sandboxes: a thread's own one, and all that ml-agent made,
listed by `doctor` and ended with their threads."""

from configs.settings import Settings
from core.backend import Backend, Say
from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import flavors, job_of
from core.store import Store, open_store
from core.tool import Services
from tools.extension import RunningSandbox
from tools.workspace.sandbox.bill import settle_job
from tools.workspace.sandbox.client import LABEL, alive, end_job
from tools.workspace.sandbox.machine import SandboxBackend


def sandbox_of(services: Services, thread: str, flavor: str, notice: Say) -> Backend:
    return SandboxBackend(services, thread, flavor, notice)


async def living(settings: Settings) -> list[RunningSandbox]:
    """Those in whose name we run jobs. Raises ToolError, StoreError."""
    hub = Hub(settings)
    namespace = await hub.payer()
    jobs = await hub.ask(lambda api: alive(api, namespace))
    if not jobs:
        return []
    try:
        hourly = {flavor.name: flavor.hourly for flavor in await flavors(hub)}
    except ToolError:
        hourly = {}
    found = []
    async with await open_store(settings) as store:
        for job in map(job_of, jobs):
            thread = next((j.labels or {}).get(LABEL, "") for j in jobs if j.id == job.id)
            price = hourly.get(job.flavor)
            found.append(
                RunningSandbox(
                    job.id,
                    namespace,
                    job.flavor,
                    thread,
                    store.is_driven(thread),
                    await store.threads.get(thread) is not None,
                    "" if price is None else f", ${price:.2f} an hour",
                )
            )
    return found


async def end_all(settings: Settings, store: Store, thread: str) -> list[str]:
    """End what sandboxes a thread has, and book their cost; their ids. Raises ToolError."""
    hub = Hub(settings)
    namespace = await hub.payer()
    jobs = await hub.ask(lambda api: alive(api, namespace, thread))
    for job in jobs:
        seconds = await end_job(hub, job.id, namespace, cancel=True)
        await settle_job(store, thread, job.id, seconds)
    return [job.id for job in jobs]
