"""What calls that spend will cost, asked before the verdict: live prices, and what was checked."""

import asyncio
from collections.abc import Iterable
from typing import Any

from core.effects import Effect
from core.errors import ToolError
from core.events import Emit
from core.history import Call
from core.tool import Services, ToolContext
from nodes.interrupt import Stopped, race
from nodes.judge_calls import validated
from tools.workspace import Quote

#: Seconds that prices may take; then they are unknown.
PATIENCE = 30.0


async def foreseen(
    calls: Iterable[Call], services: Services, thread: str, cwd: str, emit: Emit
) -> dict[str, Effect | str]:
    """By call id: the effect with its price, or why the call cannot run. Only for calls that spend
    or always ask; where nothing could be found out, the declared effect stands."""
    found: dict[str, Effect | str] = {}
    for call in calls:
        try:
            tool, arguments = validated(call, services.tools)
        except ValueError:
            continue
        effect = tool.effect(arguments, cwd)
        if effect.kind != "spend" and not effect.always_asks:
            continue
        run = ToolContext(call.id, call.name, thread, cwd, services, emit, _no_note)
        try:
            work = asyncio.wait_for(tool.foresee(arguments, run), PATIENCE)
            found[call.id] = await race(work, services.stop)
        except ToolError as error:
            found[call.id] = error.message
        except (Stopped, TimeoutError):
            found[call.id] = effect
        except Exception as error:  # a tool's boundary: its bug is this call's failure
            found[call.id] = f"its price cannot be found: {type(error).__name__}: {error}"
    return found


async def quoted(
    calls: Iterable[Call], services: Services, thread: str, cwd: str, emit: Emit
) -> Quote | None:
    """What calls that act in the execution backend have to pay for first; None: nothing."""
    there = [c for c in calls if c.name in services.tools and services.tools[c.name].in_backend]
    if not there:
        return None
    run = ToolContext(there[0].id, there[0].name, thread, cwd, services, emit, _no_note)
    try:
        found: Quote | None = await race(
            asyncio.wait_for(services.backend.quote(run), PATIENCE), services.stop
        )
    except (Stopped, TimeoutError):
        unknown = "a sandbox, price unknown: the Hub does not answer"
        return Quote("unknown hardware", unknown, None)
    return found


async def _no_note(evidence: dict[str, Any]) -> None:
    """Nothing is done yet that would need evidence."""
