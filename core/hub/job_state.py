"""One job as the Hub sees it now, in words and figures; its cost is settled in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.hub.connection import Hub
from core.hub.job_price import duration
from core.tool import Services, ToolContext

ENDED = ("COMPLETED", "ERROR", "CANCELED", "DELETED")


@dataclass(frozen=True)
class Job:
    """stage: SCHEDULING, RUNNING or one of ENDED. seconds: it ran, None before it started."""

    id: str
    namespace: str
    stage: str
    message: str
    flavor: str
    seconds: float | None
    url: str
    name: str = ""
    created: str = ""

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
        """(call id, the note of its launch), oldest first."""
        notes = await self.services.journal.notes(self.thread, "hf_jobs")
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
        """The same for a job that may not be of this thread."""
        for call, note in await self.all():
            if note["job"] == job.id:
                return await self.settle(call, note, job)
        return None
