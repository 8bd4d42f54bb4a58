"""Running jobs: reported if the user leaves or interrupts, and /jobs."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cli.shared.bootstrap import complain

if TYPE_CHECKING:
    from graph.session import Session

#: Seconds that the Hub may take to say what continues: no one waits long to leave.
PATIENCE = 5.0


async def going_on(session: "Session") -> list[Any]:
    """The thread's running jobs; [] where the Hub cannot say."""
    from core.errors import AgentError

    try:
        async with asyncio.timeout(PATIENCE):
            found: list[Any] = await session.jobs()
            return found
    except (AgentError, TimeoutError):
        return []


async def tell_of_jobs(session: "Session", say: Callable[[str], None]) -> list[Any]:
    """Say which jobs keep running after an interrupt; an interrupt ends none of them."""
    jobs = await going_on(session)
    for job in jobs:
        how = f"/jobs cancel {job.id} in the chat cancels it"
        say(f"{job.line()} is still running and still costs money; {how}")
    return jobs


async def jobs_command(session: "Session", word: str, say: Callable[[str], None]) -> None:
    """`/jobs`: those of this thread that continue. `/jobs cancel ID`."""
    from core.errors import AgentError

    verb, _, job = word.partition(" ")
    try:
        if verb == "cancel" and job.strip():
            await session.cancel_job(job.strip())
            say(f"job {job.strip()} was cancelled")
            return
        if word:
            say("/jobs lists jobs, /jobs cancel ID cancels one")
            return
        jobs = await session.jobs()
        for one in jobs:
            say(one.line())
        if not jobs:
            say("no running jobs")
    except AgentError as error:
        complain(error.message, error.hint)
