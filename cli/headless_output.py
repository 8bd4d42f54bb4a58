"""Tells a headless run in the form that was asked for: text, JSON, or JSON Lines."""

import sys
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.shared.answer_schema import AnswerSchema
from cli.shared.approval_prompt import PREVIEW_LINES, reason_of
from cli.shared.bootstrap import complain
from cli.shared.jobs import tell_of_jobs
from cli.shared.options import Options
from cli.shared.render import EventPrinter, closing, footnote
from cli.shared.request_text import head_and_rows
from cli.shared.results import INTERRUPTED, WAITING, exit_code_of, result_object
from cli.terminal.cleaning import as_lines
from cli.terminal.writer import print_json, to_stderr, to_stdout
from configs.visible import inline
from core.secrets.redaction import redacted, redacted_in
from core.store.goals import goal_line
from core.store.wait_words import wait_line

if TYPE_CHECKING:
    from graph.session import Session

NO_MATCH = "the answer is in the session; ask again with -r, or change the schema"
MORE = "the session is intact: ml-agent sessions resume continues it, with a higher limit if needed"


class Teller:
    """Tells a run in the form that was asked for."""

    def __init__(self, output: str, session: "Session", schema: AnswerSchema | None = None) -> None:
        self._output = output
        self._session = session
        self._schema = schema
        #: What is wrong with the answer, the first time: the model is asked again.
        self.problem = ""
        self._value: Any = None
        #: What the turn before came to, whose answer did not match the schema.
        self._before: dict[str, Any] = {}
        self._waits = self._detaches = False
        #: Commands of the session that run now.
        self._running: list[str] = []
        self._wait: dict[str, Any] | None = None
        #: What `--output json` prints at the end.
        self._result: dict[str, Any] | None = None
        #: A message that may be the answer, or a sentence between two steps. Only the answer goes
        #: to stdout, unless that is a terminal, where everything is read as it comes.
        self._held: list[str] = []
        self._holds = output == "text" and (schema is not None or not sys.stdout.isatty())
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
            f"session {thread.id} · {route.describe()} · mode {thread.mode}{place} "
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
        if self._schema is not None and done.status == "done" and self._output == "text":
            self._held.clear()
            print_json(self._value)
        elif self._holds and is_answer:
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

    def print_result(self) -> None:
        """The one object of `--output json`."""
        if self._output == "json" and self._result is not None:
            print_json(result_object(**self._result))

    def end(self, shutdown: Any) -> None:
        self.print_result()
        if self._output == "stream-json":
            print_json(shutdown.to_dict())
        if self._waits:
            return
        self._note(f'continue with: ml-agent -r {self._session.thread.id} "..."')

    def _last(self, event: Any) -> int:
        status, code, error = "error", 1, None
        self._waits, self._wait = False, None
        if event.name == "turn_complete":
            status = event.status
            code = 0 if status == "done" else 4
            wrong = self._wrong(event) if status == "done" else ""
            if wrong and not self.problem:
                return self._once_more(event, wrong)
            if wrong:
                status, code = "error", 1
                error = {"kind": "output_schema", "message": wrong, "hint": NO_MATCH}
                complain(f"the answer does not match the schema: {wrong}", NO_MATCH)
                if self._output == "stream-json":
                    print_json({"event": "error", "thread": event.thread, **error})
            else:
                self._tell_answer(event)
            if status == "limit":
                complain(event.reason, MORE)
                error = {"kind": "limit_reached", "message": event.reason, "hint": MORE}
            if missing := footnote(event.claims):
                self._note(missing)
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
        self._object(event, status, error)
        return code

    def _wrong(self, done: Any) -> str:
        """What is wrong with the answer by the schema; "" if nothing is."""
        if self._schema is None:
            return ""
        self._value, wrong = self._schema.read(done.text)
        return wrong

    def _once_more(self, done: Any, wrong: str) -> int:
        """The answer does not match; the model is asked for another one."""
        self.problem, self._before = wrong, self._session.summary()
        self._held.clear()
        self._note(closing(asdict(done), done.since))
        self._note(f"the answer does not match the schema ({wrong}); asking once more")
        return 1

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
        self._result = {"thread": thread, "status": "waiting", "waiting": self._wait}
        return INTERRUPTED

    def goal(self, goal: dict[str, Any], hint: str = "", *, is_end: bool = False) -> None:
        """The goal as it is now. `is_end`: the run has no further turn."""
        self._note(goal_line(goal))
        if hint:
            self._note(hint)
        self._waits = self._waits or bool(hint)
        if is_end:
            thread = self._session.thread.id
            self._result = {"thread": thread, "status": "done", **(self._result or {})}
        if self._result is not None:
            self._result["goal"] = redacted_in(goal)

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
        summary = _together(self._before, self._session.summary())
        if self._schema is not None:
            summary["output"] = self._value
        known = {**summary, "thread": event.thread, "status": status, "error": error}
        known |= {"waiting": self._wait, "running": [redacted(line) for line in self._running]}
        self._result = known

    def _note(self, text: str) -> None:
        self._lines.line(text, "2")


def _together(before: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """The figures of two turns; what one does not know, both do not."""
    if not before:
        return last
    usage = {name: last["usage"][name] + before["usage"][name] for name in last["usage"]}
    sums: dict[str, Any] = {"usage": usage}
    for name in ("iterations", "cost_micro_usd", "seconds"):
        known = before[name] is not None and last[name] is not None
        sums[name] = before[name] + last[name] if known else None
    return {**last, **sums}
