"""A headless run: one task, or the rest of a cut-off turn, then exit.

Data on stdout, everything else on stderr.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.shared.approval_prompt import PREVIEW_LINES, reason_of
from cli.shared.bootstrap import (
    complain,
    guarded,
    headless_cap,
    say_what_is_ignored,
    settings_for,
    using_keys,
    wanted_thread,
)
from cli.shared.jobs import tell_of_jobs
from cli.shared.options import Options
from cli.shared.render import EventPrinter, closing
from cli.shared.request_text import head_and_rows
from cli.shared.results import INTERRUPTED, WAITING, exit_code_of, result_object
from cli.terminal.cleaning import as_lines
from cli.terminal.standard_input import with_piped
from cli.terminal.writer import print_json, to_stderr, to_stdout
from configs.visible import inline
from core.secrets.redaction import redacted
from core.store.wait_words import wait_line

if TYPE_CHECKING:
    from graph.session import Session

MORE = "the session is intact: ml-agent sessions resume continues it, with a higher limit if needed"


def headless(options: Options, task: str | None, piped: str = "") -> int:
    """Run `task`; None resumes the thread that the options name. `piped`: what is on stdin
    next to it. The exit code."""
    import uvloop  # an event loop in C: a tenth of a step's processor time

    return guarded(lambda: uvloop.run(_run(options, task, piped)), options)


async def _run(options: Options, task: str | None, piped: str) -> int:
    from graph.session import Session

    loaded = settings_for(options)
    settings = loaded.settings
    say_what_is_ignored(loaded.brought)
    cap = headless_cap(options, loaded)
    chosen = options.for_run(max_cost=cap, interactive=False, notice=complain)
    thread = await wanted_thread(options, settings)
    session = Session.open(settings, cwd=options.folder, thread=thread, options=chosen)
    async with session:
        told = Teller(options.output, session)
        told.start(cap, using_keys(loaded.brought))
        _stop_on_signals(session)
        if task is None and await _has_ended(session):
            return told.nothing_to_finish()
        if task is None:
            events = session.resume()
        else:
            events = session.send(await with_piped(task, piped, session))
        code = await told.all(events, options)
        while code == WAITING and not options.detach:
            if not await session.until_woken():
                code = told.left()
                break
            code = await told.all(session.resume(), options)
        told.end(await session.close())
    return code


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


class Teller:
    """Tells a run in the form that was asked for."""

    def __init__(self, output: str, session: "Session") -> None:
        self._output = output
        self._session = session
        self._waits = self._detaches = False
        #: Commands of the session that run now.
        self._running: list[str] = []
        self._wait: dict[str, Any] | None = None
        #: A message that may be the answer, or a sentence between two steps. Only the answer goes
        #: to stdout, unless that is a terminal, where everything is read as it comes.
        self._held: list[str] = []
        self._holds = output == "text" and not sys.stdout.isatty()
        say = self._held.append if self._holds else to_stdout
        self._lines = EventPrinter(sys.stderr, say if output == "text" else None)

    def start(self, cap: float, keys: str = "") -> None:
        from core.models.routes import resolve
        from tools.workspace.command_sandbox import in_words

        thread = self._session.thread
        route = resolve(thread.model, self._session.settings)
        here = in_words(self._session.settings)
        place = f" · sandbox {thread.sandbox}" if thread.sandbox else f" · {here}"
        self._note(
            f"thread {thread.id} · {route.describe()} · mode {thread.mode}{place} "
            f"· cap ${cap:g}{keys}"
        )
        if self._session.moved:
            self._note(self._session.moved)

    async def all(self, events: AsyncGenerator[Any, None], options: Options) -> int:
        """Show every event of the turn; the exit code of its last one."""
        self._detaches = options.detach
        last: Any = None
        async for event in events:
            last = event
            if event.name in ("tool_call", "interrupted", "error", "approval_required", "waiting"):
                self._tell_held()
            if self._output == "stream-json":
                print_json(event.to_dict())
            if self._output != "json" or event.name in ("tool_call", "tool_log", "tool_output"):
                self._lines.show(event)
        if options.debug and self._session.failure is not None:
            import traceback

            to_stderr(redacted("".join(traceback.format_exception(self._session.failure))))
        if last is not None and last.name == "interrupted":
            await tell_of_jobs(self._session, self._note)
        self._running = await self._session.commands()
        if self._running and last is not None and last.name != "waiting":
            shown = ", ".join(inline(line)[:80] for line in self._running)
            self._note(f"still running in the background: {shown}")
        return self._last(last)

    def _tell_held(self) -> None:
        """What was said was not the answer."""
        if text := "".join(self._held).strip("\n"):
            self._lines.line(text)
        self._held.clear()

    def _tell_answer(self, done: Any) -> None:
        """The answer of a turn that is complete; at a limit, only a last message that ends it."""
        is_answer = bool(done.text) and (done.status == "done" or bool(self._held))
        if self._holds and is_answer:
            # What was said before without a call between: the turn was told to continue.
            answer = as_lines(done.text)
            before = "".join(self._held).strip().removesuffix(answer.strip())
            self._held[:] = [before]
            self._tell_held()
            to_stdout(answer.rstrip("\n") + "\n")
        elif self._holds:
            self._tell_held()

    def nothing_to_finish(self) -> int:
        """A resume of a thread whose turns have all ended."""
        thread = self._session.thread
        if self._output == "json":
            print_json(result_object(thread=thread.id, status="done"))
        complain(
            f"nothing to finish: the last turn of {thread.id} has ended ({thread.status})",
            f'ml-agent -r {thread.id} "..." continues with a new message',
        )
        return 0

    def end(self, shutdown: Any) -> None:
        if self._output == "stream-json":
            print_json(shutdown.to_dict())
        if self._waits:
            return
        self._note(f'continue with: ml-agent -r {self._session.thread.id} "..."')

    def _last(self, event: Any) -> int:
        status, code, error = "error", 1, None
        self._waits, self._wait = False, None
        if event.name == "turn_complete":
            self._tell_answer(event)
            status = event.status
            code = 0 if status == "done" else 4
            if status == "limit":
                complain(event.reason, MORE)
                error = {"kind": "limit_reached", "message": event.reason, "hint": MORE}
            self._note(closing(asdict(event), event.since))
            if event.cost_micro_usd is None:
                self._note(
                    "the price of this model is unknown: it does not count toward the cost cap"
                )
        elif event.name == "interrupted":
            status, code = "interrupted", INTERRUPTED
            complain("interrupted", f'ml-agent -r {event.thread} "..." continues')
        elif event.name == "waiting":
            self._waiting(event)
            if not self._detaches:
                return WAITING
            status, code = "waiting", WAITING
        elif event.name == "approval_required":
            status, code = "approval", 3
            error = self._approval(event)
        else:
            code = exit_code_of(event.kind)
            status = {0: "queued", 4: "limit"}.get(code, "error")
            complain(event.message, event.hint)
            error = {"kind": event.kind, "message": event.message, "hint": event.hint}
        if self._output == "json":
            self._object(event, status, error)
        return code

    def _waiting(self, event: Any) -> None:
        self._waits = True
        self._wait = {"reasons": event.reasons, "since": event.since, "until": event.until,
                      "call": event.call, "note": event.note}  # fmt: skip
        self._note(wait_line(self._wait))
        if self._detaches:
            self._note(
                f"it continues with: ml-agent watch, or ml-agent sessions resume {event.thread}"
            )

    def left(self) -> int:
        """The user stops waiting; the session still does."""
        thread = self._session.thread.id
        complain("interrupted; the session still waits", f"ml-agent sessions resume {thread}")
        if self._output == "json":
            print_json(result_object(thread=thread, status="waiting", waiting=self._wait))
        return INTERRUPTED

    def _approval(self, event: Any) -> dict[str, str]:
        place = self._lines.place(PREVIEW_LINES, "; all of it: ml-agent approvals list --full")
        for request in event.requests:
            head, rows = head_and_rows(request, place)
            self._note(f"approval needed: {head.removeprefix('? ')}")
            self._note("  " + " · ".join([reason_of(request), *map(inline, request["marks"])]))
            self._lines.rows(rows)
        hint = f"decide: ml-agent approvals approve {event.thread}, or in the chat with -r"
        self._waits = True
        waiting = len(event.requests)
        message = f"{waiting} call{'s wait' if waiting > 1 else ' waits'} for approval"
        complain(message, hint)
        return {"kind": "approval_needed", "message": message, "hint": hint}

    def _object(self, event: Any, status: str, error: dict[str, str] | None) -> None:
        summary = self._session.summary()
        known = {**summary, "thread": event.thread, "status": status, "error": error}
        known |= {"waiting": self._wait, "running": [redacted(line) for line in self._running]}
        print_json(result_object(**known))

    def _note(self, text: str) -> None:
        self._lines.line(text, "2")
