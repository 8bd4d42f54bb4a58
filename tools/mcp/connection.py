"""One server: its session is opened once, kept open, and opened again after a crash.

A session lives in its own task, since what the SDK opens in a task must be closed in it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from configs.mcp import McpLimits, McpServer
from core.models.loading import load_beside
from core.secrets.redaction import redacted
from tools.extension import Ask, SignIn
from tools.mcp.cache import Cache, Listed
from tools.mcp.call import PING, Live, Request, ask, failure, pinged
from tools.mcp.callbacks import handlers
from tools.mcp.config import digest
from tools.mcp.errors import Lost, NotSent, TimedOut, Trouble, in_words, leaves
from tools.mcp.lists import listed
from tools.mcp.oauth import provider
from tools.mcp.sandboxed import Sandboxed
from tools.mcp.transport import last_words, opened
from tools.workspace.command_sandbox import CommandSandbox

log = logging.getLogger(__name__)

MODULES = (
    "mcp.client.stdio", "mcp.client.auth", "mcp.shared.exceptions", "huggingface_hub",
    "langchain_mcp_adapters.sessions", "jsonschema",
)  # fmt: skip
#: Seconds that a user may take to sign in.
SIGN_IN = 600.0
#: Seconds that the lists of prompts and resources may take at a start.
MORE = 2.0


@dataclass(frozen=True)
class Surroundings:
    """What all connections of a session share. cwd: the folder in which programs are started."""

    cwd: str
    limits: McpLimits
    cache: Cache
    sandbox: CommandSandbox | None = None


class Connection:
    """A configured server.

    Attributes:
        tools: as it listed them last; None: it never did. more: its prompts and resources, by
            "prompts" and "resources", as it listed them in this session. trouble: why it cannot be
            used.
        opening: its start, done with a session or failed; None: not begun.
        ask: a user who answers its questions. sign_in: how one signs in; None: no one can.
    """

    def __init__(
        self, name: str, server: McpServer, shared: Surroundings, notice: Callable[[str], None]
    ) -> None:
        self.name = name
        self.server = server
        self.digest = digest(server)
        self.tools: list[Listed] | None = None
        self.more: dict[str, list[Listed]] = {}
        self.trouble = ""
        self.ask: Ask | None = None
        self.sign_in: SignIn | None = None
        self._cwd = shared.cwd
        self._cache = shared.cache
        self._notice = notice
        self._sandbox = shared.sandbox
        self._start_limit = server.start_timeout or shared.limits.start_timeout
        self._call_limit = server.call_timeout or shared.limits.call_timeout
        self.opening: asyncio.Future[Live] | None = None
        self._owners: set[asyncio.Task[None]] = set()

    # --- the session ---------------------------------------------------------------------------

    def begin(self) -> asyncio.Future[Any]:
        """Start it, unless it is started; done when it has listed its tools, or cannot."""
        if self.opening is None or failure(self.opening) is not None:
            self.opening = asyncio.get_running_loop().create_future()
            # Looked at by whoever calls a tool; no one may, and that is not a failure.
            self.opening.add_done_callback(failure)
            owner = asyncio.create_task(self._own(self.opening), name=f"mcp {self.name}")
            self._owners.add(owner)
            owner.add_done_callback(self._owners.discard)
            owner.add_done_callback(failure)
        return self.opening

    async def close(self) -> None:
        """End the session, and its program."""
        opening = self.opening
        if opening is not None and opening.done() and failure(opening) is None:
            opening.result().leave.set()
        else:
            for owner in self._owners:
                owner.cancel()
        if self._owners:
            await asyncio.wait(set(self._owners))
        self.opening = None

    async def _live(self) -> Live:
        live: Live = await asyncio.shield(self.begin())
        if live.owner.done():
            self._drop(live)
            return await self._live()
        return live

    def _drop(self, live: Live) -> None:
        """The session is of no use: the next call opens another."""
        live.leave.set()
        opening = self.opening
        if opening is not None and failure(opening) is None and opening.result() is live:
            self.opening = None

    async def _own(self, opening: asyncio.Future[Live], sandboxed: Sandboxed | None = None) -> None:
        sandbox = self._sandbox if self.server.sandbox else None
        sandboxed = sandboxed or Sandboxed(sandbox, self._cwd)
        owner = asyncio.current_task()
        assert owner is not None
        leave, relist = asyncio.Event(), asyncio.Event()
        errors = self._cache.log_of(self.digest)
        running: list[Callable[[str], None]] = []
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._start_limit) as limit:
                    await asyncio.to_thread(load_sdk)
                    start = await asyncio.to_thread(sandboxed.begin, self.server)
                    auth = None
                    if start.url and "authorization" not in {h.lower() for h in start.headers}:
                        place = self._cache.sign_in_of(self.digest)
                        auth = await provider(start.url, place, self.name, self._signing(limit))
                    silence = self._call_limit + PING
                    heard = handlers(self.name, running, relist, lambda: self.ask, self._notice)
                    session = await stack.enter_async_context(
                        opened(start, errors, silence, auth, heard)
                    )
                    await session.initialize()
                    await asyncio.to_thread(sandboxed.clear)
                    await self._list(session)
                self.trouble = ""
                words = partial(last_words, errors)
                opening.set_result(Live(session, owner, leave, bool(start.url), words, running))
                await self._stay(session, leave, relist)
        except asyncio.CancelledError:
            if not opening.done():
                opening.cancel()
            raise
        except (Exception, BaseExceptionGroup) as error:  # whatever a server or the SDK can raise
            log.debug("%s", self.name, exc_info=True)
            if not opening.done() and await asyncio.to_thread(sandboxed.is_to_repeat, errors):
                return await self._own(opening, sandboxed)
            if any(isinstance(leaf, TimeoutError) for leaf in leaves(error)):
                said = f"no answer within {self._start_limit:g} s"
            else:
                last = await asyncio.to_thread(last_words, errors) if self.server.command else ""
                said = in_words(error, self.server.target, last)
            await self._failed(opening, said, error)

    def _signing(self, limit: asyncio.Timeout) -> SignIn | None:
        """How one signs in; from then on the start waits for the user."""
        sign_in = self.sign_in
        if sign_in is None:
            return None

        async def show(page: str) -> None:
            limit.reschedule(asyncio.get_running_loop().time() + SIGN_IN)
            await sign_in(page)

        return show

    async def _failed(
        self, opening: asyncio.Future[Live], said: str, error: BaseException | None = None
    ) -> None:
        self.trouble = redacted(said)
        if opening.done():
            raise Lost(said) from error  # the session had been open: kept in the owner
        await asyncio.to_thread(self._cache.keep_trouble, self.digest, self.trouble)
        opening.set_exception(Trouble(self.trouble))
        self._notice(self.trouble)

    async def _list(self, session: Any) -> None:
        self.tools = await listed(session, "tools")

        # Before the first call: a request of ours that a dying server leaves open would make it
        # unknown whether a call of that moment had left.
        await asyncio.gather(*(self._list_more(session, what) for what in ("prompts", "resources")))
        lists = {"tools": self.tools, **self.more}
        await asyncio.to_thread(self._cache.keep_lists, self.digest, lists)

    async def _list_more(self, session: Any, what: str) -> None:
        """Its prompts or resources; the tools of a server that is slow with them do not wait."""
        with suppress(Exception):  # asked again when a user names one
            self.more[what] = await asyncio.wait_for(listed(session, what), MORE)

    async def _stay(self, session: Any, leave: asyncio.Event, relist: asyncio.Event) -> None:
        """Until the session is closed; a list that the server changes is for new threads."""
        while not leave.is_set():
            waits = [asyncio.ensure_future(event.wait()) for event in (leave, relist)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if relist.is_set() and not leave.is_set():
                relist.clear()
                with suppress(Exception):  # of no use to anyone until it is asked again
                    await asyncio.wait_for(self._list(session), self._start_limit)

    async def listed(self, what: str) -> list[Listed]:
        """Its "prompts" or "resources"; it is started for that if it is not. Raises Trouble,
        TimeoutError, and what the SDK raises."""
        live = await self._live()
        if what not in self.more:
            self.more[what] = await asyncio.wait_for(listed(live.session, what), self._call_limit)
        return self.more[what]

    # --- a call ---------------------------------------------------------------------------------

    async def call(
        self,
        request: Request,
        *,
        log: Callable[[str], None],
        again: bool,
        before: Callable[[], Awaitable[None]] | None = None,
        limit: float = 0.0,
    ) -> Any:
        """The SDK's result.

        Args:
            again: it may be sent a second time. before: awaited right before the request leaves.
            limit: seconds; 0: as the settings say.
        Raises Trouble (not sent), Lost, TimedOut, Refused.
        """
        for attempt in (1, 2):
            live = await self._live()
            if before is not None:
                await before()
            live.running.append(log)
            try:
                return await ask(live, request, log, limit or self._call_limit)
            except NotSent as error:
                self._drop(live)
                if attempt == 2:
                    raise Trouble(str(error)) from None
            except TimedOut:
                if not await pinged(live):
                    self._drop(live)  # it may hang: the next call starts it again
                raise
            except Lost:
                self._drop(live)
                if attempt == 2 or not again:
                    raise
            finally:
                live.running.remove(log)
        raise AssertionError("the second attempt returns or raises")


def load_sdk() -> None:
    """Import what a session needs; off the event loop, which imports none of it before."""
    load_beside(MODULES)
