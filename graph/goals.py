"""A session's goal: set, judged after each turn by a command, never by the model's opinion.

The process that pursues it holds a second lease, so that any number of chats, runs and watchers
pursue a goal once; graph/pursuit.py runs the turns.
"""

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from core.effects import Effect
from core.errors import AgentError, UsageError
from core.events import Event
from core.experiments.asked import in_words, judge_asked, same_judge
from core.policy.decide import Situation, decide
from core.policy.rules import rules_of
from core.secrets.redaction import keep_known, redacted
from core.store.goals import GoalRow, Terms, goal_of
from core.text import encodable
from graph.goal_check import hashes_of, named_files, scripts_of
from graph.goal_progress import STOPPED, GoalProgress
from nodes.verdicts import reached
from nodes.wait import options_of


class Goals(GoalProgress):
    """What a session knows and does about its goal."""

    async def goal_view(self) -> dict[str, Any] | None:
        """The goal as programs read it; None: there is none."""
        row = await self.goal()
        return goal_of(row, self.thread.status, await self._spent(row)) if row else None

    async def set_goal(
        self, text: str, command: str, terms: Terms, protect: Sequence[str] = ()
    ) -> GoalRow:
        """Let the thread have this goal; `next_turn` (graph/pursuit.py) pursues it.

        Args:
            command: its check; with `terms.experiment`, the judge of that.
            terms: its caps; the rest is filled in here. protect: further files of the check.
        Raises UsageError: a rule forbids the check, a file is not there.
        """
        if not text.strip() or not command.strip():
            raise UsageError("Cannot set the goal: text or check is empty.", "--until CMD")
        text, command = encodable(text), encodable(command)
        self._stop.clear()  # an earlier turn was stopped, not this goal
        reach = await self._reach(command)
        await self._check_experiment(terms)
        await self._make_known(text)
        files: list[str] = []
        if not terms.experiment:  # that freezes its own: what else its judge runs is the work
            files = await scripts_of(command, self._services, self._folder())
        files += await named_files(protect, self._services, self._folder())
        run = {**options_of(self._context), "max_cost_micro_usd": terms.max_cost}
        terms = replace(
            terms,
            invocation=terms.invocation or secrets.token_hex(8),
            files=await hashes_of(files, self._services),
            reach=reach,
        )
        terms = replace(terms, run={**run, "invocation": terms.invocation})
        keep_known(f"{text}\n{command}")
        await self._store.goals.put(GoalRow(self.thread.id, text, command, terms))
        return await self._store.goals.needed(self.thread.id)

    async def _check_experiment(self, terms: Terms) -> None:
        """Raises UsageError: the session has another experiment than is asked for."""
        asked = judge_asked(terms.experiment)
        known = await self._store.experiments.get(self.thread.id) if self._known else None
        if asked and known and not same_judge(asked, known.judge, known.folder):
            raise UsageError(
                f"Cannot ask for {in_words(asked)}: the experiment of this session has "
                f"{in_words(known.judge)}.", "start a new session",
            )  # fmt: skip

    async def resume_goal(self, **caps: Any) -> GoalRow:
        """Pursue it again, with the files of its check as they are now. caps: those of `Terms`
        that are raised. Raises UsageError: there is none, or it is achieved."""
        row = await self._store.goals.needed(self.thread.id)
        self._stop.clear()
        if row.state == "achieved":
            raise UsageError("Cannot resume the goal: it is achieved.", "set another one")
        terms = replace(row.terms, **caps, files=await hashes_of([*row.terms.files],
                                                                 self._services))  # fmt: skip
        terms = replace(terms, run={**terms.run, "max_cost_micro_usd": terms.max_cost})
        progress = replace(row.progress, idle=0, same=0, output="")
        again = replace(row, terms=terms, state="active", reason="", progress=progress)
        # Another number: a check that was stopped half-way is not the next one.
        await self._store.goals.put(replace(again, checks=row.checks + 1))
        return again

    async def pause_goal(self, reason: str = STOPPED) -> GoalRow:
        """Raises UsageError: there is none, or it is not pursued."""
        row = await self._store.goals.needed(self.thread.id)
        if row.state != "active":
            raise UsageError(f"Cannot pause the goal: it is {row.state}.", "ml-agent goal show")
        return await self._store.goals.change(self.thread.id, "paused", reason)

    async def clear_goal(self) -> None:
        """Raises UsageError: there is none."""
        await self._store.goals.needed(self.thread.id)
        await self._store.goals.clear(self.thread.id)

    @asynccontextmanager
    async def pursuing(self) -> AsyncGenerator[None, None]:
        """While the block runs, this process alone pursues the goal. Raises ThreadBusy: another
        one does."""
        context = self._context
        before = context.invocation, context.max_cost_micro_usd, self._options
        async with self._store.lease(pursuit_of(self.thread.id)):
            try:
                yield
            finally:
                context.invocation, context.max_cost_micro_usd, self._options = before

    async def _freeze(self) -> None:
        """Let no call of the next turn change the files that judge the goal."""
        row = await self.goal()
        judges = row is not None and row.state in ("active", "paused")
        self._context.frozen = [*row.terms.files] if row is not None and judges else []
        self._context.experiment = {**row.terms.experiment} if row is not None and judges else {}

    def cap_turn(self, row: GoalRow) -> None:
        """Let the next turn be paid with the goal's money, and end when the goal's time does."""
        self._context.invocation = row.terms.invocation
        self._context.max_cost_micro_usd = row.terms.max_cost
        if row.terms.max_time is not None:
            left = row.made + row.terms.max_time - self._services.clock()
            self._options = replace(self._options, max_time=max(left, 1.0))

    async def after_goal_turn(self, last: Event) -> None:
        """What the end of a turn means for the goal: who stops it, or lets it fail, pauses it."""
        row = await self.goal()
        if row is None or row.state != "active":
            return
        if last.name == "interrupted":
            await self._store.goals.change(self.thread.id, "paused", STOPPED)
        kind, said = getattr(last, "kind", ""), getattr(last, "message", "")
        if last.name == "error" and kind not in ("thread_busy", "message_queued"):
            state = "stalled" if kind == "stuck_in_loop" else "paused"
            with suppress(AgentError):  # the database is gone: the next process finds it active
                await self._store.goals.change(self.thread.id, state, redacted(said))  # type: ignore[arg-type]

    async def _reach(self, command: str) -> Any:
        """What the check may reach: who sets a goal approves its check, but no rule is broken.
        Raises UsageError."""
        context = self._context
        rules = rules_of(
            self.settings.permissions, allow=context.allow, deny=context.deny,
            folder=await self._store.grants.of(self.thread.cwd),
        )  # fmt: skip
        here = Situation(context.mode, self.thread.cwd, rules, str(self.settings.state_path()))
        effect = Effect("execute", command=command)
        judged = decide("bash", effect, (), here)
        if judged.action == "deny":
            raise UsageError(f"Cannot run the check: {judged.reason} ({judged.rule}).",
                             "choose another check or mode")  # fmt: skip
        return reached(effect, judged, here)["reach"]


def pursuit_of(thread: str) -> str:
    """The name of the lease of who pursues a thread's goal."""
    return f"{thread}.goal"
