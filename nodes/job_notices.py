"""Tells the model of jobs that have ended by themselves."""

from typing import Any

from langchain_core.messages import HumanMessage

from nodes.interrupt import Stopped
from nodes.step import Step
from tools import thread_jobs


async def ended_jobs(step: Step, known: list[str]) -> tuple[list[HumanMessage], dict[str, Any]]:
    """(words on each job that has ended by itself, the update that remembers them)."""
    jobs = thread_jobs() if "hf_jobs" in step.services.tools else None
    if jobs is None:
        return [], {}
    try:
        work = jobs.ended_jobs(step.services, step.thread, known, step.emit)
        messages, told = await step.race(work)
    except Stopped:
        return [], {}
    return messages, {"told": told} if told != known else {}
