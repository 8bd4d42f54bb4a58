"""Going back and forth in a thread: undo, redo, fork.

The conversation moves between checkpoints along `turn.before`, never by removing messages, so a
step is exact across compactions and after an interrupt. Files follow by the snapshots of each turn:
what a turn changed comes back unless someone changed it since. What cannot be taken back is named.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langgraph.types import Overwrite

from core.errors import UsageError
from core.events import UndoComplete
from core.history import calls_of
from core.state import Turn
from core.store import Store, ThreadRow, new_thread_id
from core.store.files.history import Snapshots
from core.store.runs import runs_of
from core.tool import AgentContext, Services
from graph.thread import Thread
from graph.turn_files import snapshots_of
from graph.undo_files import UndoFiles
from nodes.opening import ROOT
from nodes.step import Step
from tools.extension import ToolServers


@dataclass(frozen=True)
class PastTurn:
    """A turn of the thread as it stands. before: the checkpoint it began from. text: the first
    line of what the user said."""

    number: int
    before: str
    text: str
    status: str


@dataclass
class Moved:
    """What an undo or redo did, or would do.

    Attributes:
        turn: the thread's turn after it. moved: numbers of the turns taken back or done again.
        restored, left: files below the folder; `left` with the reason. removed: those of
            `restored` that go away.
        beyond: what it does not reach: things done elsewhere, commands that still run.
        files_off: why files are not covered at all; "" where they are.
    """

    turn: int
    moved: list[int] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    beyond: list[str] = field(default_factory=list)
    files_off: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def event(self) -> UndoComplete:
        left = [f"{name}: {reason}" for name, reason in self.left.items()]
        undone = self.moved[-1] if self.moved else self.turn
        return UndoComplete(undone_turn=undone, files_restored=self.restored, files_left=left)


class TimeLine:
    """One thread's checkpoints, to move between. Use it while no one drives the thread: each
    method holds the lease."""

    def __init__(
        self,
        store: Store,
        services: Services,
        row: ThreadRow,
        mcp: ToolServers | None = None,
        snapshots: Snapshots | None = None,
    ) -> None:
        """`snapshots`: those of the session, if one has the thread open in this process."""
        self._store = store
        self._services = services
        self._row = row
        self._mcp = mcp
        self._thread = Thread(store, row.id)
        snapshots = snapshots or snapshots_of(services.settings, store)
        self._files = UndoFiles(snapshots, services.outputs, row)

    async def turns(self) -> list[PastTurn]:
        """The turns of the thread as it stands, the newest first."""
        found: list[PastTurn] = []
        turn = await self._thread.turn()
        while turn.get("number", 0) > 0:
            before = turn.get("before") or ""
            earlier = await self._thread.turn(before) if before else ROOT
            rows = await self._services.inbox.after(self._row.id, earlier.get("seq", 0))
            text = rows[0].text.strip().splitlines()[0] if rows and rows[0].text.strip() else ""
            found.append(PastTurn(turn["number"], before, text, turn.get("status", "")))
            if not before:
                break
            turn = earlier
        return found

    async def undo(self, turns: int = 1, *, dry_run: bool = False) -> Moved:
        """Take back the newest `turns` turns. Raises UsageError where there are not as many,
        ThreadBusy."""
        async with self._store.lease(self._row.id):
            await self._close_open_turn(dry_run)
            steps = [step for step in await self.turns() if step.before][:turns]
            if len(steps) < turns:
                count = len(steps)
                raise UsageError(
                    f"nothing to undo in {self._row.id}"
                    if not count
                    else f"{self._row.id} has only {count} turns that can be undone",
                    "Cannot undo past the point where the fork was made" if not count else "",
                )
            befores = [step.before for step in steps]
            plan, off = await self._files.back(befores, dry_run)
            moved = Moved(
                turn=steps[-1].number - 1,
                moved=[step.number for step in steps],
                restored=plan.restored,
                removed=plan.removed,
                left=plan.left,
                beyond=await self._beyond(steps[-1].before),
                files_off=off,
            )
            if dry_run:
                return moved
            for step in steps:
                state = await self._thread.state()
                head = state.config["configurable"]["checkpoint_id"]
                await self._thread.go_to(step.before, state.values["turn"]["seq"], redo=head)
            await self._tell_row(moved.turn, "done")
            return moved

    async def redo(self, *, dry_run: bool = False) -> Moved:
        """Do the turn again that was taken back last. Raises UsageError: there is none."""
        async with self._store.lease(self._row.id):
            turn = await self._thread.turn()
            target_id = turn.get("redo")
            if not target_id:
                raise UsageError(
                    f"nothing to redo in {self._row.id}",
                    "only an undo can be redone, until the next message",
                )
            target = await self._thread.turn(target_id)
            before, number = target.get("before") or "", target.get("number", 0)
            then = target.get("redo")
            later = (await self._thread.turn(then)).get("before") if then else ""
            plan, off = await self._files.forth(before, dry_run, later or "")
            moved = Moved(
                turn=number,
                moved=[number],
                restored=plan.restored,
                removed=plan.removed,
                left=plan.left,
                files_off=off,
            )
            if not dry_run:
                seq = max(turn.get("seq", 0), target.get("seq", 0))
                await self._thread.go_to(target_id, seq, redo=target.get("redo"))
                await self._tell_row(number, target.get("status", "done"))
            return moved

    async def fork(self, at: int | None = None) -> ThreadRow:
        """A new thread that continues from this one's end, or from the end of turn `at`. Files are
        shared: both work in the same folder. Raises UsageError."""
        async with self._store.lease(self._row.id):
            state = await self._thread.state("" if at is None else await self._end_of(at))
            if at is None and state.tasks:
                raise UsageError(
                    f"a turn is under way in {self._row.id}",
                    "finish it (sessions resume), or fork an earlier turn with --at",
                )
            values = dict(state.values)
            if not values.get("messages"):
                raise UsageError(f"nothing to fork in {self._row.id}", "send a message first")
            turn: Turn = values["turn"]
            turn = {**turn, "before": None, "redo": None, "seq": 0}
            row = replace(
                self._row,
                id=new_thread_id(time.time()),
                title=f"fork of {self._row.title}",
                status="done",
                turns=turn.get("number", 0),
            )
            row = await self._store.threads.create(row)
            await self._store.files_seen.copy(self._row.id, row.id)
            update = {**values, "turn": turn, "messages": Overwrite(values["messages"])}
            await Thread(self._store, row.id).write(update)
            return row

    # --- the conversation ---------------------------------------------------------------------

    async def _end_of(self, number: int) -> str:
        """The checkpoint at the end of a turn: the one before the next."""
        steps = {step.number: step for step in await self.turns()}
        if number not in steps:
            raise UsageError(f"{self._row.id} has no turn {number}", "choose a turn that it has")
        following = steps.get(number + 1)
        return following.before if following else ""

    async def _close_open_turn(self, dry_run: bool) -> None:
        """A turn that was cut off, or waits for approval, is closed: then it can be redone."""
        if not dry_run and (await self._thread.state()).tasks:
            step = Step(self._services, AgentContext(), self._row.id, self._row.cwd)
            await self._thread.settle(step)

    async def _tell_row(self, turns: int, status: str) -> None:
        await self._store.threads.update(self._row.id, turns=turns, status=status)

    async def _beyond(self, before: str) -> list[str]:
        """What the turns after checkpoint `before` did that no snapshot brings back."""
        now = await self._thread.messages()
        earlier = (await self._thread.state(before)).values.get("messages", [])
        known = {message.id for message in earlier}
        undone = [message for message in now if message.id not in known]
        ids = {call.id for m in undone if isinstance(m, AIMessage) for call in calls_of(m)}
        runs = await asyncio.to_thread(runs_of, self._services.outputs.runs(self._row.id))
        told = [
            f"a command still runs: {run.id}"
            for run in runs
            if run.folder.name in ids and await asyncio.to_thread(run.state) == "alive"
        ]
        if self._row.sandbox:
            told.append("what was done to files in the sandbox")
        return [*told, *await self._done_elsewhere(undone)]

    async def _done_elsewhere(self, messages: Sequence[AnyMessage]) -> list[str]:
        """Calls that changed something outside of this machine."""
        tools = dict(self._services.tools)
        if self._mcp is not None:
            tools.update(await self._mcp.known(self._row.id))
        succeeded = {
            m.tool_call_id for m in messages if isinstance(m, ToolMessage) and m.status == "success"
        }
        told = []
        for message in messages:
            for call in calls_of(message) if isinstance(message, AIMessage) else ():
                tool = tools.get(call.name)
                if tool is None or call.id not in succeeded:
                    continue
                try:
                    arguments = tool.args_schema.model_validate(call.args)
                except ValueError:
                    continue  # a user had edited them
                kind = tool.effect(arguments, self._row.cwd).kind
                unseen = tool.acts_elsewhere and kind == "execute"
                if kind in ("publish", "spend", "destroy") or unseen:
                    told.append(f"{call.name} {call.args.get('operation', '')}: {kind}".strip())
        return told
