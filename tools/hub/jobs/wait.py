"""A job's log, and waiting for its end: lines as they come, the metrics that training prints.

The stream of a log (GET /api/jobs/{namespace}/{id}/logs: `data: {"timestamp", "data"}`, a comment
every 30 s) never says that it ends: the job's state tells. A job continues when the wait for it is
left; a failed job is a failure.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

from core.errors import ToolError
from core.events import ToolState, ToolStateChange
from core.http import certificates
from core.hub.connection import Hub, bearer
from core.hub.jobs import Job, Launches, inspected
from core.tool import Services, ToolContext, ToolResult
from core.units import exact_dollars
from tools.hub.jobs.log import KEPT, JobLog
from tools.hub.jobs.produced import produced
from tools.hub.jobs.smoke import keep_measured

#: Seconds without a line after which a look at the logs has them all; seconds to connect.
QUIET, CONNECT = 2.0, 10.0
#: Seconds between looks at a job: the first, and the longest.
FIRST_LOOK, LONGEST_LOOK = 1.0, 15.0
#: Looks in a row that may fail before the wait is given up.
PATIENCE = 5
#: Lines that are read of the log of a job that no one waited for.
BRIEF = 5_000
#: Seconds without a line after the end until there are no more.
DRAIN = 1.5
Launch = tuple[str, dict[str, Any]]


async def events(
    hub: Hub, namespace: str, job: str, route: str = "logs", tail: int | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    """The events of a job's stream as they come. Raises httpx.HTTPError where it breaks off."""
    url = f"{hub.url}/api/jobs/{namespace}/{job}/{route}"
    headers = {"Accept": "text/event-stream", **bearer(await hub.token_for(url))}
    import httpx

    timeout = httpx.Timeout(None, connect=CONNECT)
    params = {"tail": tail} if tail else {}
    async with (
        httpx.AsyncClient(timeout=timeout, verify=certificates()) as client,
        client.stream("GET", url, params=params, headers=headers) as response,
    ):
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                try:
                    data = json.loads(line.removeprefix("data:"))
                except ValueError:
                    continue
                if isinstance(data, dict):
                    yield data


async def so_far(
    hub: Hub, namespace: str, job: str, route: str = "logs", *, most: int, tail: int | None = None
) -> list[dict[str, Any]]:
    """What a stream holds now: up to `most` events, until it is quiet. [] if there is none."""
    import httpx

    found: list[dict[str, Any]] = []
    stream = events(hub, namespace, job, route, tail)
    try:
        while len(found) < most:
            found.append(await asyncio.wait_for(anext(stream), QUIET if found else CONNECT))
    except (StopAsyncIteration, TimeoutError, httpx.HTTPError):
        pass
    finally:
        await stream.aclose()
    return found


async def log_so_far(hub: Hub, job: Job, most: int = KEPT) -> JobLog:
    """The newest `most` lines of a job's log."""
    log = JobLog()
    for event in await so_far(hub, job.namespace, job.id, most=most, tail=most):
        log.add(event)
    return log


async def wait_for(
    job: Job, ctx: ToolContext, *, tail: int, call: Launch | None = None
) -> ToolResult:
    """The end of `job`, with its last lines and metrics. `call`: the launch it settles."""
    hub, log, ours = Hub.of(ctx), JobLog(), Launches.of(ctx)
    note = call[1] if call else await ours.note_of(job)
    # Its first line comes once it runs.
    ctx.training.rate = (note or {}).get("per_minute", 0.0) / 60
    ctx.training.began = ctx.services.clock() - (job.seconds or 0)
    following = asyncio.ensure_future(_follow(job, hub, log))
    try:
        ended = await _ended(job, hub)
        read = -1
        while read != log.events:  # lines still arrive
            read = log.events
            await asyncio.wait({following}, timeout=DRAIN)
    except asyncio.CancelledError:
        if ctx.services.stop.is_set():
            return _left(job, log, tail)
        raise
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    if not job.ended:
        state: ToolState = "failed" if ended.failed else "done"
        ctx.emit(ToolStateChange(id=ctx.call_id, tool=ctx.tool, state=state, url=ended.url))
    if not log.lines:
        log = await log_so_far(hub, ended)
    cost = await (ours.settle(*call, ended) if call else ours.settle_if_ours(ended))
    return ended_result(ended, log, tail, cost, await outcome(ended, log, ctx.services, ctx.thread))


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
                said = f"{error.message} Job {job.id} is still running; wait for it again later."
                raise ToolError(said) from None
            continue
        if job.stage != before.stage:
            hub.log(job.line())
    return job


async def _follow(job: Job, hub: Hub, log: JobLog) -> None:
    """Its log as lines of progress; a stream that breaks off is continued where it was."""
    import httpx

    while True:
        seen = 0
        try:
            async for event in events(hub, job.namespace, job.id):
                seen += 1
                if seen > log.events and (text := log.add(event)):
                    hub.log(text[:500])
        except httpx.HTTPError:
            pass
        await asyncio.sleep(FIRST_LOOK)


async def outcome(job: Job, log: JobLog, services: Services, thread: str) -> list[str]:
    """What a smoke run measured, and what a training left in its repository."""
    lines = await keep_measured(services, thread, job.id, log.lines)
    notes = [note for _, note in await Launches(services, thread).all() if note["job"] == job.id]
    return lines + (await produced(job, notes[-1], Hub(services.settings)) if notes else [])


async def last_words(job: Job, services: Services, thread: str, cost: int | None) -> str:
    """How a job ended that no one waited for."""
    log = await log_so_far(Hub(services.settings), job, BRIEF)
    return ended_result(job, log, 20, cost, await outcome(job, log, services, thread)).text


def ended_result(
    job: Job, log: JobLog, tail: int, cost: int | None, more: Sequence[str] = ()
) -> ToolResult:
    """How a job ended, its metrics and its last lines. `more`: lines of its outcome."""
    spent = "" if cost is None else f", {exact_dollars(cost)}"
    head = [f"{job.line()[0].upper()}{job.line()[1:]}{spent}", *more]
    found, shown = log.metrics(), log.tail(tail)
    metrics = ["", "Metrics in its log", *(f"  {line}" for line in found)] if found else []
    logs = ["", f"Last lines of its log ({len(shown)} of {len(log.lines)})", *shown]
    text = "\n".join([*head, *metrics, *(logs if shown else ["Its log is empty."])])
    return ToolResult(text, ok=not job.failed, outcome="failed" if job.failed else "done",
                      cost_micro_usd=cost, still_costs=cost is None)  # fmt: skip


def _left(job: Job, log: JobLog, tail: int) -> ToolResult:
    shown = "\n".join(log.tail(tail))
    said = f"Stopped waiting. Job {job.id} is still running and still costs money: {job.url}"
    return ToolResult(f"{said}\n{shown}".strip(), ok=False, outcome="interrupted", still_costs=True)
