"""What calls will cost, asked before the verdict, and what money says of them."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from core.backend import Quote
from core.effects import Effect
from core.errors import ToolError
from core.history import Call
from core.policy.decide import Judged, Situation, decide
from nodes.budget import dollars
from nodes.interrupt import Stopped
from nodes.step import Step
from nodes.validate import validated

#: Seconds that prices may take; then they are unknown.
PATIENCE = 30.0


async def price_calls(calls: Iterable[Call], step: Step) -> dict[str, Effect | str]:
    """By call id: the effect with its price, or why the call cannot run. Only for calls that spend
    or always ask; where nothing could be found out, the declared effect stands."""
    found: dict[str, Effect | str] = {}
    for call in calls:
        try:
            tool, arguments = validated(call, step.services.tools)
        except ValueError:
            continue
        effect = tool.effect(arguments, step.cwd)
        is_known = effect.kind != "spend" and not effect.always_asks
        if is_known and effect.kind not in tool.foresees:
            continue
        work = tool.foresee(arguments, step.looking(call.id, call.name))
        try:
            found[call.id] = await step.race(asyncio.wait_for(work, PATIENCE))
        except ToolError as error:
            found[call.id] = error.message
        except (Stopped, TimeoutError):
            found[call.id] = effect
        except Exception as error:  # a tool's boundary: its bug is this call's failure
            found[call.id] = f"its price cannot be found: {type(error).__name__}: {error}"
    return found


async def quote_workspace(calls: Iterable[Call], step: Step) -> Quote | None:
    """What calls that act in the workspace have to pay for first; None: nothing."""
    tools = step.services.tools
    if not step.services.backend.about:
        return None  # on this machine nothing is paid for, and two tasks take their time
    there = [c for c in calls if c.name in tools and tools[c.name].in_backend]
    if not there:
        return None
    work = step.services.backend.quote(step.looking(there[0].id, there[0].name).log)
    try:
        return await step.race(asyncio.wait_for(work, PATIENCE))
    except (Stopped, TimeoutError):
        unknown = "a sandbox, price unknown: the Hub does not answer"
        return Quote("unknown hardware", unknown, None)


def within_budget(effect: Effect, judged: Judged, left: int | None, interactive: bool) -> Judged:
    """What money says of a call that spends. An unknown price is asked about, and refused where
    no one is there; one over what is `left` is denied. Whether calls side by side fit together is
    the ledger's to say."""
    price = effect.price_micro_usd
    if effect.kind != "spend" or judged.action == "deny":
        return judged
    if price is None:
        return Judged("ask" if interactive else "deny", "its price is not known", "unknown-price")
    if left is not None and price > left:
        said = f"it costs {dollars(price)}, and {dollars(max(left, 0))} are left"
        return Judged("deny", said, "budget")
    return judged


def with_sandbox(
    judged: Judged, quote: Quote, here: Situation, left: int | None, interactive: bool
) -> Judged:
    """The stricter of what is said of the call and of the sandbox that it needs, whose rules are
    those of a tool `sandbox`."""
    effect = Effect("spend", price_micro_usd=quote.price_micro_usd)
    asked = decide("sandbox", effect, [quote.flavor], here)
    needed = within_budget(effect, asked, left, interactive)
    order = ("run", "ask", "deny")
    if order.index(needed.action) < order.index(judged.action):
        return judged
    if judged.action == needed.action == "run":
        return judged
    return replace(needed, reason=f"it needs a sandbox on {quote.flavor}: {needed.reason}")
