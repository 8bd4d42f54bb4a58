"""What was checked before a job costs money, each line with its evidence: a row of the journal, or
"not checked". Nothing is guessed from the script's text.

Evidence is the note that a tool left with its call: hf_dataset inspect, hf_fit, and earlier jobs.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.tool import ToolContext
from core.units import duration, seconds_of
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.smoke import in_words, whole_run
from tools.hub.jobs.tracking import tracked_line

#: Pairs of (where the evidence is from, as the user reads it; the note).
Notes = Sequence[tuple[str, dict[str, Any]]]


async def preflight(arguments: JobsArguments, ctx: ToolContext, env: dict[str, str]) -> list[str]:
    """Lines for the approval."""
    journal, now = ctx.services.journal, ctx.services.clock()
    inspected, fitted, jobs = [
        [(_evidence(note, now), note) for _, note in await journal.notes(ctx.thread, tool)]
        for tool in ("hf_dataset", "hf_fit", "hf_jobs")
    ]
    return [
        *_data(arguments, inspected),
        *_model(arguments, fitted),
        _output(arguments),
        tracked_line(env, arguments.secrets) or _monitoring(arguments),
        _smaller(jobs),
        *_measured(arguments, jobs),
    ]


def _evidence(note: dict[str, Any], now: float) -> str:
    """Which job it was, or how long ago something was checked."""
    if note.get("job"):
        return f"job {note['job']}"
    hours = int((now - note.get("at", 0.0)) // 3600)
    if hours < 1:
        return "checked less than 1 h ago"
    return f"checked {hours} h ago" if hours < 48 else f"checked {hours // 24} days ago"


async def cannot_pay(hub: Hub) -> list[str]:
    """A line if the account that pays has no payment method."""
    try:
        payer = await hub.payer()
        me = await hub.ask(lambda api: api.whoami())
    except ToolError:
        return []
    accounts = [me, *(me.get("orgs") or [])]
    account: dict[str, Any] = next((one for one in accounts if one.get("name") == payer), {})
    if account.get("canPay") is not False:
        return []
    where = f"{hub.url}/settings/billing"
    return [f"payment: {payer} has no payment method, so the Hub will refuse it ({where})"]


def _data(arguments: JobsArguments, notes: Notes) -> Iterator[str]:
    if not arguments.datasets:
        yield "data: none named, not checked"
    for name in arguments.datasets:
        found = _newest(notes, lambda note: note.get("dataset") == name)  # noqa: B023
        if found is None:
            yield f"data: {name} not checked (hf_dataset inspect was not called on it)"
            continue
        where, note = found
        fits = ", ".join(note.get("fits", [])) or "no training method"
        yield f"data: {name} inspected, its columns fit {fits} ({where})"


def _model(arguments: JobsArguments, notes: Notes) -> Iterator[str]:
    """A line for each method that was checked: which of them the script uses is not known."""
    if not arguments.model:
        yield "memory: no model named, not checked"
        return
    checked = {
        note.get("method", ""): (where, note)
        for where, note in notes
        if note.get("model") == arguments.model
    }
    if not checked:
        yield f"memory: {arguments.model} not checked (hf_fit was not called for it)"
    for method, (where, note) in checked.items():
        named = f"{method} of {arguments.model}"
        if arguments.flavor in note.get("flavors", []):
            yield f"memory: {named} fits {arguments.flavor} ({where})"
        else:
            said = f"{named} does NOT fit {arguments.flavor}, as far as hf_fit can tell"
            yield f"memory: {said} ({where})"


def _output(arguments: JobsArguments) -> str:
    if not arguments.output:
        return "result: no place named; what stays on the job's disk is gone when it ends"
    return f"result: to {arguments.output}, says the model; not checked in the script"


def _monitoring(arguments: JobsArguments) -> str:
    if not arguments.monitoring:
        return "monitoring: none named; only the logs show progress"
    return f"monitoring: {arguments.monitoring}, says the model"


def _smaller(notes: Notes) -> str:
    """Whether anything like it ran through before: a time limit needs something to go by."""
    done = [
        (where, note)
        for where, note in notes
        if note.get("stage") == "COMPLETED" and not note.get("smoke")
    ]
    if not done:
        return "time limit: not checked, no job of this session has run through yet"
    where, note = done[-1]
    took = duration(note.get("seconds"))
    return f"time limit: an earlier job took {took} on {note.get('flavor')} ({where})"


def _measured(arguments: JobsArguments, notes: Notes) -> Iterator[str]:
    """What a smoke run of the same model measured."""
    if arguments.operation == "smoke":
        return
    found = _newest(
        notes, lambda note: note.get("measured") and note.get("model") == arguments.model
    )
    if found is not None:
        where, note = found
        other = "" if note.get("flavor") == arguments.flavor else " (another flavor)"
        yield f"smoke: {in_words(note['measured'], note)}{other} ({where})"
        whole, limit = whole_run(note["measured"]), seconds_of(arguments.timeout)
        if whole > limit and not other:
            yield f"time limit: {duration(limit)} is LESS than the whole run takes"


def _newest(notes: Notes, fits: Any) -> tuple[str, dict[str, Any]] | None:
    return next(((where, note) for where, note in reversed(notes) if fits(note)), None)
