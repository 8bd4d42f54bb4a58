"""wait: the stop that ends a run until something has happened; nothing is asked of a model.

The second place that interrupts (nodes/approval.py is the other). Before the interrupt it looks
once and writes the wait's row, which a second time changes nothing; what has happened is read from
that row, so any process may wake the thread, and no kill makes the call be answered twice.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from core.durable import WaitRow
from core.errors import ToolError
from core.events import ToolStateChange
from core.history import Call, pending_calls, tool_message
from core.run import Reach
from core.secrets.redaction import redacted
from core.state import AgentState, Verdict
from core.store.wait_words import wait_of, waited
from core.text import encodable
from core.tool import AgentContext, ToolResult
from core.units import seconds_of
from nodes.interrupt import Stopped
from nodes.step import Step
from nodes.tell_call import tell_call, tell_result
from nodes.validate import validated
from tools import thread_jobs
from tools.wait.arguments import WaitArguments
from tools.wait.conditions import stored
from tools.wait.lookout import Lookout, Place
from tools.wait.tool import is_wait

ONE = "Not run: an answer waits once. Put all conditions into one call."


async def wait(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """Answer the call once something has happened; until then, end the run here."""
    step, verdicts = await Step.of(runtime), state.get("verdicts", {})
    calls = [call for call in pending_calls(state["messages"]) if is_wait(call, verdicts)]
    first, *others = calls
    results = {call.id: ToolResult(ONE, ok=False, outcome="failed") for call in others}
    happened: dict[str, Any] = {}
    try:
        row = await _begun(state, step, first, verdicts[first.id])
        happened = row.event or {}
        text = f"{await _in_full(happened, step)}\n{waited(happened['at'] - row.made)}"
        failed = bool(happened.get("failed"))
        results[first.id] = ToolResult(text, not failed, "failed" if failed else "done")
    except ToolError as error:
        results[first.id] = ToolResult(f"Not run: {error.message}", ok=False, outcome="failed")
    except Stopped:
        results[first.id] = ToolResult("Stopped by the user.", ok=False, outcome="interrupted")
    update: dict[str, Any] = {"messages": [_told(step, call, results[call.id]) for call in calls]}
    # The id of a job, or of the call that began a command: its end is not told once more.
    ended = happened.get("job") or happened.get("call") if happened.get("ended") else None
    if ended and ended not in state.get("told", []):
        update["told"] = [*state.get("told", []), ended]
    return update


def _told(step: Step, call: Call, result: ToolResult) -> Any:
    result = replace(result, text=encodable(redacted(result.text)))
    tell_result(step, call, result, truncated=False, seconds=0.0)
    return tool_message(call, result, step.services.clock())


async def _begun(state: AgentState, step: Step, call: Call, verdict: Verdict) -> WaitRow:
    """The wait's row with what has happened; interrupts the run while nothing has.

    Raises ToolError (it can never come true), Stopped.
    """
    waits = step.services.waits
    row = await waits.get(step.thread, call.id)
    if row is None:
        row = await _new(state, step, call, verdict)
        place = Place(step.services, step.cwd)
        happened = await step.race(Lookout(thread_jobs()).look(row, place, now=True))
        if happened is not None:
            return replace(row, event=happened)
        await waits.make(row)
    if row.event is None:
        effect = verdict["effect"]
        tell_call(step, call, effect)
        step.emit(ToolStateChange(id=call.id, tool=call.name, state="running"))
        words = interrupt(request_of(row))
        # Studio resumes with any value: that is a wake by hand.
        text = str(words) or "The wait was ended by hand."
        by_hand = {"kind": "hand", "text": text, "at": step.services.clock()}
        row = await waits.wake(step.thread, call.id, by_hand) or replace(row, event=by_hand)
    return row


async def _new(state: AgentState, step: Step, call: Call, verdict: Verdict) -> WaitRow:
    """Raises ToolError, Stopped."""
    if step.services.stop.is_set():
        raise Stopped
    decision = verdict.get("decision")
    if decision and decision["type"] == "edit":
        call = call._replace(args=decision["arguments"])
    try:
        _, arguments = validated(call, step.services.tools)
    except ValueError as error:
        raise ToolError(str(error)) from None
    assert isinstance(arguments, WaitArguments)
    reach: Reach = verdict.get("reach", "offline")
    jobs, now = thread_jobs(), step.services.clock()
    conditions = [
        await step.race(stored(one, step.services, step.thread, jobs, reach))
        for one in arguments.until
    ]
    return WaitRow(
        thread=step.thread,
        call_id=call.id,
        conditions=conditions,
        note=redacted(arguments.note),
        made=now,
        until=now + seconds_of(arguments.timeout) if arguments.timeout else None,
        seq=state.get("turn", {}).get("seq", 0),
        run=options_of(step.context),
    )


def options_of(context: AgentContext) -> dict[str, Any]:
    """What of a run's options the process needs that continues it."""
    names = (
        "fallback_model", "effort", "max_iterations", "max_cost_micro_usd", "invocation", "allow",
        "deny", "interactive", "patience",
    )  # fmt: skip
    return {name: getattr(context, name) for name in names}


def request_of(row: WaitRow) -> dict[str, Any]:
    """The interrupt's value: what a thread waits for, for a user."""
    return {"waiting": wait_of(row)}


async def _in_full(happened: dict[str, Any], step: Step) -> str:
    """What the model reads of it. A job's end is booked here, under the lease, with its log."""
    jobs = thread_jobs()
    if happened["kind"] == "job" and happened.get("ended") and jobs is not None:
        with suppress(ToolError, Stopped):
            work = jobs.look_up(step.services, happened["namespace"], happened["job"])
            job = await step.race(work)
            if job is not None:
                return await step.race(jobs.end_of(step.services, step.thread, job))
    return str(happened["text"])
