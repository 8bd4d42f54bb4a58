"""Jobs that repeat: made once, found again by their label."""

from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.tool import NotBegun, ToolContext, ToolResult
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.run import spec_of
from tools.hub.jobs.spec import LABEL, label_of


async def schedule(arguments: JobsArguments, ctx: ToolContext) -> ToolResult:
    """Raises ToolError where it was not made."""
    if not arguments.cron:
        raise ToolError("schedule needs cron: five fields, or @hourly, @daily, @weekly")
    spec = await spec_of(arguments, ctx)
    hub = Hub.of(ctx)
    namespace = await hub.payer()
    note = {"namespace": namespace, "label": label_of(ctx.call_id)}
    await ctx.note(note)
    try:
        made = await hub.ask(
            lambda api: api.create_scheduled_job(
                schedule=arguments.cron, namespace=namespace, **spec
            ),
            again=False,
        )
    except ToolError as error:
        try:
            found = await _look_up(hub, note)
        except ToolError:
            said = f"{error.message} Whether it was scheduled is unknown: look with schedules."
            return ToolResult(said, ok=False, outcome="unknown")
        if found is None:
            raise
        made = found
    return _told(made)


async def scheduled(ctx: ToolContext, note: dict[str, Any]) -> ToolResult:
    """After a crash. Raises NotBegun where there is none."""
    found = await _look_up(Hub.of(ctx), note)
    if found is None:
        raise NotBegun
    return _told(found)


async def _look_up(hub: Hub, note: dict[str, Any]) -> Any:
    labels = {LABEL: note["label"]}
    found = await hub.ask(
        lambda api: api.list_scheduled_jobs(labels=labels, namespace=note["namespace"])
    )
    ours = [one for one in found if (one.job_spec.labels or {}).get(LABEL) == note["label"]]
    return ours[0] if ours else None


def _told(made: Any) -> ToolResult:
    upcoming = made.status.next_job_run_at
    when = f"; next run {upcoming}" if upcoming else ""
    return ToolResult(f"Scheduled job {made.id}: {made.schedule}{when}. unschedule ends it.")
