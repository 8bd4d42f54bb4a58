"""Jobs: what one costs, how the Hub sees it now, and what a thread's own ones came to.

A price is the flavor's, asked of the Hub at the time, times the job's time limit.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.tool import Services, ToolContext
from core.units import duration

_PER_MINUTE = {"second": 60.0, "minute": 1.0, "hour": 1 / 60}
ENDED = ("COMPLETED", "ERROR", "CANCELED", "DELETED")


@dataclass(frozen=True)
class Flavor:
    """Hardware of a job. per_minute: micro-USD."""

    name: str
    described: str
    per_minute: float

    @property
    def hourly(self) -> float:
        """USD per hour."""
        return self.per_minute * 60 / 1e6

    def price(self, seconds: float) -> int:
        """Micro-USD for so many seconds, rounded up."""
        return math.ceil(self.per_minute * seconds / 60)


async def flavors(hub: Hub, *, spaces: bool = False) -> list[Flavor]:
    """All there are for jobs, or for Spaces, the cheapest first. Raises ToolError."""
    listed = await hub.ask(
        lambda api: api.list_spaces_hardware() if spaces else api.list_jobs_hardware()
    )
    found = [_flavor(one) for one in listed]
    return sorted(found, key=lambda flavor: flavor.per_minute)


async def flavor_of(name: str, hub: Hub, *, spaces: bool = False) -> Flavor:
    """Raises ToolError with the names that are near if there is none of this name."""
    known = {flavor.name: flavor for flavor in await flavors(hub, spaces=spaces)}
    if name not in known:
        near = difflib.get_close_matches(name, known, 3, 0.5) or list(known)[:8]
        raise ToolError(f"flavor: there is no {name!r}; there are {', '.join(near)}, ...")
    return known[name]


def _flavor(one: Any) -> Flavor:
    gpu = one.accelerator
    parts = [one.pretty_name, one.cpu, f"{one.ram} RAM"]
    if gpu is not None:
        parts.append(f"{gpu.quantity}× {gpu.model} {gpu.vram}")
    cost = one.unit_cost_micro_usd * _PER_MINUTE.get(one.unit_label, 1.0)
    return Flavor(one.name, ", ".join(str(part) for part in parts if part), float(cost))


@dataclass(frozen=True)
class Job:
    """stage: SCHEDULING, RUNNING or one of ENDED. seconds: it ran, None before it started.
    addresses: of its exposed ports, and for ssh."""

    id: str
    namespace: str
    stage: str
    message: str
    flavor: str
    seconds: float | None
    url: str
    name: str = ""
    created: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        return self.stage in ENDED

    @property
    def failed(self) -> bool:
        return self.ended and self.stage != "COMPLETED"

    def line(self) -> str:
        ran = f"ran {duration(self.seconds)}" if self.seconds else "has not run"
        said = f": {self.message}" if self.message else ""
        return f"job {self.id} on {self.flavor}: {self.stage}{said} ({ran}) {self.url}"


def job_of(info: Any) -> Job:
    """From huggingface_hub's JobInfo."""
    stage = getattr(info.status.stage, "value", info.status.stage)
    ran = info.durations.running_secs if info.durations else None
    if ran is None and info.started_at and info.finished_at:
        ran = (info.finished_at - info.started_at).total_seconds()
    return Job(
        id=info.id,
        namespace=info.owner.name,
        stage=str(stage),
        message=info.status.message or "",
        flavor=str(getattr(info.flavor, "value", info.flavor) or ""),
        seconds=None if ran is None else float(ran),
        url=info.url,
        name=(info.labels or {}).get("name", ""),
        created=info.created_at.strftime("%Y-%m-%d %H:%M") if info.created_at else "",
        environment=dict(info.environment or {}),
        addresses=tuple(x for x in [*(info.status.expose_urls or []), info.status.ssh_url] if x),
    )


async def inspected(job: str, namespace: str, hub: Hub) -> Job:
    """Raises ToolError."""
    return job_of(await hub.ask(lambda api: api.inspect_job(job_id=job, namespace=namespace)))


@dataclass(frozen=True)
class Launches:
    """The jobs that a thread launched, by the notes of their calls in the journal."""

    services: Services
    thread: str

    @classmethod
    def of(cls, ctx: ToolContext) -> Launches:
        return cls(ctx.services, ctx.thread)

    async def all(self) -> list[tuple[str, dict[str, Any]]]:
        """(call id, the note of its launch), each tool's oldest first."""
        notes = await self.services.journal.notes(self.thread, "hf_jobs", "hf_eval")
        return [(call, note) for call, note in notes if note.get("job")]

    async def settle(
        self, call: str, note: dict[str, Any], job: Job, *, seen: bool = True
    ) -> int | None:
        """Book what a job came to, once it has ended; micro-USD. None: not known.
        `seen`: the model reads of its end in this call's result."""
        if not job.ended:
            return None
        rate = note.get("per_minute")
        cost = None if rate is None else round(rate * (job.seconds or 0) / 60)
        if cost is not None:
            await self.services.ledger.settle(call, cost)
        kept = {**note, "stage": job.stage, "seconds": job.seconds, "cost": cost, "seen": seen}
        await self.services.journal.note(self.thread, call, kept)
        return cost

    async def settle_if_ours(self, job: Job) -> int | None:
        """The same for a job that might belong to another thread."""
        for call, note in await self.all():
            if note["job"] == job.id:
                return await self.settle(call, note, job)
        return None

    async def note_of(self, job: Job) -> dict[str, Any] | None:
        """The note of its launch; None: it is not this thread's."""
        return next((note for _, note in await self.all() if note["job"] == job.id), None)
