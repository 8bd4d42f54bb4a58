"""Launching a job: once, whatever happens to this process or to the Hub's answer.

The call's label and the namespace are in the journal before the request goes out; afterwards, or
in a later process, the Hub is asked for a job with that label before anything else.
"""

import asyncio
from typing import Any

from core.errors import ToolError
from core.events import ToolStateChange
from core.hub.connection import Hub
from core.hub.job_price import dollars, duration, flavor_of, seconds_of
from core.hub.job_state import Job, job_of
from core.tool import NotBegun, ToolContext, ToolResult
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.spec import (
    LABEL,
    check_credentials,
    command_of,
    image_of,
    label_of,
    read_script,
    secrets_of,
    volumes_of,
)
from tools.hub.jobs.wait import wait_for

#: Seconds between looks for a job whose request may still be on its way.
LOOKS = (0.0, 1.0, 3.0)


async def launch(arguments: JobsArguments, ctx: ToolContext) -> ToolResult:
    """Submit, and return at once, or wait. Raises ToolError where nothing was submitted."""
    spec = await spec_of(arguments, ctx)
    hub = Hub.of(ctx)
    flavor = await flavor_of(arguments.flavor, hub)
    namespace = await hub.payer()
    note = {
        "namespace": namespace,
        "label": label_of(ctx.call_id),
        "flavor": flavor.name,
        "per_minute": flavor.per_minute,
        "ceiling": flavor.price(spec["timeout"]),
        "at": ctx.services.clock(),
    }
    await ctx.note(note)
    try:
        info = await hub.ask(lambda api: api.run_job(namespace=namespace, **spec), again=False)
        job = job_of(info)
    except ToolError as error:
        found = await _found(ctx, note, error)
        if isinstance(found, ToolResult):
            return found
        job = found
    return await _submitted(arguments, ctx, note, job)


async def spec_of(arguments: JobsArguments, ctx: ToolContext) -> dict[str, Any]:
    """What `run_job` takes, namespace excluded. Raises ToolError that names the argument."""
    if not arguments.flavor or not arguments.timeout:
        raise ToolError(f"{arguments.operation} needs flavor and timeout")
    if bool(arguments.script) == bool(arguments.command):
        raise ToolError("run takes script or command, one of them")
    source = await asyncio.to_thread(read_script, arguments.script, ctx.cwd)
    await asyncio.to_thread(check_credentials, arguments, source)
    labels = {LABEL: label_of(ctx.call_id), "ml-agent-thread": ctx.thread}
    spec: dict[str, Any] = {
        "image": image_of(arguments),
        "command": command_of(arguments, source),
        "flavor": arguments.flavor,
        "timeout": seconds_of(arguments.timeout),
        "attempts": 1,  # attempts × time limit would be the real ceiling
        "labels": labels,
        "env": {**arguments.env} or None,
        "secrets": await asyncio.to_thread(secrets_of, arguments.secrets, ctx.services.settings)
        or None,
        "volumes": await asyncio.to_thread(volumes_of, arguments.volumes),
    }
    if arguments.name:
        spec["name"] = arguments.name
    return spec


async def _found(ctx: ToolContext, note: dict[str, Any], error: ToolError) -> Job | ToolResult:
    """The job whose answer was lost, or how the launch failed."""
    try:
        found = await look_up(Hub.of(ctx), note)
    except ToolError:
        said = f"{error.message} Whether the job was launched is unknown: look with ps first."
        return ToolResult(said, ok=False, outcome="unknown")
    if found is None:
        return ToolResult(error.message, ok=False, outcome="failed", cost_micro_usd=0)
    return found


async def look_up(hub: Hub, note: dict[str, Any]) -> Job | None:
    """The job of this call, by its label; None where the Hub has none. Raises ToolError."""
    labels = {LABEL: note["label"]}
    for pause in LOOKS:
        await asyncio.sleep(pause)
        found = await hub.ask(
            lambda api: list(api.list_jobs(labels=labels, namespace=note["namespace"]))
        )
        # A server that does not filter must not hand us somebody else's job.
        ours = [info for info in found if (info.labels or {}).get(LABEL) == note["label"]]
        if ours:
            return job_of(ours[0])
    return None


async def _submitted(
    arguments: JobsArguments, ctx: ToolContext, note: dict[str, Any], job: Job
) -> ToolResult:
    note = {**note, "job": job.id}
    await ctx.note(note)
    ctx.emit(ToolStateChange(id=ctx.call_id, tool=ctx.tool, state="running", url=job.url))
    if not arguments.detach:
        return await wait_for(job, ctx, tail=arguments.tail, call=(ctx.call_id, note))
    limit = duration(seconds_of(arguments.timeout)) if arguments.timeout else "its time limit"
    lines = [
        f"Job {job.id} was submitted on {job.flavor}: {job.url}",
        f"{dollars(note['per_minute'] * 60)} an hour, at most {dollars(note['ceiling'])} "
        f"({limit}). Stage: {job.stage}.",
        "It goes on by itself; its end is told at your next step. wait follows it, logs shows it.",
    ]
    return ToolResult("\n".join(lines), still_costs=True)


async def relaunch(arguments: JobsArguments, ctx: ToolContext, note: dict[str, Any]) -> ToolResult:
    """After a crash: the job that was launched, by its label. Raises NotBegun where there is
    none."""
    try:
        job = await look_up(Hub.of(ctx), note)
    except ToolError as error:
        said = f"It was begun, and whether a job was launched is unknown: {error.message}"
        return ToolResult(said, ok=False, outcome="unknown")
    if job is None:
        raise NotBegun
    return await _submitted(arguments, ctx, note, job)
