"""Tells the model of jobs and background commands that have ended by themselves, each once."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage

from core.backend import RunningCommand
from core.history import Call, note
from core.quick import quickly
from core.secrets.redaction import redacted
from core.state import AgentState
from nodes.interrupt import Stopped
from nodes.step import Step
from tools import thread_jobs
from tools.extension import Jobs

#: Bytes of a command's output that are told, and of its line.
SHOWN, LINE = 2_000, 200
#: Seconds between two looks at the commands of a sandbox.
BETWEEN = 20.0


async def told_ends(step: Step, state: AgentState) -> tuple[list[HumanMessage], dict[str, Any]]:
    """(words on each job and command that has ended by itself, the update that remembers them)."""
    known = state.get("told", [])
    if not await _has_work(step):
        return [], {}
    try:
        ends, told = await step.race(_ends(step, state.get("messages", []), known))
    except Stopped:
        return [], {}
    return ends, {"told": told} if told != known else {}


async def _has_work(step: Step) -> bool:
    """Whether there is anything to look at. Asked at each step, and most threads have nothing; the
    look itself may take long, and needs a task."""
    services, jobs = step.services, _thread_jobs(step)
    if jobs is not None and await jobs.has_jobs(services, step.thread):
        return True
    if services.inside is not None:
        return False
    if services.backend.about:
        return services.clock() - services.looked.get("commands", 0.0) >= BETWEEN
    return await quickly(_has_any, services.outputs.runs(step.thread))


def _thread_jobs(step: Step) -> Jobs | None:
    return thread_jobs() if "hf_jobs" in step.services.tools else None


async def _ends(
    step: Step, messages: Sequence[AnyMessage], known: list[str]
) -> tuple[list[HumanMessage], list[str]]:
    jobs, known = await _jobs(step, known)
    commands, known = await _commands(step, messages, known)
    return [*jobs, *commands], known


async def _jobs(step: Step, known: list[str]) -> tuple[list[HumanMessage], list[str]]:
    jobs = _thread_jobs(step)
    if jobs is None:
        return [], known
    return await jobs.ended_jobs(step.services, step.thread, known, step.emit)


async def _commands(
    step: Step, messages: Sequence[AnyMessage], known: list[str]
) -> tuple[list[HumanMessage], list[str]]:
    """The same for commands; `known`: ids of the calls that began them, too."""
    services = step.services
    if services.inside is not None:
        return [], known
    if services.backend.about:
        now = services.clock()
        if now - services.looked.get("commands", 0.0) < BETWEEN:
            return [], known
        services.looked["commands"] = now
    elif not await quickly(_has_any, services.outputs.runs(step.thread)):
        return [], known
    new, ends = [], []
    for run in await services.backend.commands(step.thread):
        meta = run.meta() if run.name not in known else None
        if meta is None or not meta.background or run.state() != "finished":
            continue
        ends.append(run.name)
        if not _is_read(run, messages):
            head = f"Background command {run.id} has ended: {meta.command[:LINE]}"
            text = redacted(f"{head}\n{_how(run)}")
            new.append(note(text, f"command-{run.name}"))
    return new, [*known, *ends]


def _has_any(folder: Path) -> bool:
    """Whether a run is left in `folder`: one that ended and was told is gone by now."""
    try:
        with os.scandir(folder) as entries:
            return any(entries)
    except FileNotFoundError:
        return False


def _how(run: RunningCommand) -> str:
    output, _ = run.read_output(SHOWN)
    code = run.exit_code()
    how = f"[{run.ended() or 'ended'}]" if code is None else f"[exit code {code}]"
    return f"{output.rstrip()}\n{how}".lstrip()


def _is_read(run: RunningCommand, messages: Sequence[AnyMessage]) -> bool:
    """Whether the model has read of the end in the result of a call."""
    calls = {
        call["id"]: Call(call["id"] or "", call["name"], call["args"])
        for message in messages
        for call in getattr(message, "tool_calls", ())
    }
    for message in messages:
        if not isinstance(message, ToolMessage):
            continue
        call, text = calls.get(message.tool_call_id), message.text
        if message.tool_call_id == run.name and not text.startswith("Started in the background"):
            return True
        names_it = call is not None and call.args.get("id") in (run.id, run.name)
        if names_it and call and call.name == "process" and "[still running" not in text:
            return True
    return False
