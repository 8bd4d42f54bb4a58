"""Jobs of a thread that ended by themselves: told to the model once, their cost settled."""

import asyncio
import itertools
import logging

from langchain_core.messages import HumanMessage

from core.errors import AgentError, ToolError
from core.events import Emit, ToolLog, ToolStateChange
from core.history import note
from core.hub.connection import Hub
from core.hub.jobs import Job, Launches, inspected, job_of
from core.secrets.redaction import redacted
from core.store import ThreadRow
from core.tool import Services
from core.training import training_line
from core.units import dollars
from tools.hub.endpoints.runs import overdue
from tools.hub.jobs.wait import BRIEF, last_words, log_so_far

log = logging.getLogger(__name__)

#: Seconds between two looks at the same job, and that a look may take.
BETWEEN, PATIENCE = 20.0, 10.0
#: Tools whose calls leave something that runs after them.
RUNS_ELSEWHERE = ("hf_jobs", "hf_eval", "hf_endpoint", "hf_repo")
#: Jobs that a list of a namespace has.
LISTED = 500


async def has_jobs(services: Services, thread: str) -> bool:
    """Whether a call of the thread began something that runs on the Hub."""
    return bool(await services.journal.notes(thread, *RUNS_ELSEWHERE))


async def ended_jobs(
    services: Services, thread: str, told: list[str], emit: Emit
) -> tuple[list[HumanMessage], list[str]]:
    """(a message for each job that has ended since, the jobs that were told about or need not be).
    Endpoints whose time is over are paused.

    Args:
        told: jobs whose end the model knows.
    """
    if not await has_jobs(services, thread):
        return [], told

    def say(text: str) -> None:
        emit(ToolLog(id="", tool="hf_jobs", text=text))

    hub, launches = Hub(services.settings, say), Launches(services, thread)
    messages, known = await overdue(services, thread, list(told), emit)
    for call, launch in await launches.all():
        job_id = launch["job"]
        if job_id in known:
            continue
        if launch.get("seen"):
            known.append(job_id)  # wait or inspect has told about it
            continue
        now = services.clock()
        if now - services.looked.get(job_id, 0.0) < BETWEEN:
            continue
        services.looked[job_id] = now
        try:
            async with asyncio.timeout(PATIENCE):
                job = await inspected(job_id, launch["namespace"], hub)
                if not job.ended:
                    continue
                cost = await launches.settle(call, launch, job, seen=False)
                text = await last_words(job, services, thread, cost)
        except (AgentError, TimeoutError) as error:
            log.debug("job %s could not be looked at: %s", job_id, error)
            continue
        known.append(job_id)
        emit(ToolStateChange(id=call, tool="hf_jobs", state="failed" if job.failed else "done",
                             url=job.url))  # fmt: skip
        say(job.line())
        messages.append(note(f"A job of this thread has ended.\n{redacted(text)}", f"job-{job_id}"))
    return messages, known


async def running_jobs(services: Services, thread: ThreadRow, ended: bool = False) -> list[Job]:
    """The jobs that the thread launched and that run; `ended`: also those whose end this look
    finds. Raises ToolError."""
    hub, launches = Hub(services.settings), Launches(services, thread.id)
    found = []
    for call, launch in await launches.all():
        if launch.get("stage"):
            continue
        job = await inspected(launch["job"], launch["namespace"], hub)
        if job.ended:
            await launches.settle(call, launch, job, seen=False)
        if ended or not job.ended:
            found.append(job)
    return found


async def job_progress(services: Services, thread: ThreadRow, job: Job) -> str:
    """A training in its log, in a line with its cost so far; "" if there is none."""
    read = await log_so_far(Hub(services.settings), job, BRIEF)
    note = await Launches(services, thread.id).note_of(job) or {}
    rate, seconds = note.get("per_minute"), job.seconds
    cost = dollars(rate * seconds / 60) if rate and seconds else ""
    line = training_line("\n".join(read.lines))
    return " · ".join(part for part in (line, cost) if part)


async def cancel_job(services: Services, thread: ThreadRow, job_id: str) -> None:
    """End a job of the thread. Raises ToolError."""
    launches = Launches(services, thread.id)
    namespaces = {launch["job"]: launch["namespace"] for _, launch in await launches.all()}
    if job_id not in namespaces:
        raise ToolError(f"this session has launched no job {job_id}")
    namespace = namespaces[job_id]
    await Hub(services.settings).ask(lambda api: api.cancel_job(job_id=job_id, namespace=namespace))


async def namespace_of(services: Services, thread: str, job_id: str) -> str:
    """The account that a job belongs to. Raises ToolError: there is no such job."""
    hub = Hub(services.settings)
    for _, launch in await Launches(services, thread).all():
        if launch["job"] == job_id:
            return str(launch["namespace"])
    return (await inspected(job_id, await hub.payer(), hub)).namespace


async def list_all(services: Services, namespace: str) -> dict[str, Job]:
    """The newest jobs of a namespace, by id, in one request. Raises ToolError."""
    found = await Hub(services.settings).ask(
        lambda api: list(itertools.islice(api.list_jobs(namespace=namespace), LISTED))
    )
    return {info.id: job_of(info) for info in found}


async def look_up(services: Services, namespace: str, job_id: str) -> Job | None:
    """One job; None if it was deleted. Raises ToolError."""
    try:
        return await inspected(job_id, namespace, Hub(services.settings))
    except ToolError as error:
        response = getattr(error.__cause__, "response", None)
        if getattr(response, "status_code", None) == 404:
            return None
        raise


async def log_lines(services: Services, job: Job) -> list[str]:
    """The newest lines of its log."""
    return list((await log_so_far(Hub(services.settings), job)).lines)


async def end_of(services: Services, thread: str, job: Job) -> str:
    """How a job ended, with its metrics and last lines; its cost is booked. Raises ToolError."""
    launches = Launches(services, thread)
    cost = await launches.settle_if_ours(job)
    return await last_words(job, services, thread, cost)
