"""Launching or scheduling a job: once, whatever happens to this process or the Hub's answer.

The call's label and the namespace are in the journal before the request goes out; afterwards, or
in a later process, the Hub is asked for what has that label before anything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.events import ToolStateChange
from core.hub.connection import Hub
from core.hub.jobs import Flavor, Job, flavor_of, job_of
from core.tool import NotBegun, ToolContext, ToolResult
from core.units import dollars, duration
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.folders import folders_in, look_through, upload
from tools.hub.jobs.smoke import seconds_of_smoke
from tools.hub.jobs.spec import LABEL, label_of, spec_of
from tools.hub.jobs.wait import wait_for

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Seconds between looks for a job whose request may still be on its way.
LOOKS = (0.0, 1.0, 3.0)


async def launch(arguments: JobsArguments, ctx: ToolContext) -> ToolResult:
    """Submit, and return at once, or wait. Raises ToolError where nothing was submitted."""
    spec = await spec_of(arguments, ctx)
    hub = Hub.of(ctx)
    flavor = await flavor_of(arguments.flavor, hub)
    limit(arguments, spec, flavor)
    namespace = await hub.payer()
    note = {
        "namespace": namespace,
        "label": label_of(ctx.call_id),
        "flavor": flavor.name,
        "per_minute": flavor.per_minute,
        "ceiling": flavor.price(spec["timeout"]),
        "at": ctx.services.clock(),
        "smoke": arguments.operation == "smoke",
        "output": "" if arguments.operation == "smoke" else arguments.output,
        "model": arguments.model,
    }
    try:
        made = await _once(ctx, note, await _make(arguments, ctx, namespace, spec))
    except ToolError as error:
        return ToolResult(error.message, ok=False, outcome="failed", cost_micro_usd=0)
    if isinstance(made, ToolResult):
        return made
    return await submitted(arguments, ctx, note, job_of(made))


def limit(arguments: JobsArguments, spec: dict[str, Any], flavor: Flavor) -> None:
    """A smoke run's time limit follows from its cents."""
    if arguments.operation == "smoke":
        spec["timeout"] = seconds_of_smoke(flavor, spec["timeout"], arguments.cents)


async def schedule(arguments: JobsArguments, ctx: ToolContext) -> ToolResult:
    """Raises ToolError if it was not made."""
    if not arguments.cron:
        raise ToolError("schedule needs cron: five fields, or @hourly, @daily, @weekly")
    spec = await spec_of(arguments, ctx)
    namespace = await Hub.of(ctx).payer()
    note = {"namespace": namespace, "label": label_of(ctx.call_id)}
    made = await _once(ctx, note, await _make(arguments, ctx, namespace, spec), repeats=True)
    return made if isinstance(made, ToolResult) else _scheduled(made)


async def _make(
    arguments: JobsArguments, ctx: ToolContext, namespace: str, spec: dict[str, Any]
) -> Callable[[HfApi], Any]:
    """The requests that make the job or the schedule; local folders are uploaded first."""
    folders = folders_in(arguments.volumes)
    found = list(zip(folders, await look_through(folders, ctx.cwd), strict=True))

    def make(api: HfApi) -> Any:
        whole = dict(spec)
        if found:
            uploaded = upload(api, namespace, label_of(ctx.call_id), found)
            whole["volumes"] = [*(spec["volumes"] or []), *uploaded]
        if arguments.operation == "schedule":
            return api.create_scheduled_job(schedule=arguments.cron, namespace=namespace, **whole)
        return api.run_job(namespace=namespace, **whole)

    return make


async def _once(
    ctx: ToolContext, note: dict[str, Any], make: Callable[[HfApi], Any], repeats: bool = False
) -> Any:
    """What `make` made, though the Hub's answer be lost; a ToolResult if no one can tell whether
    it was made. Raises ToolError where nothing was made."""
    hub = Hub.of(ctx)
    await ctx.note(note)
    try:
        return await hub.ask(make, again=False)
    except ToolError as error:
        try:
            found = await look_up(hub, note, repeats)
        except ToolError:
            said = (
                "it was scheduled is unknown: look with schedules."
                if repeats
                else "the job was launched is unknown: look with ps first."
            )
            return ToolResult(f"{error.message} Whether {said}", ok=False, outcome="unknown")
        if found is None:
            raise
        return found


async def look_up(hub: Hub, note: dict[str, Any], repeats: bool = False) -> Any:
    """The job that this call made, or the one that repeats, by its label; None where the Hub has
    none. Raises ToolError."""
    namespace, labels = note["namespace"], {LABEL: note["label"]}
    for pause in LOOKS[:1] if repeats else LOOKS:
        await asyncio.sleep(pause)
        found = await hub.ask(
            lambda api: (
                list(api.list_scheduled_jobs(labels=labels, namespace=namespace))
                if repeats
                else list(api.list_jobs(labels=labels, namespace=namespace))
            )
        )
        # A server that does not filter must not hand us someone else's job.
        for one in found:
            made: Any = one
            held = (made.job_spec if repeats else made).labels or {}
            if held.get(LABEL) == note["label"]:
                return made
    return None


async def submitted(
    arguments: JobsArguments, ctx: ToolContext, note: dict[str, Any], job: Job
) -> ToolResult:
    note = {**note, "job": job.id}
    await ctx.note(note)
    ctx.emit(ToolStateChange(id=ctx.call_id, tool=ctx.tool, state="running", url=job.url))
    if not arguments.detach:
        return await wait_for(job, ctx, tail=arguments.tail, call=(ctx.call_id, note))
    longest = duration(note["ceiling"] / note["per_minute"] * 60) if note["per_minute"] else "?"
    lines = [
        f"Job {job.id} was submitted on {job.flavor}: {job.url}",
        f"{dollars(note['per_minute'] * 60)} an hour, at most {dollars(note['ceiling'])} "
        f"({longest}). Stage: {job.stage}.",
        "It keeps running; your next step reports its end. wait follows it, logs shows it.",
    ]
    return ToolResult("\n".join(lines), still_costs=True)


def _scheduled(made: Any) -> ToolResult:
    upcoming = made.status.next_job_run_at
    when = f"; next run {upcoming}" if upcoming else ""
    return ToolResult(f"Scheduled job {made.id}: {made.schedule}{when}. unschedule ends it.")


async def recovered(arguments: JobsArguments, ctx: ToolContext, note: dict[str, Any]) -> ToolResult:
    """After a crash: what was made, by its label. Raises NotBegun if there is none."""
    repeats = arguments.operation == "schedule"
    try:
        made = await look_up(Hub.of(ctx), note, repeats)
    except ToolError as error:
        if repeats:
            raise
        said = f"It was begun, and whether a job was launched is unknown: {error.message}"
        return ToolResult(said, ok=False, outcome="unknown")
    if made is None:
        raise NotBegun
    return _scheduled(made) if repeats else await submitted(arguments, ctx, note, job_of(made))
