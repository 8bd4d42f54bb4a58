"""What calls that spend will cost, asked before the verdict: live prices, and what was checked."""

import asyncio
from collections.abc import Iterable

from core.backend import Quote
from core.effects import Effect
from core.errors import ToolError
from core.history import Call
from nodes.interrupt import Stopped
from nodes.judge_calls import validated
from nodes.step import Step

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
        if effect.kind != "spend" and not effect.always_asks:
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
    there = [c for c in calls if c.name in tools and tools[c.name].in_backend]
    if not there:
        return None
    work = step.services.backend.quote(step.looking(there[0].id, there[0].name).log)
    try:
        return await step.race(asyncio.wait_for(work, PATIENCE))
    except (Stopped, TimeoutError):
        unknown = "a sandbox, price unknown: the Hub does not answer"
        return Quote("unknown hardware", unknown, None)
