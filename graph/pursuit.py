"""Runs turns of a session until its goal is reached, or something ends it.

    async with session.pursuing():
        while (events := await next_turn(session)) is not None:
            async for event in events:
                ...

Between two turns the check runs (graph/goals.py). A turn may end with `waiting` or
`approval_required`: then `next_turn` continues it once that is over. `pursue` is the whole loop.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from core.events import Event
from graph.session import Session

#: Ends of a turn after which no further one begins by itself.
STOPS = ("approval_required", "interrupted", "error")


async def next_turn(session: Session) -> AsyncGenerator[Event, None] | None:
    """The events of the next turn toward the session's goal, or of the one that is not finished;
    None if the goal is not active any more. Raises ThreadBusy, StoreError."""
    row = await session.goal()
    if row is None or row.state != "active":
        return None
    if not await session.unfinished():
        row = await session.judge_goal()
        if row is None or row.state != "active":
            return None
    session.cap_turn(row)
    return _followed(session)


async def _followed(session: Session) -> AsyncGenerator[Event, None]:
    last: Event | None = None
    async with aclosing(session.resume()) as events:
        async for event in events:
            last = event
            yield event
    if last is not None:
        await session.after_goal_turn(last)


async def pursue(session: Session, *, stay: bool = True) -> AsyncGenerator[Event, None]:
    """The events of all turns, until the goal has an end or needs the user. stay: wait where a
    turn waits; else the loop ends there, and a watcher continues. Raises ThreadBusy, StoreError.
    """
    async with session.pursuing():
        while (events := await next_turn(session)) is not None:
            last = ""
            async with aclosing(events) as told:
                async for event in told:
                    last = event.name
                    yield event
            if last in STOPS or (last == "waiting" and not (stay and await session.until_woken())):
                return
