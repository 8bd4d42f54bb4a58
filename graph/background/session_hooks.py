"""Hooks that a session runs outside of a turn: Notification and SessionEnd. They decide nothing."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from core.events import ApprovalRequired, Event, ToolLog
from core.hooks.names import names_of
from nodes.hooks import hooked, keep_transcript
from nodes.step import Step

log = logging.getLogger(__name__)

#: Seconds in which the end of a session waits for notifications under way.
PATIENCE = 5.0


class SessionHooks:
    """`step`: a step of the session's thread. `notice`: told about hooks that fail."""

    def __init__(self, step: Callable[[], Step], notice: Callable[[str], None] | None) -> None:
        self._step = step
        self._notice = notice or log.warning
        self._running: set[asyncio.Task[None]] = set()
        self._has_run = False

    def tell(self, event: Event) -> None:
        """A turn ended with `event`: the hooks of a notification run if that needs the user.
        Returns at once."""
        self._has_run = True
        if not isinstance(event, ApprovalRequired) or not event.requests:
            return
        step, first = self._with_notice(), event.requests[0]
        if "Notification" not in step.services.settings.hooks:
            return
        name = names_of(first["tool"], first["arguments"])[0]
        kind = "permission_prompt"
        facts = {
            "message": f"ML Agent needs your permission to use {name}",
            "title": "ML Agent",
            "notification_type": kind,
        }
        self._begin(step, "Notification", first["id"], facts, kind)

    async def ended(self) -> None:
        """The session is over: what it started is waited for, and the hooks of its end run, once,
        if a turn ran."""
        if self._running:
            await asyncio.wait(self._running, timeout=PATIENCE)
        for task in self._running:
            task.cancel()
        step, has_run, self._has_run = self._with_notice(), self._has_run, False
        if has_run and "SessionEnd" in step.services.settings.hooks:
            reason = "prompt_input_exit" if step.context.interactive else "other"
            ref = step.context.invocation
            await _quietly(step, "SessionEnd", ref, {"reason": reason}, reason)

    def _begin(self, step: Step, event: str, ref: str, facts: dict[str, str], name: str) -> None:
        task = asyncio.ensure_future(_quietly(step, event, ref, facts, name))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _with_notice(self) -> Step:
        def emit(event: Event) -> None:
            if isinstance(event, ToolLog):
                self._notice(event.text)

        return replace(self._step(), emit=emit)


async def _quietly(step: Step, event: str, ref: str, facts: dict[str, str], name: str) -> None:
    try:
        if step.services.whole_history is not None:
            await keep_transcript(step, await step.services.whole_history())
        await hooked(step, event, ref, facts, names=[name])
    except Exception as error:  # a hook must not end a session
        log.warning("hooks of %s: %s", event, error)
