"""A call that spends: its price is set aside first, and settled with what it really cost."""

from dataclasses import replace

from core.durable import Caps, Scope
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
