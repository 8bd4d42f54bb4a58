"""What a session can tell of its thread, and what can be chosen for it between turns."""

import asyncio
import secrets
import time
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from langchain_core.messages import AnyMessage

from core.durable import InboxRow, Scope, Spent
from core.effects import Effect
from core.errors import NoSuchThread, ToolError
from core.events import Event, UndoComplete
from core.experiments.record import Experiment, Trial
from core.hub.jobs import Job
from core.policy.propose import proposed
from core.policy.rules import rules_of
from core.state import PlanItem, Turn
from core.store import ThreadRow
from core.store.files.thread_files import write_private
from core.store.runs import runs_of
from core.tool import AgentTool
from graph.background.commands import BackgroundCommand, background_commands
from graph.choices import Choices
from graph.context_use import ContextUse, context_use
from graph.undo import Moved, TimeLine
from nodes.budget import caps_of, key_of
from nodes.opening import ROOT
from tools import thread_jobs


class Status(Choices):
    """Questions about an open thread. `Session` adds what drives it."""

    _running: bool
    _turn_number: int
    #: What `refresh` saw last.
    _looked: tuple[float, str, str] = (0.0, "", "")
    _summary: dict[str, Any]

    @abstractmethod
    def _stamped(self, event: Event) -> Event: ...

    async def pending(self) -> list[dict[str, Any]]:
        """The approval requests that wait: [{id, tool, arguments, effect, reason,
        price_micro_usd, preview}]."""
        return await self._stored.pending() if self._known else []

    async def decided(self, call_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The decisions that were taken on calls of this thread, by call id."""
        return await self._store.decisions.of(self.thread.id, call_ids)

    async def unfinished(self) -> bool:
        """Whether a turn was cut off: its work is open, or a message was not taken yet."""
        if not self._known:
            return False
        state = await self._stored.state()
        seq = state.values.get("turn", ROOT).get("seq", 0)
        return bool(state.tasks) or bool(await self._store.inbox.after(self.thread.id, seq))

    async def taken(self) -> int:
        """The number of the newest message that the conversation holds."""
        return int((await self._stored.turn()).get("seq", 0))

    async def newest_turn(self) -> Turn:
        """The newest turn as it is stored: its number, status, error."""
        return await self._stored.turn()

    async def plan(self) -> list[PlanItem]:
        """The checklist as it stands."""
        return list((await self._stored.without_messages()).get("plan") or [])

    async def experiment(self) -> tuple[Experiment, list[Trial]] | None:
        """The thread's experiment with its trials; None without one."""
        found = await self._store.experiments.get(self.thread.id) if self._known else None
        return (found, await self._store.experiments.trials(found.thread)) if found else None

    async def history(self) -> list[AnyMessage]:
        """The messages as the model sees them, oldest first."""
        return await self._stored.messages() if self._known else []

    async def export(self) -> list[AnyMessage]:
        """Every message, those that compactions replaced in full."""
        return await self._stored.whole_history()

    async def commands(self) -> list[str]:
        """Commands of this thread that run now, those in the background too."""
        found = await asyncio.to_thread(runs_of, self._services.outputs.runs(self.thread.id))
        alive = [run for run in found if await asyncio.to_thread(run.state) == "alive"]
        return [meta.command for run in alive if (meta := run.meta()) is not None]

    async def background_commands(self, known: Collection[str]) -> list[BackgroundCommand]:
        """Commands in the background that run, and those of `known` that have ended."""
        folder = self._services.outputs.runs(self.thread.id)
        return await asyncio.to_thread(background_commands, folder, known)

    async def sees(self) -> bool:
        """Whether the model takes pictures."""
        await self._services.models.ready(self.thread.model)
        return self._services.models.sees(self.thread.model)

    def tools(self) -> Mapping[str, AgentTool]:
        """The tools that the thread has now, by name."""
        return self._services.tools

    def effect_of(self, tool: str, arguments: dict[str, Any]) -> Effect | None:
        """What a call would do; None for a tool or arguments that this thread does not have."""
        try:
            found = self._services.tools[tool]
            effect: Effect = found.effect(found.args_schema(**arguments), self.thread.cwd)
        except (KeyError, ValueError):
            return None
        return effect

    def rule_for(self, request: dict[str, Any]) -> str:
        """The rule that lets a call like this request of `pending()` run without asking; "" if no
        rule can."""
        allow, deny = self._options.allow, self._options.deny
        return proposed(
            request["tool"],
            request["arguments"],
            rules_of(self.settings.permissions, allow=allow, deny=deny),
            effect=self.effect_of(request["tool"], request["arguments"]),
            cwd=self.thread.cwd,
            state=str(self.settings.state_path()),
        )

    async def decide(self, call_id: str, decision: dict[str, Any]) -> bool:
        """Store a decision on a call that waits; a `resume` without decisions takes it. False: the
        call was decided before, and that counts."""
        return await self._store.decisions.put(self.thread.id, call_id, decision)

    async def queue(self) -> list[InboxRow]:
        """Messages that the conversation does not hold yet, the oldest first."""
        return await self._store.inbox.after(self.thread.id, await self.taken())

    async def enqueue(self, text: str) -> int:
        """A message typed during a turn: durable at once, joins at the model's next step. Its
        number in the thread's inbox."""
        return await self._store.inbox.put(self.thread.id, text)

    async def withdraw(self, number: int) -> None:
        """Take a message of `enqueue` back. A step under way may have read it already: then it
        is in the history, and `taken` says so."""
        await self._store.inbox.withdraw(self.thread.id, number)

    async def cost(self) -> dict[str, Spent]:
        """What was spent and set aside: {invocation, turn, thread, day}."""
        ledger, turn = self._store.ledger, await self._stored.turn()
        keys = asdict(self._scope(turn))
        return {name: await ledger.spent(name, key) for name, key in keys.items()}

    async def left(self) -> int | None:
        """What the caps leave, in micro-USD, at least 0; None without any cap."""
        scope = self._scope(await self._stored.turn())
        found = await self._store.ledger.left(scope, caps_of(self._context, self.settings))
        return None if found is None else max(0, found[0])

    def _scope(self, turn: Turn) -> Scope:
        key, day = key_of(self.thread.id, turn), time.strftime("%Y-%m-%d")
        return Scope(self.thread.id, self._context.invocation, key, day)

    async def turn_costs(self) -> dict[str, Spent]:
        """What each turn came to, by its key in the ledger (`graph.subagent.turn_named`)."""
        return await self._store.ledger.by_turn(self.thread.id)

    async def context_use(self) -> ContextUse:
        """What the next request would hold, in tokens."""
        state = (await self._stored.state()).values if self._known else {}
        await self._services.models.ready(self.thread.model)
        if self._mcp is not None:
            found = await self._mcp.known(self.thread.id)
            self._services.tools = {**self._own_tools, **found}
        messages = state.get("messages", [])
        # Counting a long history takes a second, in which nothing else would happen.
        return await asyncio.to_thread(context_use, self._services, self.thread.model, messages)

    async def jobs(self, *, ended: bool = False) -> list[Job]:
        """The jobs of this thread that run; `ended`: also those that were found to have ended just
        now. Raises ToolError if the Hub cannot be asked."""
        jobs = thread_jobs()
        return await jobs.running_jobs(self._services, self.thread, ended) if jobs else []

    async def job_progress(self, job: Job) -> str:
        """Loss, step, time left and cost of a job's training, by its log; "" if it shows none."""
        jobs = thread_jobs()
        return await jobs.job_progress(self._services, self.thread, job) if jobs else ""

    async def cancel_job(self, job: str) -> None:
        """End a job of this thread. Raises ToolError."""
        jobs = thread_jobs()
        if jobs is None:
            raise ToolError(f"this session has launched no job {job}")
        await jobs.cancel_job(self._services, self.thread, job)

    async def mcp_states(self) -> dict[str, str]:
        """How each MCP server stands, in a few words."""
        states = {} if self._mcp is None else await self._mcp.states()
        return {name: state.words for name, state in states.items()}

    def driver(self) -> str:
        """Who drives the thread now: "here", "elsewhere" (another process), or ""."""
        if self._running:
            return "here"
        return "elsewhere" if self._known and self._store.is_driven(self.thread.id) else ""

    async def refresh(self) -> bool:
        """Read again what another process may have changed: the row, the newest checkpoint.
        Whether anything did since the last look. Raises NoSuchThread: it was deleted."""
        if not self._known or self._running:
            return False
        row = await self._store.threads.get(self.thread.id)
        if row is None:
            raise NoSuchThread(f"no session has the id {self.thread.id}")
        seen = (row.updated, row.title, await self._stored.head())
        changed, self._looked = seen != self._looked, seen
        self.thread = replace(row, host=self.thread.host, cwd=self.thread.cwd)
        return changed

    async def undo(self, turns: int = 1, *, dry_run: bool = False) -> tuple[Moved, UndoComplete]:
        """Undo the newest turns, between turns; what it did, and the event that tells it.
        Raises UsageError, ThreadBusy."""
        return await self._moved(await self.time_line().undo(turns, dry_run=dry_run), dry_run)

    async def redo(self, *, dry_run: bool = False) -> tuple[Moved, UndoComplete]:
        """As `undo`, of the turn that was undone last."""
        return await self._moved(await self.time_line().redo(dry_run=dry_run), dry_run)

    async def fork(self, at: int | None = None) -> ThreadRow:
        """A new thread from the end of this one, or of its turn `at`. Raises UsageError."""
        return await self.time_line().fork(at)

    async def _moved(self, moved: Moved, dry_run: bool) -> tuple[Moved, UndoComplete]:
        event = moved.event()
        if not dry_run:
            await self.refresh()
            self._turn_number = moved.turn
            self._stamped(event)
        return moved, event

    def time_line(self) -> TimeLine:
        """To undo, redo or fork the thread, between turns."""
        return TimeLine(self._store, self._services, self.thread, self._mcp, self._snapshots)

    async def keep_text(self, name: str, text: str, limit: int) -> tuple[str, str]:
        """(head and tail of `text` within `limit` characters, the file that holds all of it)."""
        outputs, own = self._services.outputs, f"{name}-{secrets.token_hex(4)}"
        shown = await outputs.bounded(self.thread.id, own, text, limit)
        return shown, str(outputs.result(self.thread.id, own))

    async def keep_file(self, name: str, content: bytes) -> Path:
        """Store what a user attached next to the thread's results; where it is."""
        own = f"{secrets.token_hex(4)}-{Path(name).name}"
        path: Path = self._services.outputs.result(self.thread.id, "").with_name(own)
        await asyncio.to_thread(write_private, path, content)
        return path

    def summary(self) -> dict[str, Any]:
        """What the last turn came to, however it ended: {text, iterations, usage,
        cost_micro_usd, left_micro_usd, seconds}; {} before the first."""
        return dict(self._summary)

    async def _next_number(self) -> int:
        """The turn that begins or continues, by its number."""
        if not self._known:
            return 1
        turn = (await self._stored.standing()).values.get("turn", ROOT)
        self._files.follow(turn.get("before"))
        done = turn.get("status") in ("done", "limit", "error", "interrupted")
        return int(turn.get("number", 0)) + (1 if done else 0)
