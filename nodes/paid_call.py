"""A call that spends, or whose sandbox does: the price is set aside first, and settled with what
it really cost."""

from contextlib import suppress
from dataclasses import replace

from core.backend import Spending
from core.durable import Caps, Scope
from core.errors import ToolError
from core.tool import ToolContext, ToolResult
from nodes.budget import WORDS, dollars
from nodes.carry_out import Begun, carry_out


async def run_paid(begun: Begun, price: int | None, scope: Scope, caps: Caps) -> ToolResult:
    """The call, if its price fits under the caps. `price`: micro-USD; None: it is asked for."""
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
        result = await carry_out(begun)
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


async def run_in_backend(begun: Begun, spending: Spending) -> ToolResult:
    """A call where commands run and files live, which may have to be started first."""
    ctx, told = begun.ctx, ""
    if begun.row is None or begun.row.note is None:
        told = await ctx.services.backend.begin(ctx.log, spending)
    else:
        # It was begun before: a new sandbox would know nothing of it.
        with suppress(ToolError):
            told = await ctx.services.backend.begin(ctx.log, replace(spending, allowed=False))
    try:
        result = await carry_out(begun)
    except ToolError as error:
        raise ToolError(f"{told}\n{error.message}" if told else error.message) from error
    return replace(result, text=f"{told}\n{result.text}") if told else result
