"""How far a goal has come: its check runs after a turn, and what follows is stored with it."""

from dataclasses import replace

from core.backend import CommandRequest
from core.errors import AgentError
from core.experiments.asked import standing
from core.secrets.redaction import redacted
from core.store.files.recorder import Turn as TurnFilesOf
from core.store.goals import GoalRow, Progress, left_words
from core.units import dollars, duration
from core.volatile import steady
from graph.goal_check import check_once, forget_check, hashes_of
from graph.goal_turn import TRIED, Did, next_message, what_was_done
from graph.waiting import Waits
from nodes.interrupt import Stopped, race
from tools.wait.check import Checked

#: Turns in a row that may do nothing, and checks in a row that may say the same.
IDLE, SAME = 2, 3
STOPPED = "you stopped it"


class GoalProgress(Waits):
    """What a session does when a turn toward its goal has ended."""

    async def goal(self) -> GoalRow | None:
        return await self._store.goals.get(self.thread.id) if self._known else None

    async def judge_goal(self) -> GoalRow | None:
        """Run the check of a goal whose turn has ended, once, and store what follows; the goal as
        it then is. Raises ThreadBusy, StoreError."""
        async with self._store.lease(self.thread.id):
            self._stored.forget()
            row = await self.goal()
            if row is None or row.state != "active":
                return row
            call_id = f"goal-{row.terms.invocation}-{row.checks}"
            now, message = await self._judged(row, call_id)
            stored = await self._store.goals.judged(row, now, message)
            await forget_check(self._services, self.thread.id, call_id)
            return stored or await self.goal()

    async def _judged(self, row: GoalRow, call_id: str) -> tuple[GoalRow, str]:
        """(the goal after its check, the message of the next turn)."""
        was_stopped = self._stop.is_set() and self._stop.reason in ("", "interrupted")
        self._stop.clear()
        if was_stopped:
            return replace(row, state="paused", reason=STOPPED), ""
        if changed := await self._changed(row):
            return replace(row, state="paused", reason=changed), ""
        try:
            found = await race(self._check(row, call_id), self._stop)
        except Stopped:
            return replace(row, state="paused", reason=STOPPED), ""
        except (AgentError, OSError, ValueError) as error:
            return replace(row, state="paused", reason=f"the check cannot be run: {error}"), ""
        row = await self._progressed(row, found)
        if found.trouble:
            return replace(row, state="paused", reason=f"the check {found.trouble}"), ""
        if found.code == 0:
            already = "" if row.progress.turns else "; it did before any turn"
            said = found.output if row.terms.experiment else f"the check succeeds{already}"
            return replace(row, state="achieved", reason=said), ""
        spent = await self._spent(row) or 0
        for state, reason in (("stalled", _stalled(row)), ("limit", await self._limit(row, spent))):
            if reason:
                return replace(row, state=state, reason=reason), ""  # type: ignore[arg-type]
        left = left_words(row, spent, self._services.clock())
        return row, next_message(row, found, left)

    async def _check(self, row: GoalRow, call_id: str) -> Checked:
        """Its check, run once; of an experiment, how many of its trials are measured."""
        if row.terms.experiment:
            experiments = self._store.experiments
            experiment = await experiments.get(self.thread.id)
            trials = await experiments.trials(self.thread.id)
            is_done, said = standing(row.terms.experiment, experiment, trials)
            return Checked(0 if is_done else 1, said)
        request = CommandRequest(
            row.command, self._folder(), row.terms.check_time, False, self._folder(),
            row.terms.reach, [*row.terms.files],
        )  # fmt: skip
        return await check_once(self._services, self.thread.id, call_id, request)

    async def _changed(self, row: GoalRow) -> str:
        """Which file of the check is another than was approved; "" if none is."""
        now = await hashes_of([*row.terms.files], self._services)
        other = next((path for path, was in row.terms.files.items() if now[path] != was), "")
        return f"{other} judges the goal and has changed; resume approves it as it is" * bool(other)

    async def _progressed(self, row: GoalRow, found: Checked) -> GoalRow:
        """`row` with the turn that has ended, and with what the check printed."""
        old = row.progress
        turn = await self._stored.turn()
        number, did = int(turn.get("number", 0)), None
        if row.checks and number != old.turn:
            did = await self._did(number, turn.get("before"))
        output = f"{found.code}\n{steady(found.output)}"
        same = output == old.output and (did is None or did.kind != "effect")
        tried = old.tried
        if did is not None:
            tried = [*old.tried, f"turn {old.turns + 1}: {redacted(did.words)}"][-TRIED:]
        progress = Progress(
            turns=old.turns + (did is not None),
            idle=old.idle + 1 if did is not None and did.kind == "idle" else 0,
            output=output,
            same=old.same + 1 if same else 1,
            tried=tried,
            last=found.output,
            turn=number,
        )
        return replace(row, progress=progress)

    async def _did(self, number: int, before: str | None) -> Did:
        messages = await self._stored.messages()
        changes = None
        if before and self.settings.undo_files and not self.thread.sandbox:
            named = TurnFilesOf(self.thread.id, before, self.thread.cwd)
            changes = await self._snapshots.changes(named)
        return what_was_done(messages, number, self._services.tools, changes, self.thread.cwd)

    async def _limit(self, row: GoalRow, spent: int) -> str:
        """Which cap is reached; "" if none is."""
        terms = row.terms
        if terms.max_turns is not None and row.progress.turns >= terms.max_turns:
            return f"its {terms.max_turns} turns are used up"
        if terms.max_cost is not None and spent >= terms.max_cost:
            return f"{dollars(spent)} of {dollars(terms.max_cost)} are spent"
        if terms.max_time is not None and self._services.clock() >= row.made + terms.max_time:
            return f"its {duration(terms.max_time)} are over"
        return "a budget of the settings is spent" if await self.left() == 0 else ""

    async def _spent(self, row: GoalRow) -> int:
        found = await self._store.ledger.spent("invocation", row.terms.invocation)
        return found.amount

    def _folder(self) -> str:
        return self._services.backend.folder(self.thread.cwd)


def _stalled(row: GoalRow) -> str:
    """Why turns lead nowhere; "" if they may lead somewhere."""
    if row.progress.idle >= IDLE:
        return f"{IDLE} turns in a row changed, ran, published and spent nothing"
    if row.progress.same >= SAME:
        return f"{SAME} checks in a row say the same, and nothing has changed between them"
    return ""
