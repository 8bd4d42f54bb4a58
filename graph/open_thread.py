"""What is open while a program has a thread: store, services, MCP servers, sandbox, the files of
its turns; and its row, as it is kept up to date."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from configs.folders import who_else_may_write
from configs.model_ids import RECORDINGS
from configs.settings import Settings
from core.credentials import is_shared
from core.errors import AgentError, MessageQueued, ThreadBusy
from core.events import Event, TurnComplete
from core.model import ModelClient
from core.run import StopSignal
from core.secrets.redaction import keep_known, redacted
from core.store import Store, ThreadRow, open_store
from core.tool import AgentContext, AgentTool, Services
from graph.background.telemetry import Telemetry, spans_of
from graph.options import RunOptions, context_for, thread_for
from graph.report import report_of
from graph.search import said_in
from graph.thread import Thread
from graph.transcript.recorded_model import ReplayModel, open_replay
from graph.turn_figures import Watch
from graph.turn_files import TurnFiles, snapshots_of
from graph.turn_input import Wanted
from nodes.interrupt import Stopped, race
from nodes.services import build_services, in_sandbox
from nodes.step import Step
from tools import tool_servers
from tools.extension import ServerContents, ToolServers
from tools.research import agent_tools

log = logging.getLogger(__name__)


class Brought(TypedDict, total=False):
    """What a program may bring: a model client, tools of its own by name, an open store that it
    closes itself, and the number of the last event it has (`seq` continues after it)."""

    models: ModelClient | None
    tools: Mapping[str, AgentTool] | None
    store: Store | None
    seq: int


class OpenThread:
    """One thread, opened by one program.

    Attributes:
        thread: the thread's row. moved: what to tell a user whose thread was on another machine
            before; empty otherwise.
    """

    thread: ThreadRow
    moved: str = ""
    _store: Store
    _stored: Thread
    _services: Services
    _context: AgentContext
    _files: TurnFiles
    _mcp: ToolServers | None = None
    _telemetry: Telemetry | None = None
    _turn_number: int
    _summary: dict[str, Any]
    #: The tools without those of MCP servers.
    _own_tools: Mapping[str, AgentTool]
    #: Whether the thread is in the store: a new one is with its first message.
    _known: bool
    #: The first turn of those that run now.
    _first_turn: int = 0

    def __init__(
        self,
        settings: Settings,
        cwd: Path,
        thread: str | None,
        options: RunOptions,
        brought: Brought,
    ) -> None:
        self.settings = settings
        self._cwd = cwd
        self._wanted = thread
        self._options = options
        self._brought = brought
        self._stop = StopSignal()

    async def _open(self) -> None:
        """Raises AgentError."""
        brought = self._brought.get("store")
        self._store = brought or await open_store(self.settings)
        try:
            await self._find_thread()
            self._build()
        except BaseException:
            await self._close_store()
            raise

    async def _close_store(self) -> None:
        if self._telemetry is not None:
            await self._telemetry.flush()
        if self._brought.get("store") is None:
            await self._store.close()

    async def _find_thread(self) -> None:
        state = self.settings.state_path()
        others = await asyncio.to_thread(who_else_may_write, state)
        if others and self._options.notice is not None:
            self._options.notice(f"sessions in {state} are not safe: {others}")
        threads, wanted = self._store.threads, self._wanted
        row = await threads.resolve(wanted, str(self._cwd)) if wanted else None
        self._known = row is not None
        own_client = self._brought.get("models") is not None
        self.thread = await thread_for(
            row, self._cwd, self._options, self.settings, own_client=own_client
        )
        if row is not None and row.host != self.thread.host:
            self.moved = (
                f"this session was on {row.host}: its files and processes did not travel; "
                f"it continues in {self.thread.cwd}"
            )
        self._stored = Thread(self._store, self.thread.id)

    def _build(self) -> None:
        models, tools = self._brought.get("models"), self._brought.get("tools")
        recorded = self.thread.model.startswith(RECORDINGS)
        if models is None and recorded:
            models = open_replay(self.thread.model, self.thread.cwd)
        # A recording is looked at: it starts no program of the user's.
        unhooked = self.settings.model_copy(update={"hooks": {}})
        settings = unhooked if recorded else self.settings
        if isinstance(models, ReplayModel) and not models.recording.asks_about_claims():
            settings = settings.model_copy(update={"claims": "mark"})
        services = build_services(settings, self._store, models=models)
        self._telemetry = spans_of(self.thread.id, self._options.notice or log.info)
        if self._telemetry is not None:
            services = self._telemetry.spans.around(services)
        self._own_tools = services.tools if tools is None else tools
        if tools is None and not recorded and not is_shared():
            self._own_tools = {**services.tools, **agent_tools(self.thread.cwd)}
        if tools is None and not recorded:
            self._mcp = tool_servers(self.settings, self.thread.cwd)
        if self._mcp is not None:
            self._mcp.equip(notice=self._options.notice, ask=self._options.ask)
        self._snapshots = snapshots_of(self.settings, self._store)
        self._files = TurnFiles(services, self._snapshots, self.thread)
        services = replace(
            services,
            stop=self._stop,
            tools=self._own_tools,
            changing_files=self._files.changing,
            whole_history=self._stored.whole_history,
            report=lambda call: report_of(self._store, self.thread, call),
        )
        notice = self._options.notice or log.info
        self._services = in_sandbox(services, self.thread.id, self.thread.sandbox, notice)
        self._context = context_for(self.thread, self._options, self.settings, self._services)

    def _step(self) -> Step:
        """To look at the thread's calls from outside of a node."""
        return Step(self._services, self._context, self.thread.id, self.thread.cwd)

    @property
    def contents(self) -> ServerContents | None:
        """Prompts and resources of the MCP servers; None without any."""
        return None if self._mcp is None else self._mcp.contents

    async def _offer_tools(self, *, join: bool) -> None:
        """The turn's tools, with those of MCP servers; they stay as they are to its end. Servers
        that are new are waited for while the model client loads. `join`: a new turn begins."""
        if self._mcp is None:
            return
        ready, model = self._services.models.ready, self.thread.model
        with suppress(Stopped):
            work = self._mcp.tools_for(self.thread.id, join=join, beside=lambda: ready(model))
            self._services.tools = {**self._own_tools, **await race(work, self._stop)}

    async def _accept(self, text: str) -> int:
        """The message on disk, before litellm is imported or the graph runs: no kill loses what
        a user typed. The thread's row is made with its first message. Its number."""
        keep_known(text)
        await self._make_known(text)
        return await self._store.inbox.put(self.thread.id, text)

    async def _make_known(self, text: str) -> None:
        """Make the thread's row, if there is none. `text`: its title."""
        if not self._known:
            # Before it is shortened: half a secret is known by no one.
            title = redacted(text.strip().splitlines()[0])
            self.thread = await self._store.threads.create(replace(self.thread, title=title))
            self._known = True

    @asynccontextmanager
    async def _driving(self, wanted: Wanted) -> AsyncGenerator[None, None]:
        """The thread's lease. A message that is sent while another process has it waits in the
        inbox for that one. Raises MessageQueued, ThreadBusy."""
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._store.lease(self.thread.id))
            except ThreadBusy as busy:
                if not wanted.message or wanted.number:
                    raise
                wanted.number = await self._accept(wanted.message)
                try:
                    # That process may have looked into the inbox for the last time.
                    await held.enter_async_context(self._store.lease(self.thread.id))
                except ThreadBusy:
                    said = f"{busy.message}. Your message is queued and joins the turn there"
                    raise MessageQueued(said, number=wanted.number) from None
            yield

    def _begin(self, wanted: Wanted, watch: Watch) -> Callable[[], None]:
        """A turn begins, with its time limit and its span; what ends both."""
        self._stop.clear()
        ends, seconds, telemetry = ExitStack(), self._options.max_time, self._telemetry
        if seconds is not None:
            reason = f"the turn used its {seconds:g} seconds"
            timer = asyncio.get_running_loop().call_later(seconds, self._stop.set, reason)
            ends.callback(timer.cancel)
        if telemetry is not None:
            spans, row = telemetry.spans, self.thread
            spans.begin(row.model, row.mode, wanted.message)

            def end() -> None:
                figures = self._summary if watch.works else None
                spans.end(wanted.last, self._turn_number, figures)

            ends.callback(end)
        return ends.close

    async def _is_queued(self, last: Event) -> bool:
        """Whether a message came in the instant between the last look into the inbox and the end
        of the lease: its sender found the thread driven, and left it to this process."""
        done = isinstance(last, TurnComplete) and last.status == "done"
        if not done or self._stop.is_set() or self._store.is_driven(self.thread.id):
            return False
        seq = (await self._stored.turn()).get("seq", 0)
        return bool(await self._store.inbox.after(self.thread.id, seq))

    async def _keep_row(self, status: str, turns: int, *, quietly: bool = False) -> None:
        """Store the row as it stands. `quietly`: a database that fails is not a further trouble."""
        if not self._known:
            return
        row = self.thread
        self._first_turn = turns if status == "running" else self._first_turn
        try:
            self.thread = await self._store.threads.update(
                row.id,
                status=status,
                model=row.model,
                mode=row.mode,
                turns=turns,
                host=row.host,
                cwd=row.cwd,
                sandbox=row.sandbox,
            )
            if quietly:
                await self._store.search.forget(row.id)
            elif status != "running":
                await self._keep_words()
        except AgentError:
            if not quietly:
                raise

    async def _keep_words(self) -> None:
        """What was said since the turn began, for a search."""
        messages = (await self._stored.standing()).values.get("messages", [])
        said = list(said_in(messages, self._first_turn))
        await self._store.search.add(self.thread.id, said, is_whole=self._first_turn == 1)

    async def _leave_sandbox(self) -> None:
        """A headless run gives it back, unless its turn is to go on: in a chat one comes back, and
        it ends by itself when no one does."""
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
