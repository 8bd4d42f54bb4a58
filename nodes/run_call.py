"""Runs one call, once.

The journal has `started` before the effect and the result after it; on re-entry a finished call
answers from there. Whatever a tool raises is this call's result: an exception that left the node
would cancel its siblings.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel

from core.backend import Spending
from core.durable import Caps, JournalRow, Scope
from core.errors import AgentError, StoreError, ToolError
from core.events import Event, ToolLog, ToolStateChange
from core.history import Call
from core.policy.paths import changed_place
from core.run import Reach
from core.secrets.redaction import redacted
from core.text import encodable
from core.tool import AgentTool, NotBegun, ToolContext, ToolResult
from nodes.budget import WORDS, dollars
from nodes.interrupt import Stopped
from nodes.judge_calls import validated
from nodes.step import Step

CUT_OFF = (
    "The session was cut off while this ran; its outcome is unknown. Inspect what it left before "
    "repeating it."
)


@dataclass(frozen=True)
class Permitted:
    """A call that may run, and how far that goes.

    Attributes:
        price: micro-USD, as it was foreseen; None: not yet. sandbox: it may start the thread's
            sandbox, whose price was decided on with it. places, reach: see ToolContext.
    """

    call: Call
    price: int | None = None
    sandbox: bool = False
    places: Mapping[str, str] = field(default_factory=dict)
    reach: Reach = "offline"


@dataclass(frozen=True)
class Begun:
    """A call with its journal row: None if it is new, else what an earlier process left."""

    tool: AgentTool
    arguments: BaseModel
    ctx: ToolContext
    row: JournalRow | None


async def run_once(step: Step, permitted: Permitted, scope: Scope) -> ToolResult:
    """`scope`: what its charges count toward."""
    call, services = permitted.call, step.services
    try:
        tool, arguments = validated(call, services.tools)
    except ValueError as error:
        row = await services.journal.row(step.thread, call.id)
        if call.name not in services.tools and row is not None and row.note is not None:
            return ToolResult(CUT_OFF, ok=False, outcome="unknown")  # its server is gone
        return ToolResult(f"Not run: {error}", ok=False, outcome="failed")
    ctx = _context(step, permitted, tool, scope)
    # A row of a sub-agent's would look like a cut-off call when its task is entered again.
    row = (
        None if tool.is_subagent else await services.journal.begin(step.thread, call.id, call.name)
    )
    if row is not None and row.state == "done" and row.result is not None:
        return ToolResult.from_dict(row.result)
    step.emit(ToolStateChange(id=call.id, tool=call.name, state="running"))
    begun = Begun(tool, arguments, ctx, row)
    if tool.effect(arguments, ctx.cwd).kind == "spend":
        work = _paid(begun, permitted.price, scope, step.caps)
    elif tool.in_backend:
        work = _in_backend(begun, Spending(scope, step.caps, permitted.sandbox))
    else:
        work = _effect(begun)
    result = await _caught(work if tool.is_subagent else step.race(work))
    result = replace(result, text=encodable(redacted(result.text)))
    if not tool.is_subagent:
        await services.journal.finish(step.thread, call.id, result.to_dict())
    return result


def _context(step: Step, permitted: Permitted, tool: AgentTool, scope: Scope) -> ToolContext:
    call, services = permitted.call, step.services

    async def note(evidence: dict[str, Any]) -> None:
        await services.journal.note(step.thread, call.id, evidence)

    def emit(event: Event) -> None:
        """A line of a running call goes out without secrets."""
        if isinstance(event, ToolLog):
            event = replace(event, text=redacted(event.text))
        step.emit(event)

    return ToolContext(
        call_id=call.id,
        tool=call.name,
        thread=step.thread,
        cwd=services.backend.folder(step.cwd) if tool.in_backend else step.cwd,
        services=services,
        emit=emit,
        note=note,
        model=step.model,
        context=step.context,
        scope=scope,
        places=permitted.places,
        reach=permitted.reach,
        run_subagent=step.run_subagent,
    )


async def _in_backend(begun: Begun, spending: Spending) -> ToolResult:
    """A call where commands run and files live, which may have to be started first."""
    ctx, told = begun.ctx, ""
    if begun.row is None or begun.row.note is None:
        told = await ctx.services.backend.begin(ctx.log, spending)
    else:
        # It was begun before: a new sandbox would know nothing of it.
        with suppress(ToolError):
            told = await ctx.services.backend.begin(ctx.log, replace(spending, allowed=False))
    try:
        result = await _effect(begun)
    except ToolError as error:
        raise ToolError(f"{told}\n{error.message}" if told else error.message) from error
    return replace(result, text=f"{told}\n{result.text}") if told else result


async def _paid(begun: Begun, price: int | None, scope: Scope, caps: Caps) -> ToolResult:
    """A call that spends: its price is set aside first, and settled with what it really cost."""
    ctx, ledger = begun.ctx, begun.ctx.services.ledger
    if price is None:
        price = (await begun.tool.foresee(begun.arguments, ctx)).price_micro_usd or 0
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
        result = await _effect(begun)
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


async def _effect(begun: Begun) -> ToolResult:
    """`_run`, with the files that the call may change kept for undo."""
    changing = begun.ctx.services.changing_files
    if changing is None:
        return await _run(begun)
    effect = begun.tool.effect(begun.arguments, begun.ctx.cwd)
    async with changing(begun.tool, begun.arguments, effect):
        return await _run(begun)


async def _run(begun: Begun) -> ToolResult:
    """Run the call; or, when an earlier process had begun it, find out what became of it."""
    row = begun.row
    looks_only = begun.tool.effect(begun.arguments, begun.ctx.cwd).kind == "read"
    if row is not None and row.state == "done" and row.note is None and not looks_only:
        # Someone went back to a checkpoint before it: done is done.
        said = "It ran before; its result is no longer kept. Inspect what it left."
        return ToolResult(said, ok=False, outcome="unknown")
    if row is None or row.note is None or looks_only:
        return await _in_its_places(begun)
    try:
        found = await begun.tool.recover(begun.arguments, begun.ctx, row.note)
    except NotBegun:
        return await _in_its_places(begun)
    if found is not None and found.outcome != "interrupted":
        return found
    # No one stopped this turn: what was ended with an earlier process is half-done.
    so_far = f"{found.text}\n" if found else ""
    return ToolResult(f"{so_far}{CUT_OFF}", ok=False, outcome="unknown")


async def _in_its_places(begun: Begun) -> ToolResult:
    """The call, if its paths lead where they led when it was judged. In a sandbox the links are
    others than those that were looked up here."""
    if not (begun.tool.in_backend and begun.ctx.services.backend.about):
        changed = await asyncio.to_thread(changed_place, begun.ctx.places)
        if changed:
            raise ToolError(changed)
    return await begun.tool.execute(begun.arguments, begun.ctx)


async def _caught(work: Awaitable[ToolResult]) -> ToolResult:
    try:
        return await work
    except Stopped:
        return ToolResult("Interrupted by the user.", ok=False, outcome="interrupted")
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
