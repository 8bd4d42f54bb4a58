"""All sandboxes that ml-agent made, whichever thread's: listed by `doctor`, ended with a thread."""

from dataclasses import dataclass

from configs.settings import Settings
from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import flavors, job_of
from core.store import Store, open_store
from tools.workspace.sandbox.bill import settle_job
from tools.workspace.sandbox.client import LABEL, alive, end_job


@dataclass(frozen=True)
class Living:
    """A sandbox that lives. driven: some process works in its thread. known: the thread is in this
    database. price: in words, or ""."""

    id: str
    namespace: str
    flavor: str
    thread: str
    driven: bool
    known: bool
    price: str

    @property
    def how_to_end(self) -> str:
        return f"hf jobs cancel {self.namespace}/{self.id}"


async def living(settings: Settings) -> list[Living]:
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
                Living(
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
