"""execute_tools: runs one call, once.

One task per call (`Send`), rejected and denied ones included: they answer at once, so that a
single superstep writes all results in call order. The journal has `started` before the effect
and the result after it; on re-entry a finished call answers from there. Whatever a tool
raises is this call's result: an exception that left the node would cancel its siblings.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypedDict

from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime

from core.durable import Caps, JournalRow, Scope
from core.errors import AgentError, StoreError, ToolError
from core.events import (
    Emit,
    Event,
    ToolCall,
    ToolLog,
    ToolOutput,
    ToolState,
    ToolStateChange,
    emitter,
)
from core.history import Call, tool_message
from core.policy.paths import changed_place
from core.run import Reach
from core.secrets.redaction import redacted
from core.state import Verdict
from core.text import encodable
from core.tool import AgentContext, AgentTool, NotBegun, Services, ToolContext, ToolResult
from nodes.budget import WORDS, caps_of, dollars, scope_of
from nodes.interrupt import Stopped, race
from nodes.judge_calls import validated
from nodes.services import cwd_of, services_of
from tools.workspace import Spending

#: A result that goes to the model has at most so many characters...
RESULT_CHARACTERS = 30_000
#: ...and at most this share of the model's window, at four characters a token.
RESULT_SHARE = 0.1
#: Shorter results fit any window, so that nobody has to ask how large it is.
SURELY_SHORT = 2_000
CUT_OFF = (
    "The session was cut off while this ran; its outcome is unknown. Inspect what it left before "
    "repeating it."
)


class Task(TypedDict):
    """What routing sends: the call as [id, name, arguments], its verdict, and the turn's name in
    the ledger, without its thread."""

    call: list[Any]
    verdict: Verdict | None
    turn: str


async def execute_tools(state: Task, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    services = await services_of(runtime)
    call, verdict = Call(*state["call"]), state["verdict"]
    emit = emitter(runtime.stream_writer)
    info = runtime.execution_info
    thread = info.thread_id or "" if info else ""
    effect = verdict["effect"] if verdict else "read"
    emit(ToolCall(id=call.id, tool=call.name, arguments=call.args, effect=effect))
    began = time.monotonic()
    refused = _refusal(verdict)
    if refused is not None:
        result = replace(refused, text=encodable(redacted(refused.text)))
    elif services.stop.is_set():
        result = ToolResult("Not run: the turn was stopped.", ok=False, outcome="interrupted")
    else:
        context = runtime.context
        scope = scope_of(runtime, thread + state["turn"], services.clock())
        decided = _decided(call, verdict)
        # What a person changed has another price than the one that was foreseen.
        price = verdict.get("price_micro_usd") if verdict and decided == call else None
        allowed = bool(verdict and verdict.get("sandbox"))
        # What a person typed was not judged: they decided on it.
        places = verdict.get("places") if verdict and decided == call else None
        result = await _run_once(
            decided,
            thread,
            context,
            services,
            emit,
            scope,
            price,
            sandbox=allowed,
            places=places,
            reach=_reach(decided, verdict, context),
        )
    text, truncated = await _bounded(call, thread, result, runtime.context, services)
    result = replace(result, text=text)
    emit(ToolStateChange(id=call.id, tool=call.name, state=_state(result)))
    emit(
        ToolOutput(
            id=call.id,
            tool=call.name,
            ok=result.ok,
            text=text,
            truncated=truncated,
            seconds=round(time.monotonic() - began, 3),
        )
    )
    message = tool_message(call, result, services.clock())
    update: dict[str, Any] = {"messages": [message]}
    if result.plan is not None:
        update["plan"] = result.plan
    return update


def _clean(event: Event) -> Event:
    """A line of a running call without secrets."""
    if isinstance(event, ToolLog):
        return replace(event, text=redacted(event.text))
    return event


def _refusal(verdict: Verdict | None) -> ToolResult | None:
    """The result of a call that does not run; None if it may."""
    if verdict is None:
        return ToolResult("Not run: no verdict was stored for it.", ok=False, outcome="failed")
    action, decision = verdict["action"], verdict.get("decision")
    if action == "invalid":
        return ToolResult(f"Not run: {verdict['reason']}", ok=False, outcome="failed")
    if action == "deny":
        said = f"Refused by policy ({verdict['rule']}): {verdict['reason']}"
        return ToolResult(said, ok=False, outcome="rejected")
    if action == "ask" and decision is None:
        return ToolResult("Not run: nobody approved it.", ok=False, outcome="rejected")
    if decision and decision["type"] == "reject":
        words = decision.get("message", "")
        said = "The person rejected this call" + (f": {words}" if words else ".")
        return ToolResult(said, ok=False, outcome="rejected")
    if decision and decision["type"] == "respond":
        return ToolResult(decision.get("message", ""))
    return None


def _decided(call: Call, verdict: Verdict | None) -> Call:
    """The call with the arguments that a person put in the model's place, if one did."""
    decision = verdict.get("decision") if verdict else None
    if decision and decision["type"] == "edit":
        return call._replace(args=decision["arguments"])
    return call


def _reach(call: Call, verdict: Verdict | None, context: AgentContext) -> Reach:
    """What a command may reach: as the verdict says, or as the user left the call in an edit. A
    verdict of an older version says nothing."""
    decision = verdict.get("decision") if verdict else None
    if decision and decision["type"] == "edit" and context.mode != "read-only":
        return "outside" if call.args.get("outside_sandbox") is True else "network"
    if verdict and "reach" in verdict:
        return verdict["reach"]
    if context.mode == "read-only":
        return "read-only"
    return "network" if decision or context.mode in ("auto", "yolo") else "offline"


async def _run_once(
    call: Call,
    thread: str,
    context: AgentContext,
    services: Services,
    emit: Emit,
    scope: Scope,
    price: int | None = None,
    *,
    sandbox: bool = False,
    places: Mapping[str, str] | None = None,
    reach: Reach = "offline",
) -> ToolResult:
    """`price`: micro-USD, as it was foreseen; None: not yet. `sandbox`: it may start the thread's
    sandbox, whose price was decided on with it. `places`, `reach`: see ToolContext."""
    try:
        tool, arguments = validated(call, services.tools)
    except ValueError as error:
        row = await services.journal.row(thread, call.id)
        if call.name not in services.tools and row is not None and row.note is not None:
            return ToolResult(CUT_OFF, ok=False, outcome="unknown")  # its server is gone
        return ToolResult(f"Not run: {error}", ok=False, outcome="failed")
    journal = services.journal

    async def note(evidence: dict[str, Any]) -> None:
        await journal.note(thread, call.id, evidence)

    cwd = await cwd_of(context)
    run = ToolContext(
        call_id=call.id,
        tool=call.name,
        thread=thread,
        cwd=services.backend.folder(cwd) if tool.in_backend else cwd,
        services=services,
        emit=lambda event: emit(_clean(event)),
        note=note,
        model=context.model or services.settings.model_name,
        context=context,
        scope=scope,
        places=places or {},
        reach=reach,
    )
    # A row of a sub-agent's would look like a cut-off call when its task is entered again.
    row = None if tool.is_subagent else await journal.begin(thread, call.id, call.name)
    if row is not None and row.state == "done" and row.result is not None:
        return ToolResult.from_dict(row.result)
    emit(ToolStateChange(id=call.id, tool=call.name, state="running"))
    effect = tool.effect(arguments, run.cwd)
    caps = caps_of(context, services.settings)
    if effect.kind == "spend":
        work = _paid(tool, arguments, run, row, price, scope, caps)
    elif tool.in_backend:
        work = _in_backend(tool, arguments, run, row, Spending(scope, caps, sandbox))
    else:
        work = _effect(tool, arguments, run, row)
    result = await _caught(work if tool.is_subagent else race(work, services.stop))
    result = replace(result, text=encodable(redacted(result.text)))
    if not tool.is_subagent:
        await journal.finish(thread, call.id, result.to_dict())
    return result


async def _in_backend(
    tool: AgentTool, arguments: Any, ctx: ToolContext, row: JournalRow | None, spending: Spending
) -> ToolResult:
    """A call where commands run and files live, which may have to be started first."""
    told = ""
    if row is None or row.note is None:
        told = await ctx.services.backend.begin(ctx, spending)
    else:
        # It was begun before: a new sandbox would know nothing of it.
        with suppress(ToolError):
            told = await ctx.services.backend.begin(ctx, replace(spending, allowed=False))
    try:
        result = await _effect(tool, arguments, ctx, row)
    except ToolError as error:
        raise ToolError(f"{told}\n{error.message}" if told else error.message) from error
    return replace(result, text=f"{told}\n{result.text}") if told else result


async def _paid(
    tool: AgentTool,
    arguments: Any,
    ctx: ToolContext,
    row: JournalRow | None,
    price: int | None,
    scope: Scope,
    caps: Caps,
) -> ToolResult:
    """A call that spends: its price is set aside first, and settled with what it really cost."""
    if price is None:
        price = (await tool.foresee(arguments, ctx)).price_micro_usd or 0
    ledger = ctx.services.ledger
    if not await ledger.reserve(ctx.call_id, price, scope, caps):
        left = await ledger.left(scope, caps)
        assert left is not None
        return ToolResult(
            f"Not run: it costs {dollars(price)}, and {dollars(max(left[0], 0))} are left of "
            f"{WORDS[left[1]]}.",
            ok=False,
            outcome="rejected",
        )
    try:
        result = await _effect(tool, arguments, ctx, row)
    except BaseException:
        if await _has_not_begun(ctx):
            await ledger.settle(ctx.call_id, None)
        raise
    if not result.ok and await _has_not_begun(ctx):
        await ledger.settle(ctx.call_id, None)
    elif result.outcome != "unknown" and not result.still_costs:
        cost = price if result.cost_micro_usd is None else result.cost_micro_usd
        await ledger.settle(ctx.call_id, cost)
    left = await ledger.left(scope, caps)
    if left is None:
        return result
    said = f"[{dollars(max(left[0], 0))} are left of {WORDS[left[1]]}]"
    return replace(result, text=f"{result.text}\n{said}")


async def _has_not_begun(ctx: ToolContext) -> bool:
    """Whether the call left no evidence: it failed before its effect."""
    row = await ctx.services.journal.row(ctx.thread, ctx.call_id)
    return row is not None and row.note is None


async def _effect(
    tool: AgentTool, arguments: Any, ctx: ToolContext, row: JournalRow | None
) -> ToolResult:
    """`_begun`, with the files that the call may change kept for undo."""
    changing = ctx.services.changing_files
    if changing is None:
        return await _begun(tool, arguments, ctx, row)
    async with changing(tool, arguments, tool.effect(arguments, ctx.cwd)):
        return await _begun(tool, arguments, ctx, row)


async def _begun(
    tool: AgentTool, arguments: Any, ctx: ToolContext, row: JournalRow | None
) -> ToolResult:
    """Run the call; or, when an earlier process had begun it, find out what became of it."""
    looks_only = tool.effect(arguments, ctx.cwd).kind == "read"
    if row is not None and row.state == "done" and row.note is None and not looks_only:
        # Somebody went back to a checkpoint before it: done is done.
        said = "It ran before; its result is no longer kept. Inspect what it left."
        return ToolResult(said, ok=False, outcome="unknown")
    if row is None or row.note is None or looks_only:
        return await _in_its_places(tool, arguments, ctx)
    try:
        found = await tool.recover(arguments, ctx, row.note)
    except NotBegun:
        return await _in_its_places(tool, arguments, ctx)
    if found is not None and found.outcome != "interrupted":
        return found
    # Nobody stopped this turn: what was ended with an earlier process is half-done.
    so_far = f"{found.text}\n" if found else ""
    return ToolResult(f"{so_far}{CUT_OFF}", ok=False, outcome="unknown")


async def _in_its_places(tool: AgentTool, arguments: Any, ctx: ToolContext) -> ToolResult:
    """The call, if its paths lead where they led when it was judged. In a sandbox the links are
    others than those that were looked up here."""
    if not (tool.in_backend and ctx.services.backend.about):
        changed = await asyncio.to_thread(changed_place, ctx.places)
        if changed:
            raise ToolError(changed)
    return await tool.execute(arguments, ctx)


async def _caught(work: Awaitable[ToolResult]) -> ToolResult:
    try:
        return await work
    except Stopped:
        return ToolResult("Interrupted by the person.", ok=False, outcome="interrupted")
    except (GraphBubbleUp, StoreError):
        # An interrupt of a graph inside; or no journal, and without it no effect is safe.
        raise
    except ToolError as error:
        return ToolResult(error.message, ok=False, outcome="failed")
    except AgentError as error:
        return ToolResult(f"{error.message} ({error.hint})", ok=False, outcome="failed")
    except Exception as error:  # a tool's boundary: its bug is this call's failure
        said = f"{type(error).__name__}: {error}"
        return ToolResult(f"The tool failed: {said}", ok=False, outcome="failed")


async def _bounded(
    call: Call, thread: str, result: ToolResult, context: AgentContext, services: Services
) -> tuple[str, bool]:
    """(text within the bound, whether anything was left out); the full text goes to a file."""
    if len(result.text) <= SURELY_SHORT:
        return result.text, False
    model = context.model or services.settings.model_name
    await services.models.ready(model)
    window = services.models.window(model)
    limit = min(RESULT_CHARACTERS, int(window * RESULT_SHARE * 4))
    if len(result.text) <= limit:
        return result.text, False
    return await services.outputs.bounded(thread, call.id, result.text, limit), True


def _state(result: ToolResult) -> ToolState:
    return result.outcome
