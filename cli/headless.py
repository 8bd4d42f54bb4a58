"""A headless run: one task, or the rest of a cut-off turn, then exit.

Data on stdout, everything else on stderr.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from cli.headless_output import Teller
from cli.shared.answer_schema import AnswerSchema
from cli.shared.attached_images import read_images, with_images
from cli.shared.bootstrap import (
    complain,
    guarded,
    headless_cap,
    say_what_is_ignored,
    settings_for,
    using_keys,
    wanted_thread,
)
from cli.shared.options import Options
from cli.shared.results import INTERRUPTED, LIMIT, WAITING
from cli.terminal.standard_input import with_piped
from core.errors import UsageError

if TYPE_CHECKING:
    from graph.session import Session
    from graph.tasks import NamedTask


#: Sets or resumes the goal of a session.
Begin = Callable[["Session"], Awaitable[Any]]


def headless(
    options: Options, task: str | None, piped: str = "", begin: Begin | None = None
) -> int:
    """Run `task`; None resumes the thread that the options name. `piped`: what is on stdin
    next to it. `begin`: the run is for the goal that this sets. The exit code."""
    import uvloop  # an event loop in C

    return guarded(lambda: uvloop.run(_run(options, task, piped, begin)), options)


async def _run(options: Options, task: str | None, piped: str, begin: Begin | None) -> int:
    from graph.server_contents import resource_blocks
    from graph.session import Session
    from graph.tasks import NamedTask, named_task

    schema = AnswerSchema(options.output_schema) if options.output_schema else None
    images = read_images(options.images, options.folder)
    loaded = settings_for(options)
    settings = loaded.settings
    say_what_is_ignored(loaded.brought)
    named = NamedTask(task or "")
    if task and task.startswith("/"):
        named = named_task(task, options.folder) or _not_a_command(task)
    cap = headless_cap(options, loaded)
    chosen = options.for_run(max_cost=cap, interactive=False, notice=complain)
    thread = await wanted_thread(options, settings)
    session = Session.open(settings, cwd=options.folder, thread=thread, options=chosen)
    async with session:
        told = Teller(options.output, session, schema)
        told.start(cap, using_keys(loaded.brought))
        # Before signals only stop a turn: until then Ctrl-C ends the program.
        read = await resource_blocks(session, task or "")
        _stop_on_signals(session)
        if begin is not None or (task is None and await _has_goal(session)):
            code = await _toward_goal(session, told, options, begin)
            told.end(await session.close())
            return code
        if task is None and await _has_ended(session):
            return told.nothing_to_finish()
        if task is None:
            code = await _to_its_end(session.resume(), told, session, options)
        else:
            message = await with_piped("\n\n".join([named.message, *read]), piped, session)
            message = await with_images(message, images, session)
            async with session.held_to(named.mode):
                events = session.send(schema.asking(message) if schema else message)
                code = await _to_its_end(events, told, session, options)
                if schema and told.problem:
                    again = session.send(schema.asking_again(told.problem))
                    code = await _to_its_end(again, told, session, options)
        if await _has_goal(session):
            goal, thread = await session.goal_view(), session.thread.id
            told.goal(goal or {}, f"it continues with: ml-agent goal resume {thread}")
        told.end(await session.close())
    return code


def _not_a_command(task: str) -> "NamedTask":
    """A task that begins with a slash. Raises UsageError: a command that only the chat has."""
    from cli.chat.slash_commands import COMMANDS
    from graph.tasks import NamedTask

    if task.split()[0][1:] in {command.name for command in COMMANDS}:
        raise UsageError(f"{task.split()[0]} works in the chat only", "ml-agent opens it")
    return NamedTask(task)


async def _to_its_end(
    events: AsyncGenerator[Any, None], told: "Teller", session: "Session", options: Options
) -> int:
    """Tell a turn, with all its waits; the exit code."""
    code = await told.all(events, options)
    while code == WAITING and not options.detach:
        if not await session.until_woken():
            return told.left()
        code = await told.all(session.resume(), options)
    return code


async def _has_goal(session: "Session") -> bool:
    goal = await session.goal()
    return goal is not None and goal.state == "active"


async def _toward_goal(
    session: "Session", told: "Teller", options: Options, begin: Begin | None
) -> int:
    """Turn after turn until the goal has an end or needs the user; the exit code. `begin` sets
    the goal, or resumes it."""
    from graph.pursuit import next_turn

    code = 0
    async with session.pursuing():
        if begin is not None:
            await begin(session)
        while (events := await next_turn(session)) is not None:
            code = await told.all(events, options)
            if code == WAITING and not options.detach and not await session.until_woken():
                code = told.left()
            if code not in (0, LIMIT, WAITING) or (code == WAITING and options.detach):
                break
            if (goal := await session.goal_view()) is not None:
                told.goal(goal)
    goal = await session.goal_view()
    state = goal["state"] if goal else ""
    if goal is not None:
        resumes = state in ("paused", "stalled", "limit")
        hint = f"continue with: ml-agent goal resume {session.thread.id}" if resumes else ""
        told.goal(goal, hint, is_end=True)
    if state in ("achieved", "stalled", "limit"):
        return 0 if state == "achieved" else LIMIT
    return code if code not in (0, LIMIT) else 1


async def _has_ended(session: "Session") -> bool:
    """Whether the thread's last turn ended before its time and left nothing to continue. One
    that is done is told again: its answer may never have been seen."""
    if session.thread.status not in ("interrupted", "error"):
        return False
    return not (await session.pending() or await session.unfinished())


def _stop_on_signals(session: "Session") -> None:
    """The first Ctrl-C stops the turn and leaves a valid thread; the second leaves at once."""
    pressed = 0

    def stop() -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            os._exit(INTERRUPTED)
        session.interrupt()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
