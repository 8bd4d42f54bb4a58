"""One more run of a job (rerun) or of a schedule (trigger), from the spec that the Hub keeps.

The Hub makes it with the secrets of the first one, which it shows to no one. Such a job has the
labels of the first, so after a crash it is found by its initiator: the note lists those before it.
"""

from __future__ import annotations

import base64
import gzip
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import flavor_of, job_of
from core.hub.library import check_method
from core.tool import NotBegun, ToolContext, ToolResult
from core.units import dollars, duration
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.launch import submitted
from tools.hub.jobs.preflight import cannot_pay
from tools.hub.jobs.spec import SCRIPT

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Seconds that the Hub lets a job run if its spec has no time limit.
UNLIMITED = 30 * 60
#: Newest jobs that are looked through for those of one initiator.
LISTED = 500
INITIATORS = {"rerun": "duplicated-job", "trigger": "scheduled-job"}


@dataclass(frozen=True)
class Source:
    """What runs again. longest: seconds, over all attempts. described: what it runs."""

    flavor: str
    longest: float
    described: str


async def source_of(a: JobsArguments, hub: Hub) -> Source:
    """Raises ToolError."""
    if not a.id:
        raise ToolError(
            f"{a.operation} needs id, the {'job' if a.operation == 'rerun' else 'schedule'}'s"
        )
    kind = "jobs" if a.operation == "rerun" else "scheduled-jobs"
    reply = await hub.get(
        f"/api/{kind}/{await hub.payer()}/{a.id}",
        missing=f"Cannot {a.operation} {a.id}: not found.",
    )
    body = reply.json()
    spec = body.get("jobSpec") or body
    words = [*(spec.get("command") or []), *(spec.get("arguments") or [])]
    where = spec.get("dockerImage") or spec.get("spaceId") or ""
    longest = (spec.get("timeout") or UNLIMITED) * (1 + int(spec.get("retry") or 0))
    return Source(str(spec["flavor"]), float(longest), f"{where}\n\n{_readable(words)}")


def _readable(words: list[str]) -> str:
    """A command; of a packed script how it is run, and its source."""
    for place, word in enumerate(words):
        try:
            source = gzip.decompress(base64.b64decode(word, validate=True)).decode()
        except (ValueError, OSError, EOFError):
            continue
        ran = words[place - 1].rpartition(" && exec ")[2].replace(SCRIPT, "script.py")
        return f"{ran}\n\n{source}"
    return " ".join(words)


async def foreseen(a: JobsArguments, ctx: ToolContext) -> tuple[int, str]:
    """The price at most, in micro-USD, and what the user sees of it. Raises ToolError."""
    hub = Hub.of(ctx)
    source = await source_of(a, hub)
    flavor = await flavor_of(source.flavor, hub)
    price = flavor.price(source.longest)
    lines = [
        f"{a.operation} {a.id} on {flavor.name} ({flavor.described})",
        f"${flavor.hourly:.2f} an hour × {duration(source.longest)} = {dollars(price)} at most",
        "with the environment, secrets and volumes of the first run",
        *await cannot_pay(hub),
        f"image {source.described}",
    ]
    return price, "\n".join(lines)


async def launch_again(a: JobsArguments, ctx: ToolContext) -> ToolResult:
    """Raises ToolError if nothing was submitted."""
    hub = Hub.of(ctx)
    source = await source_of(a, hub)
    flavor = await flavor_of(source.flavor, hub)
    namespace = await hub.payer()
    known = [job.id for job in await hub.ask(lambda api: _made_by(api, namespace, a))]
    note = {
        "namespace": namespace,
        "known": known,
        "flavor": flavor.name,
        "per_minute": flavor.per_minute,
        "ceiling": flavor.price(source.longest),
        "at": ctx.services.clock(),
        "output": a.output,
        "model": a.model,
    }
    await ctx.note(note)
    try:
        made = await hub.ask(lambda api: _make(api, namespace, a), again=False)
    except ToolError as error:
        try:
            found = await _look_up(hub, note, a)
        except ToolError:
            said = f"{error.message} Whether the job was launched is unknown: look with ps first."
            return ToolResult(said, ok=False, outcome="unknown")
        if found is None:
            return ToolResult(error.message, ok=False, outcome="failed", cost_micro_usd=0)
        made = found
    return await submitted(a, ctx, note, job_of(made))


async def recovered_again(a: JobsArguments, ctx: ToolContext, note: dict[str, Any]) -> ToolResult:
    """After a crash: the job that this call made. Raises NotBegun if there is none."""
    try:
        made = await _look_up(Hub.of(ctx), note, a)
    except ToolError as error:
        said = f"It was begun, and whether a job was launched is unknown: {error.message}"
        return ToolResult(said, ok=False, outcome="unknown")
    if made is None:
        raise NotBegun
    return await submitted(a, ctx, note, job_of(made))


def _make(api: HfApi, namespace: str, a: JobsArguments) -> Any:
    if a.operation == "rerun":
        check_method("rerun_job", ())
        return api.rerun_job(job_id=a.id, namespace=namespace)
    check_method("trigger_scheduled_job", ())
    return api.trigger_scheduled_job(scheduled_job_id=a.id, namespace=namespace)


def _made_by(api: HfApi, namespace: str, a: JobsArguments) -> list[Any]:
    """The jobs that were made from this job or schedule, the newest first."""
    wanted = (INITIATORS[a.operation], a.id)
    newest = itertools.islice(api.list_jobs(namespace=namespace), LISTED)
    return [
        job
        for job in newest
        if job.initiator is not None and (job.initiator.type, job.initiator.id) == wanted
    ]


async def _look_up(hub: Hub, note: dict[str, Any], a: JobsArguments) -> Any:
    """The newest one that was not there before; None if there is none. Of a schedule it may be one
    that its time started: then that one runs instead of a second. Raises ToolError."""
    found = await hub.ask(lambda api: _made_by(api, note["namespace"], a))
    return next((job for job in found if job.id not in note["known"]), None)
