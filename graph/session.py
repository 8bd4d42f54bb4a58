"""Session: the front door for a program. Send a message, get events.

    async with Session.open(settings, cwd="~/project") as session:
        async for event in session.send("count the rows of data.csv"):
            print(event.name)

A session drives one thread. A turn's iterator ends with exactly one of turn_complete, error,
interrupted, approval_required; failures come as `error` events, never as exceptions. Only
opening raises (AgentError).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from langchain_core.messages import AnyMessage

from configs.folders import who_else_may_write
from configs.model_ids import RECORDINGS
from configs.settings import Settings
from core.durable import Spent
from core.effects import Effect
from core.errors import AgentError, ThreadBusy, UsageError
from core.events import (
    ApprovalRequired,
    Error,
    Event,
    Interrupted,
    Processing,
    Ready,
    Shutdown,
    TurnComplete,
)
from core.history import final_text, was_interrupted
from core.hub.jobs import Job
from core.model import ModelClient
from core.models.list_models import check
from core.policy.rules import parse_rule
from core.run import Mode, StopSignal
from core.secrets.redaction import keep_known, redacted
from core.state import AgentState, PlanItem, Turn
from core.store import Store, ThreadRow, open_store
from core.store.runs import runs_of
from core.text import encodable
from core.tool import AgentTool
from graph.agent import build_graph
from graph.background.notifications import Notifier
from graph.background.trace_sharing import Sharing
from graph.decisions import decide, rejections, requests_of
from graph.options import RunOptions, context_for, thread_for
from graph.stream import Seen, events_of, without_secrets
from graph.transcript.recorded_model import open_replay
from graph.transcript.write import whole_history
from graph.turn_files import TurnFiles
from graph.undo import TimeLine
from nodes.budget import key_of
from nodes.interrupt import Stopped, race
from nodes.job_notices import cancel_job, running_jobs
from nodes.limits import ContextUse, context_use
from nodes.opening import NO_USAGE, ROOT, goes_on, next_turn, settle
from nodes.services import build_services, in_sandbox

__all__ = ["RunOptions", "Session"]

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

#: Stands for "there is nothing to run".
NOTHING: Any = object()


class Session:
    """One thread, driven by one program.

    Attributes: thread: the thread's row. moved: what to tell a person whose thread was on
    another machine before; empty otherwise.
    """

    thread: ThreadRow
    moved: str = ""

    def __init__(
        self,
        settings: Settings,
        cwd: Path,
        thread: str | None,
        options: RunOptions,
        models: ModelClient | None,
        tools: Mapping[str, AgentTool] | None,
    ) -> None:
        self.settings = settings
        self._models = models
        self._tools = tools
        self._cwd = cwd
        self._wanted = thread
        self._options = options
        self._seen = Seen()
        self._seq = 0
        self._turn_number = 0
        self._told_ready = False
        self._known = False
        self._running = False
        self._closed = False
        self._opened = time.time()
        self._stop = StopSignal()
        self._summary: dict[str, Any] = {}
        #: The exception behind the last `error` event, for --debug.
        self.failure: BaseException | None = None

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        cwd: str | Path | None = None,
        thread: str | None = None,
        options: RunOptions | None = None,
        models: ModelClient | None = None,
        tools: Mapping[str, AgentTool] | None = None,
    ) -> Session:
        """A session on `thread` (an id or a prefix), or on a new one in `cwd`.

        A program may bring a model client and tools of its own, by name.

        Entering it raises AgentError: no such thread, a database that cannot be used, no
        model, no credential.
        """
        folder = Path(cwd).expanduser().absolute() if cwd else Path.cwd()
        return cls(settings, folder, thread, options or RunOptions(), models, tools)

    async def __aenter__(self) -> Self:
        self._store: Store = await open_store(self.settings)
        try:
            await self._prepare()
        except BaseException:
            await self._store.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def _prepare(self) -> None:
        state = self.settings.state_path()
        others = await asyncio.to_thread(who_else_may_write, state)
        if others and self._options.notice is not None:
            self._options.notice(f"sessions in {state} are not safe: {others}")
        row = await self._store.threads.resolve(self._wanted) if self._wanted else None
        self._known = row is not None
        brought = self._models is not None
        self.thread = await thread_for(
            row, self._cwd, self._options, self.settings, own_client=brought
        )
        if row is not None and row.host != self.thread.host:
            self.moved = (
                f"this thread was on {row.host}: its files and processes did not travel; "
                f"it goes on in {self.thread.cwd}"
            )
        models = self._models
        if models is None and self.thread.model.startswith(RECORDINGS):
            models = open_replay(self.thread.model, self.thread.cwd)
        services = build_services(self.settings, self._store, models=models, cwd=self.thread.cwd)
        tools = services.tools if self._tools is None else self._tools
        recorded = self.thread.model.startswith(RECORDINGS)
        mcp = None if self._tools is not None or recorded else services.mcp
        if mcp is not None:
            mcp.notice = self._options.notice or mcp.notice
            mcp.equip(ask=self._options.ask)
        self._files = TurnFiles(services, self.thread)
        self._services = replace(
            services, stop=self._stop, tools=tools, changing_files=self._files.changing, mcp=mcp
        )
        self._services = in_sandbox(self._services, self.thread.id, self.thread.sandbox)
        if self.thread.sandbox:
            self._services.backend.notice = self._options.notice or log.info
        self._own_tools = tools
        self._sharing = Sharing(self._services, self._store, self._options.notice)
        self._notifier = Notifier(self.settings.notify, self._options.notice)
        self._context = context_for(self.thread, self._options, self.settings, self._services)
        self._iterations = self._context.max_iterations
        self._config: dict[str, Any] = {"configurable": {"thread_id": self.thread.id}}
        self._compiled: Any = None

    # --- what a program does with it --------------------------------------------------------

    async def send(self, text: str) -> AsyncGenerator[Event, None]:
        """A turn with `text` as its message. Unfinished work of an earlier turn is closed
        first; approvals that wait count as rejected with these words."""
        if not text.strip():
            raise UsageError("the message is empty")
        text = encodable(text)
        self._context.max_iterations = self._iterations

        async def begin() -> Any:
            state = await self._state()
            if state.interrupts:
                requests = requests_of(state.interrupts)
                return await self._decided(state.interrupts, rejections(requests, text))
            if state.tasks:
                await self._settle()
            return await self._opening()

        async with aclosing(self._turn(text, begin, message=text)) as events:
            async for event in events:
                yield event

    def effect_of(self, tool: str, arguments: dict[str, Any]) -> Effect | None:
        """What a call would do; None for a tool or arguments that this thread does not have."""
        try:
            found = self._services.tools[tool]
            effect: Effect = found.effect(found.args_schema(**arguments), self.thread.cwd)
        except (KeyError, ValueError):
            return None
        return effect

    async def resume(
        self, decisions: Sequence[dict[str, Any]] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Go on with a turn that was cut off, or answer the approvals that wait.

        Args:
            decisions: one per request of `pending()`, in order, in LangChain's shape:
                {"type": "approve"}, {"type": "edit", "edited_action": {"name", "args"}},
                {"type": "reject", "message"}, {"type": "respond", "message"}.
        """

        async def begin() -> Any:
            state = await self._state()
            if state.interrupts:
                return await self._decided(state.interrupts, decisions)
            if decisions is not None:
                raise UsageError("no approval waits for a decision in this thread")
            if state.tasks:
                return None
            turn: Turn = state.values.get("turn", ROOT)
            if await self._store.inbox.after(self.thread.id, turn.get("seq", 0)):
                return await self._opening()
            if turn.get("status") == "limit":
                # It stopped for want of money, time or iterations: this run may have some.
                return {"turn": goes_on(turn)}
            return NOTHING

        async with aclosing(self._turn(self.thread.title, begin)) as events:
            async for event in events:
                yield event

    async def compact(self) -> AsyncGenerator[Event, None]:
        """Summarise the history now, whatever its size."""

        async def begin() -> Any:
            state = await self._state()
            if not state.values.get("messages"):
                return NOTHING
            if state.interrupts or state.tasks:
                raise UsageError(
                    "a turn is under way in this thread", "finish it first: sessions resume"
                )
            return {"turn": {**state.values["turn"], "compact": "requested"}}

        async with aclosing(self._turn("", begin, alone=True)) as events:
            async for event in events:
                yield event

    async def _decided(self, interrupts: Any, decisions: Sequence[dict[str, Any]] | None) -> Any:
        """The resume value: `decisions` where a call was not decided elsewhere before; NOTHING
        while one has none."""
        ids = [request["id"] for request in requests_of(interrupts)]
        if decisions is not None:
            decide(interrupts, decisions)  # as many as are needed, or UsageError
            for call_id, decision in zip(ids, decisions, strict=True):
                await self._store.decisions.put(self.thread.id, call_id, decision)
        found = await self._store.decisions.of(self.thread.id, ids)
        if len(found) < len(ids):
            return NOTHING
        return decide(interrupts, [found[call_id] for call_id in ids])

    async def pending(self) -> list[dict[str, Any]]:
        """The approval requests that wait: [{id, tool, arguments, effect, reason,
        price_micro_usd, preview}]."""
        return requests_of((await self._state()).interrupts) if self._known else []

    async def decided(self, call_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The decisions that were taken on calls of this thread, by call id."""
        return await self._store.decisions.of(self.thread.id, call_ids)

    async def grant(self, rule: str) -> None:
        """Let a rule hold in the thread's folder from now on. Raises SettingsError."""
        parse_rule(rule, "")
        await self._store.grants.add(self.thread.cwd, rule)

    async def unfinished(self) -> bool:
        """Whether a turn was cut off: its work is open, or a message was not taken yet."""
        if not self._known:
            return False
        state = await self._state()
        seq = state.values.get("turn", ROOT).get("seq", 0)
        return bool(state.tasks) or bool(await self._store.inbox.after(self.thread.id, seq))

    async def enqueue(self, text: str) -> int:
        """A message typed during a turn: durable at once, joins at the model's next step. Its
        number in the thread's inbox."""
        return await self._store.inbox.put(self.thread.id, text)

    async def withdraw(self, number: int) -> None:
        """Take a message of `enqueue` back. A step under way may have read it already: then it
        stands in the history, and `taken` says so."""
        await self._store.inbox.withdraw(self.thread.id, number)

    async def taken(self) -> int:
        """The number of the newest message that the conversation holds."""
        return int((await self._state()).values.get("turn", ROOT).get("seq", 0))

    async def plan(self) -> list[PlanItem]:
        """The checklist as it stands."""
        return list((await self._state()).values.get("plan") or []) if self._known else []

    async def commands(self) -> list[str]:
        """Commands of this thread that run now, those in the background too."""
        found = await asyncio.to_thread(runs_of, self._services.outputs.runs(self.thread.id))
        alive = [run for run in found if await asyncio.to_thread(run.state) == "alive"]
        return [meta.command for run in alive if (meta := run.meta()) is not None]

    async def sees(self) -> bool:
        """Whether the model takes pictures."""
        await self._services.models.ready(self.thread.model)
        return self._services.models.sees(self.thread.model)

    async def history(self) -> list[AnyMessage]:
        """The messages as the model sees them, oldest first."""
        return list((await self._state()).values.get("messages", [])) if self._known else []

    async def export(self) -> list[AnyMessage]:
        """Every message, those that compactions replaced in full."""
        return await whole_history(self._store, self.thread.id)

    async def cost(self) -> dict[str, Spent]:
        """What was spent and set aside: {invocation, turn, thread, day}."""
        ledger, turn = self._store.ledger, (await self._state()).values.get("turn", ROOT)
        keys = {
            "invocation": self._context.invocation,
            "turn": key_of(self.thread.id, turn),
            "thread": self.thread.id,
            "day": time.strftime("%Y-%m-%d"),
        }
        return {name: await ledger.spent(name, key) for name, key in keys.items()}

    def raise_cap(self, dollars: float) -> None:
        """Let this session spend so much more."""
        cap = self._context.max_cost_micro_usd
        if cap is not None:
            self._context.max_cost_micro_usd = cap + round(dollars * 1_000_000)

    def more_iterations(self) -> None:
        """Let the turn at hand have as many iterations again."""
        self._context.max_iterations += self._iterations

    async def switch(self, model: str) -> str:
        """Let another model answer from the next request on, in this thread; the route in words.
        Raises UnknownModel, NotAuthenticated."""
        route = await check(model, self.settings)
        self.thread = replace(self.thread, model=model)
        self._context.model = model
        if self._known:
            await self._store.threads.update(self.thread.id, model=model)
        return route.describe()

    async def permit(self, mode: Mode) -> None:
        """Let another mode say what runs unasked, from the next answer on."""
        self.thread = replace(self.thread, mode=mode)
        self._context.mode = mode
        if self._known:
            await self._store.threads.update(self.thread.id, mode=mode)

    def think(self, effort: str) -> None:
        """How much a model that can think shall think from now on."""
        self._context.effort = effort

    async def context_use(self) -> ContextUse:
        """What the next request would hold, in tokens."""
        state = (await self._state()).values if self._known else {}
        await self._services.models.ready(self.thread.model)
        if self._services.mcp is not None:
            found = await self._services.mcp.known(self.thread.id)
            self._services.tools = {**self._own_tools, **found}
        return context_use(self._services, self.thread.model, state.get("messages", []))

    async def jobs(self) -> list[Job]:
        """The jobs of this thread that go on. Raises ToolError where the Hub cannot be asked."""
        return await running_jobs(self._services, self.thread)

    async def cancel_job(self, job: str) -> None:
        """End a job of this thread. Raises ToolError."""
        await cancel_job(self._services, self.thread, job)

    async def mcp_states(self) -> dict[str, str]:
        """How each MCP server stands, in a few words."""
        return {} if self._services.mcp is None else await self._services.mcp.states()

    def time_line(self) -> TimeLine:
        """To undo, redo or fork the thread, between turns."""
        return TimeLine(self._store, self._services, self.thread)

    async def keep_text(self, name: str, text: str, limit: int) -> tuple[str, str]:
        """(head and tail of `text` within `limit` characters, the file that holds all of it)."""
        outputs, own = self._services.outputs, f"{name}-{secrets.token_hex(4)}"
        shown = await outputs.bounded(self.thread.id, own, text, limit)
        return shown, str(outputs.result(self.thread.id, own))

    def interrupt(self, reason: str = "interrupted") -> None:
        """Stop the turn under way, cooperatively; the thread stays valid. `reason` other than
        "interrupted" names a limit, and the turn ends as one that reached it."""
        self._stop.set(reason)

    def summary(self) -> dict[str, Any]:
        """What the last turn came to, however it ended: {text, iterations, usage,
        cost_micro_usd, seconds}; {} before the first."""
        return dict(self._summary)

    async def close(self) -> Event:
        """End the session; the last event. May be called twice."""
        await self._sharing.settled()
        await self._notifier.settled()
        if self._services.mcp is not None:
            await self._services.mcp.close()
        if not self._closed:
            self._closed = True
            await self._leave_sandbox()
        await self._store.close()
        return self._stamped(Shutdown())

    async def _leave_sandbox(self) -> None:
        """A headless run gives it back, unless its turn is to go on: in a chat one comes back, and
        it ends by itself when nobody does."""
        if not self.thread.sandbox:
            return
        backend, notice = self._services.backend, self._options.notice or log.info
        over = self.thread.status not in ("approval", "interrupted", "running")
        if over and not self._options.interactive and not self.settings.sandbox.keep:
            try:
                told = await backend.end()
            except AgentError as error:
                told = f"the sandbox could not be ended: {error.message} (ml-agent doctor lists it)"
            if told:
                notice(told)
        await backend.close()

    # --- a turn -------------------------------------------------------------------------------

    async def _turn(
        self,
        text: str,
        begin: Callable[[], Awaitable[Any]],
        message: str = "",
        *,
        alone: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Everything from `processing` to the turn's last event. `alone`: it is no part of the turn
        before it."""
        if self._running:
            raise UsageError("a turn is running in this session")
        self._running, self.failure = True, None
        watch = _Watch(time.time(), time.monotonic(), alone)
        self._stop.clear()
        timer = self._deadline()
        opening = [Processing(text=text)]
        last: Event
        try:
            async with self._store.lease(self.thread.id):
                if message:
                    await self._accept(message)
                await self._equip(join=bool(message))
                self._turn_number = await self._next_number()
                for event in self._first(opening):
                    yield event
                await self._status("running")
                async with aclosing(self._run(begin)) as events:
                    async for event in events:
                        watch.works = True
                        self._notifier.tell(event, self.thread)
                        yield self._stamped(event)
                last = await self._outcome(watch)
                await self._status(_status_of(last))
                self._sharing.turn_ended(self.thread)
        except Exception as error:  # the front door: whatever happened is one event
            self.failure, last = error, _error_event(error)
            log.debug("the turn failed", exc_info=True)
            if not isinstance(error, ThreadBusy):
                with suppress(Exception):  # the error is told, whatever else cannot be
                    await self._outcome(watch)
                await self._status("error", quietly=True)
        finally:
            if timer:
                timer.cancel()
            await self._files.settled()
            self._running = False
        for event in self._first(opening):
            yield event
        if text and not isinstance(self.failure, ThreadBusy):
            self._notifier.tell(last, self.thread)
        yield self._stamped(last)

    def _first(self, opening: list[Processing]) -> Iterator[Event]:
        """`ready`, once a session, and the turn's `processing`; each told once."""
        if not self._told_ready:
            self._told_ready = True
            yield self._stamped(self._ready())
        while opening:
            yield self._stamped(opening.pop())

    async def _run(self, begin: Callable[[], Awaitable[Any]]) -> AsyncGenerator[Event, None]:
        """Run the graph, and once more while messages wait that no step has taken."""
        graph_input = await begin()
        while graph_input is not NOTHING:
            events = events_of(
                await self._app(), graph_input, self._config, self._context, self._seen
            )
            async with aclosing(events) as told:
                async for event in told:
                    if self._services.mcp is not None and event.name != "tool_log":
                        self._services.mcp.connect()  # the first request is out
                    yield event
            graph_input = await self._left_over()

    async def _left_over(self) -> Any:
        """The input of a further turn for what arrived during the final answer."""
        state = await self._state()
        turn = state.values.get("turn", ROOT)
        if state.tasks or self._stop.is_set() or turn.get("status") != "done":
            return NOTHING
        if not await self._store.inbox.after(self.thread.id, turn.get("seq", 0)):
            return NOTHING
        self._turn_number += 1
        return await self._opening()

    async def _opening(self) -> Any:
        """The input that opens a turn; a new thread gets its root checkpoint first."""
        state = await self._state()
        config, values = state.config, state.values
        if state.metadata is None:
            app = await self._app()
            config = await app.aupdate_state(self._config, {"turn": ROOT}, as_node="stop")
            values = {"turn": ROOT}
        head = config["configurable"].get("checkpoint_id")
        last = values.get("turn", ROOT)
        self._files.begin(head, after=last.get("before"))
        return {"turn": next_turn(last, head)}

    async def _outcome(self, watch: _Watch) -> Event:
        """The turn's last event, read from where the thread stands now; what it cost, from the
        ledger."""
        state = await self._state()
        values: AgentState = state.values
        turn = values.get("turn", ROOT)
        spent = await self._store.ledger.spent("turn", key_of(self.thread.id, turn))
        seconds, since = watch.of(turn, self._opened)
        self._summary = {
            "text": final_text(values.get("messages", [])),
            "iterations": turn.get("iterations", 0),
            "usage": turn.get("usage") or dict(NO_USAGE),
            "cost_micro_usd": None if spent.unknown else spent.amount,
            "seconds": round(seconds, 3),
        }
        if state.interrupts:
            return ApprovalRequired(requests=requests_of(state.interrupts))
        if turn.get("status") == "interrupted":
            in_tools = was_interrupted(values.get("messages", []))
            return Interrupted(at="tools" if in_tools else "model")
        if turn.get("status") == "error":
            failed = turn["error"]
            return Error(kind=failed["kind"], message=failed["message"], hint=failed["hint"])
        return TurnComplete(
            status="limit" if turn.get("status") == "limit" else "done",
            reason=turn.get("reason", ""),
            since=since,
            **self._summary,
        )

    # --- small things -------------------------------------------------------------------------

    async def _settle(self) -> None:
        row = self.thread
        await settle(await self._app(), self._config, self._services, row.id, row.cwd)

    async def _app(self) -> Any:
        if self._compiled is None:
            self._compiled = build_graph().compile(checkpointer=await self._store.saver())
        return self._compiled

    async def _state(self) -> Any:
        return await (await self._app()).aget_state(self._config)

    async def _next_number(self) -> int:
        """The turn that begins or goes on, by its number."""
        if not self._known:
            return 1
        turn = (await self._state()).values.get("turn", ROOT)
        self._files.follow(turn.get("before"))
        done = turn.get("status") in ("done", "limit", "error", "interrupted")
        return int(turn.get("number", 0)) + (1 if done else 0)

    async def _equip(self, *, join: bool) -> None:
        """The turn's tools, with those of MCP servers; they stay as they are to its end. Servers
        that are new are waited for while the model client loads. `join`: a new turn begins."""
        if self._services.mcp is None:
            return
        ready, model = self._services.models.ready, self.thread.model
        with suppress(Stopped):
            work = self._services.mcp.tools_for(
                self.thread.id, join=join, beside=lambda: ready(model)
            )
            found = await race(work, self._stop)
            self._services.tools = {**self._own_tools, **found}

    async def _accept(self, text: str) -> None:
        """The message on disk, before litellm is imported or the graph runs: no kill loses what
        a person typed. The thread's row is made with its first message."""
        keep_known(text)
        if not self._known:
            # Before it is shortened: half a secret is known by nobody.
            title = redacted(text.strip().splitlines()[0])
            self.thread = await self._store.threads.create(replace(self.thread, title=title))
            self._known = True
        await self._store.inbox.put(self.thread.id, text)

    async def _status(self, status: str, *, quietly: bool = False) -> None:
        if not self._known:
            return
        try:
            self.thread = await self._store.threads.update(
                self.thread.id,
                status=status,
                model=self.thread.model,
                mode=self.thread.mode,
                turns=self._turn_number,
                host=self.thread.host,
                cwd=self.thread.cwd,
                sandbox=self.thread.sandbox,
            )
        except AgentError:
            if not quietly:
                raise

    def _deadline(self) -> asyncio.TimerHandle | None:
        seconds = self._options.max_time
        if seconds is None:
            return None
        reason = f"the turn used its {seconds:g} seconds"
        return asyncio.get_running_loop().call_later(seconds, self._stop.set, reason)

    def _ready(self) -> Ready:
        tools = sorted(self._services.tools)
        return Ready(tools=tools, model=self.thread.model, mode=self.thread.mode)

    def _stamped(self, event: Event) -> Event:
        event = without_secrets(event)
        self._seq += 1
        event.thread, event.turn, event.seq = self.thread.id, self._turn_number, self._seq
        return event


@dataclass
class _Watch:
    """Measures a turn. wall, steady: when this part of it began, epoch seconds and monotonic.
    works: whether anything ran. alone: it is no part of the turn before it."""

    wall: float
    steady: float
    alone: bool = False
    works: bool = False

    def of(self, turn: Turn, opened: float) -> tuple[float, float]:
        """(seconds of the whole turn, what came before an approval or a kill included; when it
        began, epoch seconds, where that was before the session was opened, else 0)."""
        seconds, began = time.monotonic() - self.steady, turn.get("started", 0.0)
        if self.alone or not self.works or not 0 < began < self.wall:
            return seconds, 0.0
        return max(seconds, time.time() - began), began if began < opened else 0.0


def _status_of(event: Event) -> str:
    if isinstance(event, TurnComplete):
        return event.status
    names = {"approval_required": "approval", "interrupted": "interrupted"}
    return names.get(event.name, "error")


def _error_event(error: Exception) -> Error:
    if isinstance(error, AgentError):
        return Error(kind=error.kind, message=error.message, hint=error.hint)
    said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return Error(kind="internal", message=said, hint=AgentError.default_hint)
