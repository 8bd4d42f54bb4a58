"""What hf_jobs tells without changing anything."""

import itertools
from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import Job, Launches, flavors, inspected, job_of
from core.result_text import listed, row
from core.tool import ToolContext, ToolResult
from core.units import exact_dollars
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.tracking import tracked
from tools.hub.jobs.wait import log_so_far, so_far, wait_for

#: Jobs that a list shows.
MOST = 50


async def read_of(a: JobsArguments, ctx: ToolContext) -> ToolResult:
    hub = Hub.of(ctx)
    if a.operation == "hardware":
        found = await flavors(hub)
        lines = [row(f.name, f"${f.hourly:.2f}/h", f.described) for f in found]
        return listed(lines, "the Hub lists no hardware")
    if a.operation == "ps":
        return await _jobs(hub)
    if a.operation == "schedules":
        return await _schedules(hub)
    job = await _job(a, hub)
    if a.operation == "wait":
        return await wait_for(job, ctx, tail=a.tail)
    cost = await Launches.of(ctx).settle_if_ours(job) if job.ended else None
    if a.operation == "inspect":
        spent = "" if cost is None else f"\ncost: {exact_dollars(cost)}"
        reached = f"\nreached at {', '.join(job.addresses)}" if job.addresses else ""
        return ToolResult(f"{job.line()}{spent}{reached}")
    if a.operation == "metrics":
        return await _metrics(job, hub)
    log = await log_so_far(hub, job)
    figures = [f"[{line}]" for line in log.metrics()]
    shown = log.tail(a.tail) or ["its log is empty so far"]
    return ToolResult("\n".join([job.line(), *figures, *shown]))


async def _job(a: JobsArguments, hub: Hub) -> Job:
    if not a.id:
        raise ToolError(f"{a.operation} needs id, the job's")
    return await inspected(a.id, await hub.payer(), hub)


async def _jobs(hub: Hub) -> ToolResult:
    namespace = await hub.payer()
    found = await hub.ask(
        lambda api: list(itertools.islice(api.list_jobs(namespace=namespace), MOST))
    )
    jobs = [job_of(info) for info in found]
    lines = [row(job.created, job.name, job.line()) for job in jobs]
    return listed(lines, f"{namespace} has no jobs", "" if len(jobs) < MOST else "the newest only")


async def _schedules(hub: Hub) -> ToolResult:
    namespace = await hub.payer()
    found = await hub.ask(lambda api: api.list_scheduled_jobs(namespace=namespace))
    lines = [
        row(
            one.id,
            str(one.schedule),
            (one.job_spec.labels or {}).get("name", ""),
            one.job_spec.flavor or "",
            "suspended" if one.suspend else "",
            f"next run {one.status.next_job_run_at}" if one.status.next_job_run_at else "",
        )
        for one in found
    ]
    return listed(lines, f"{namespace} has no scheduled jobs")


async def _metrics(job: Job, hub: Hub) -> ToolResult:
    lines = [*await _machine(job, hub), *await tracked(job, hub)]
    return ToolResult("\n".join([job.line(), *lines]))


async def _machine(job: Job, hub: Hub) -> list[str]:
    if job.stage != "RUNNING":
        return ["A job has metrics of its machine only while it runs."]
    samples = await so_far(hub, job.namespace, job.id, "metrics", most=1)
    if not samples:
        return ["No sample of its machine came; try again."]
    now = samples[0]
    lines = [f"cpu {now.get('cpu_usage_pct', '?')} %", _memory("memory", now)]
    for name, gpu in (now.get("gpus") or {}).items():
        lines.append(f"gpu {name}: {gpu.get('utilization', '?')} % busy, {_memory('memory', gpu)}")
    return lines


def _memory(name: str, facts: dict[str, Any]) -> str:
    used, total = facts.get("memory_used_bytes"), facts.get("memory_total_bytes")
    if not isinstance(used, int) or not isinstance(total, int):
        return f"{name} unknown"
    return f"{name} {used / 1e9:.1f} of {total / 1e9:.1f} GB"
