"""Waiting for a job: its log lines as they come, until it ends. The job goes on when the wait is
left; a failed job is a failure."""

import asyncio
from contextlib import suppress
from typing import Any

from core.errors import ToolError
from core.events import ToolState, ToolStateChange
from core.hub.connection import Hub
from core.hub.job_state import Job, Launches, inspected
from core.tool import ToolContext, ToolResult
from tools.hub.jobs.logs import events, series, so_far, text_of

#: Seconds between looks at a job: the first, and the longest.
FIRST_LOOK, LONGEST_LOOK = 1.0, 15.0
#: Looks in a row that may fail before the wait is given up.
PATIENCE = 5
#: Seconds for the last lines to arrive after the end.
DRAIN = 1.5
#: Lines of the log that are kept for the result.
KEPT = 20_000

Launch = tuple[str, dict[str, Any]]


async def wait_for(
    job: Job, ctx: ToolContext, *, tail: int, call: Launch | None = None
) -> ToolResult:
    """The end of `job`, with its last lines and metrics. `call`: the launch it settles."""
    hub, lines = Hub.of(ctx), list[str]()
    following = asyncio.ensure_future(_follow(job, hub, lines))
    try:
        ended = await _ended(job, hub)
        await asyncio.wait({following}, timeout=DRAIN)
    except asyncio.CancelledError:
        if ctx.services.stop.is_set():
            return _left(job, lines, tail)
        raise
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    if not job.ended:
        state: ToolState = "failed" if ended.failed else "done"
        ctx.emit(ToolStateChange(id=ctx.call_id, tool=ctx.tool, state=state, url=ended.url))
    if not lines:
        found = await so_far(hub, ended.namespace, ended.id, most=KEPT, tail=max(tail, 1000))
        lines = [text_of(event) for event in found]
    ours = Launches.of(ctx)
    cost = await (ours.settle(*call, ended) if call else ours.settle_if_ours(ended))
    return ended_result(ended, lines, tail, cost)


async def _ended(job: Job, hub: Hub) -> Job:
    pause, failures = FIRST_LOOK, 0
    while not job.ended:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_LOOK)
        try:
            before, job = job, await inspected(job.id, job.namespace, hub)
            failures = 0
        except ToolError as error:
            failures += 1
            if failures == PATIENCE:
                said = f"{error.message} Job {job.id} goes on; wait for it again later."
                raise ToolError(said) from None
            continue
        if job.stage != before.stage:
            hub.log(job.line())
    return job


async def _follow(job: Job, hub: Hub, lines: list[str]) -> None:
    """Its log as lines of progress; a stream that breaks off is taken up where it was."""
    import httpx

    while True:
        seen = 0
        try:
            async for event in events(hub, job.namespace, job.id):
                seen += 1
                text = text_of(event)
                if seen > len(lines) and len(lines) < KEPT:
                    lines.append(text)
                    if text:
                        hub.log(text[:500])
        except httpx.HTTPError:
            pass
        await asyncio.sleep(FIRST_LOOK)


async def last_words(job: Job, hub: Hub, cost: int | None) -> str:
    """How a job ended that nobody waited for."""
    found = await so_far(hub, job.namespace, job.id, most=KEPT, tail=1000)
    lines = [text_of(event) for event in found]
    return ended_result(job, lines, 20, cost).text


def ended_result(job: Job, lines: list[str], tail: int, cost: int | None) -> ToolResult:
    """How a job ended, its metrics and its last lines."""
    spent = "" if cost is None else f", ${cost / 1e6:.4f}"
    head = [f"{job.line()[0].upper()}{job.line()[1:]}{spent}"]
    found = series(lines)
    metrics = ["", "Metrics in its log", *(f"  {line}" for line in found)] if found else []
    shown = [line for line in lines if line][-tail:]
    logs = ["", f"Last lines of its log ({len(shown)} of {len(lines)})", *shown]
    text = "\n".join([*head, *metrics, *(logs if shown else ["Its log is empty."])])
    return ToolResult(text, ok=not job.failed, outcome="failed" if job.failed else "done",
                      cost_micro_usd=cost, still_costs=cost is None)  # fmt: skip


def _left(job: Job, lines: list[str], tail: int) -> ToolResult:
    shown = "\n".join(line for line in lines[-tail:] if line)
    said = f"Left by the person. Job {job.id} goes on, and costs: {job.url}"
    return ToolResult(f"{said}\n{shown}".strip(), ok=False, outcome="interrupted", still_costs=True)
