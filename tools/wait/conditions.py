"""From a call's arguments to conditions as they are stored, and to words.

A stored condition is a dict of plain values with its `kind`:

    job      id, namespace, matches
    process  id, note (how the command is found again), host, matches
    command  command, every (seconds), reach
    at       at (epoch seconds)
"""

from datetime import datetime
from typing import Any

from core.errors import ToolError
from core.run import Reach
from core.store.wait_words import clock_time
from core.tool import Services
from core.units import seconds_of
from tools.extension import Jobs
from tools.wait.arguments import OFTEN, Condition

Stored = dict[str, Any]


async def stored(
    one: Condition, services: Services, thread: str, jobs: Jobs | None, reach: Reach
) -> Stored:
    """Raises ToolError for what can never come true: no such job or command, a time in the past."""
    now = services.clock()
    if one.kind == "job":
        if jobs is None:
            raise ToolError("job: this installation has no jobs")
        namespace = await jobs.namespace_of(services, thread, one.job)
        return {"kind": "job", "id": one.job, "namespace": namespace, "matches": one.matches}
    if one.kind == "process":
        return await _process(one, services, thread)
    if one.kind == "command":
        every = max(seconds_of(one.every), OFTEN)
        return {"kind": "command", "command": one.command, "every": every, "reach": reach}
    at = now + seconds_of(one.after) if one.after else _time(one.at)
    if at <= now:
        raise ToolError(f"at: {one.at} is in the past; it is {clock_time(now)} now")
    return {"kind": "at", "at": at}


async def _process(one: Condition, services: Services, thread: str) -> Stored:
    found = await services.backend.commands(thread)
    fitting = [run for run in found if one.process in (run.id, run.name)]
    if len(fitting) != 1:
        known = ", ".join(run.id for run in found) or "none"
        raise ToolError(f"process: no command has the id {one.process!r}; available: {known}")
    row = await services.journal.row(thread, fitting[0].name)
    if row is None or row.note is None:
        raise ToolError(f"process: nothing is known of the command {one.process}")
    return {
        "kind": "process",
        "id": fitting[0].id,
        "call": fitting[0].name,
        "note": row.note,
        "matches": one.matches,
    }


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ToolError(f"at: {text!r} is not a time; write 2026-01-31T08:00") from None
