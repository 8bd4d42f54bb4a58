"""One server: its session is opened once, kept open, and opened again after a crash.

A session lives in a task of its own, since what the SDK opens in a task must be closed in it.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from configs.mcp import McpLimits, McpServer
from graph.models.loading import load_beside
from graph.redaction import redacted
from tools.mcp.cache import Cache, Listed
from tools.mcp.config import digest, start_of
from tools.mcp.elicitation import Ask, answered
from tools.mcp.signin import SignIn, provider
from tools.mcp.transport import last_words, opened
from tools.mcp.trouble import (
    Lost,
    NotSent,
    Refused,
    TimedOut,
    Trouble,
    in_words,
    leaves,
    never_left,
)

log = logging.getLogger(__name__)

#: Seconds that an answer may still take when the session has ended, and a ping after a time-out.
GRACE, PING = 1.0, 5.0
#: Seconds between two looks whether a web server is still there.
WATCH = 5.0
MODULES = (
    "mcp.client.stdio", "mcp.client.auth", "mcp.shared.exceptions", "huggingface_hub",
    "langchain_mcp_adapters.sessions", "jsonschema",
)  # fmt: skip
#: Pages of a tool list that are read.
PAGES = 100
#: JSON-RPC codes of the SDK: no answer in time, the session ended, the server does not know it.
NO_ANSWER, CLOSED, TERMINATED = 408, -32000, 32600


@dataclass
class _Live:
    """A session that is open. `owner` ends when it does; `leave` closes it."""

    session: Any
    owner: asyncio.Task[None]
    leave: asyncio.Event
    running: list[Callable[[str], None]] = field(default_factory=list)


class Connection:
    """A configured server.

    Attributes:
        tools: as it listed them last; None: it never did. trouble: why it cannot be used.
        ask: a person who answers its questions. sign_in: how one signs in; None: nobody can.
    """

    def __init__(
        self,
        name: str,
        server: McpServer,
        limits: McpLimits,
        cwd: str,
        cache: Cache,
        notice: Callable[[str], None],
    ) -> None:
        self.name = name
        self.server = server
        self.digest = digest(server)
        self.tools: list[Listed] | None = None
        self.trouble = ""
        self.ask: Ask | None = None
        self.sign_in: SignIn | None = None
        self._cwd = cwd
        self._cache = cache
        self._notice = notice
        self._noisy = False
        self._start_limit = server.start_timeout or limits.start_timeout
        self._call_limit = server.call_timeout or limits.call_timeout
        self._opening: asyncio.Future[_Live] | None = None
        self._owners: set[asyncio.Task[None]] = set()

    # --- the session ---------------------------------------------------------------------------

    def begin(self) -> asyncio.Future[Any]:
        """Start it, unless it is started; done when it has listed its tools, or cannot."""
        if self._opening is None or _failure(self._opening) is not None:
            self._opening = asyncio.get_running_loop().create_future()
            # Looked at by whoever calls a tool; nobody may, and that is no failure.
            self._opening.add_done_callback(_failure)
            owner = asyncio.create_task(self._own(self._opening), name=f"mcp {self.name}")
            self._owners.add(owner)
            owner.add_done_callback(self._owners.discard)
            owner.add_done_callback(_failure)
        return self._opening

    async def close(self) -> None:
        """End the session, and its program."""
        opening = self._opening
        if opening is not None and opening.done() and _failure(opening) is None:
            opening.result().leave.set()
        else:
            for owner in self._owners:
                owner.cancel()
        if self._owners:
            await asyncio.wait(set(self._owners))
        self._opening = None

    async def _live(self) -> _Live:
        live: _Live = await asyncio.shield(self.begin())
        if live.owner.done():
            self._drop(live)
            return await self._live()
        return live

    def _drop(self, live: _Live) -> None:
        """The session is of no use: the next call opens another."""
        live.leave.set()
        opening = self._opening
        if opening is not None and _failure(opening) is None and opening.result() is live:
            self._opening = None

    async def _own(self, opening: asyncio.Future[_Live]) -> None:
        owner = asyncio.current_task()
        assert owner is not None
        leave, relist = asyncio.Event(), asyncio.Event()
        errors = self._cache.log_of(self.digest)
        running: list[Callable[[str], None]] = []
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._start_limit):
                    await asyncio.to_thread(load_sdk)
                    start = await asyncio.to_thread(start_of, self.server, self._cwd)
                    auth = None
                    if start.url and "authorization" not in {h.lower() for h in start.headers}:
                        place = self._cache.sign_in_of(self.digest)
                        auth = await provider(start.url, place, self.name, self.sign_in)
                    silence = self._call_limit + PING
                    handlers = self._handlers(running, relist)
                    session = await stack.enter_async_context(
                        opened(start, errors, silence, auth, handlers)
                    )
                    await session.initialize()
                    await self._list(session)
                self.trouble = ""
                opening.set_result(_Live(session, owner, leave, running))
                await self._stay(session, leave, relist)
        except asyncio.CancelledError:
            if not opening.done():
                opening.cancel()
            raise
        except (Exception, BaseExceptionGroup) as error:  # whatever a server or the SDK can raise
            log.debug("%s", self.name, exc_info=True)
            if any(isinstance(leaf, TimeoutError) for leaf in leaves(error)):
                said = f"no answer within {self._start_limit:g} s"
            else:
                last = await asyncio.to_thread(last_words, errors) if self.server.command else ""
                said = in_words(error, self.server.target, last)
            await self._failed(opening, said, error)

    async def _failed(
        self, opening: asyncio.Future[_Live], said: str, error: BaseException | None = None
    ) -> None:
        self.trouble = redacted(said)
        if opening.done():
            raise Lost(said) from error  # the session had been open: kept in the owner
        await asyncio.to_thread(self._cache.keep_trouble, self.digest, self.trouble)
        opening.set_exception(Trouble(self.trouble))
        self._notice(self.trouble)

    async def _list(self, session: Any) -> None:
        from mcp.types import PaginatedRequestParams

        listed: list[Any] = []
        cursor: str | None = None
        for _ in range(PAGES):
            params = PaginatedRequestParams(cursor=cursor) if cursor else None
            page = await session.list_tools(params=params)
            listed += page.tools
            cursor = page.nextCursor
            if not cursor:
                break
        kept = {"name", "title", "description", "inputSchema", "annotations"}
        self.tools = [
            tool.model_dump(mode="json", include=kept, exclude_none=True) for tool in listed
        ]
        await asyncio.to_thread(self._cache.keep_list, self.digest, self.tools)

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
                with suppress(Exception):  # of no use to anybody until it is asked again
                    await asyncio.wait_for(self._list(session), self._start_limit)

    # --- what the server says by itself ---------------------------------------------------------

    def _handlers(
        self, running: list[Callable[[str], None]], relist: asyncio.Event
    ) -> dict[str, Any]:
        from mcp import types

        def tell(text: str) -> None:
            # Notifications name no call; the newest is the likeliest.
            if running:
                running[-1](text)
            else:
                log.debug("%s: %s", self.name, text)

        async def logged(params: types.LoggingMessageNotificationParams) -> None:
            if params.level != "debug":
                said = params.data if isinstance(params.data, str) else repr(params.data)
                tell(f"{params.level}: {said}"[:2000])

        async def asked(context: Any, params: types.ElicitRequestParams) -> Any:
            return await answered(self.name, params, self.ask, tell)

        async def message(received: Any) -> None:
            if isinstance(received, Exception) and not self._noisy:
                self._noisy = True
                self._notice("it prints on stdout what is no MCP message; that is left out")
            if isinstance(getattr(received, "root", None), types.ToolListChangedNotification):
                relist.set()

        return {
            "logging_callback": logged,
            "elicitation_callback": asked,
            "message_handler": message,
            "client_info": types.Implementation(name="ml-agent", version="1"),
        }

    # --- a call ---------------------------------------------------------------------------------

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        log: Callable[[str], None],
        before: Callable[[], Awaitable[None]],
        again: bool,
    ) -> Any:
        """The SDK's CallToolResult.

        Args:
            before: awaited right before the request leaves. again: it may be sent a second time.
        Raises Trouble (not sent), Lost, TimedOut, Refused.
        """
        for attempt in (1, 2):
            live = await self._live()
            await before()
            live.running.append(log)
            try:
                return await self._asked(live, tool, arguments, log)
            except NotSent as error:
                self._drop(live)
                if attempt == 2:
                    raise Trouble(str(error)) from None
            except Lost:
                self._drop(live)
                if attempt == 2 or not again:
                    raise
            finally:
                live.running.remove(log)
        raise AssertionError("the second attempt returns or raises")

    async def _asked(
        self, live: _Live, tool: str, arguments: dict[str, Any], log: Callable[[str], None]
    ) -> Any:
        import anyio
        from mcp.shared.exceptions import McpError

        async def progress(done: float, total: float | None, message: str | None) -> None:
            share = f"{done:g}" + (f" of {total:g}" if total is not None else "")
            log(f"{share}: {message}" if message else share)

        number = live.session._request_id  # what a cancellation must name
        work = asyncio.ensure_future(
            live.session.call_tool(
                tool, arguments, timedelta(seconds=self._call_limit), progress_callback=progress
            )
        )
        sent = False
        try:
            while not (work.done() or live.owner.done()):
                if sent:
                    # The SDK does not notice a web server that dies in a call; a ping does.
                    await self._pinged(live)
                watch = WATCH if self.server.url else None
                done, _ = await asyncio.wait(
                    {work, live.owner}, timeout=watch, return_when=FIRST_COMPLETED
                )
                sent = sent or not done
            if not work.done():
                await asyncio.wait({work}, timeout=GRACE)
        except asyncio.CancelledError:
            work.cancel()
            await self._cancelled(live, number)
            raise
        if not work.done():
            work.cancel()
            raise await self._ended(live, sent)
        try:
            return work.result()
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise NotSent("the session had ended") from None
        except McpError as error:
            code = error.error.code
            if code == TERMINATED:
                raise NotSent("the server does not know the session any more") from None
            if code == CLOSED and "Connection closed" in str(error):
                raise await self._ended(live, sent) from None
            if code == NO_ANSWER and "Timed out" in str(error):
                if not await self._pinged(live):
                    self._drop(live)  # it may hang: the next call starts it anew
                raise TimedOut(f"no answer within {self._call_limit:g} s") from None
            raise Refused(str(error)) from None

    async def _ended(self, live: _Live, sent: bool) -> Exception:
        """How a session that is gone ended, as the exception for the call it had. `sent`: that one
        had surely left."""
        if self.server.url:
            await asyncio.wait({live.owner}, timeout=GRACE)
        error = _failure(live.owner)
        cause = error.__cause__ if error is not None else None
        # With others under way nobody can tell whose request found no server.
        alone = len(live.running) == 1 and not sent
        if alone and cause is not None and all(map(never_left, leaves(cause))):
            return NotSent(str(error))
        if error is not None:
            return Lost(str(error))
        said = await asyncio.to_thread(last_words, self._cache.log_of(self.digest))
        return Lost(redacted(said))

    async def _cancelled(self, live: _Live, number: int) -> None:
        """Tell the server to stop; the person waits for it no longer than a moment."""
        from mcp import types

        params = types.CancelledNotificationParams(requestId=number, reason="interrupted")
        notification = types.ClientNotification(types.CancelledNotification(params=params))
        with suppress(Exception):  # a session that is gone needs no word
            await asyncio.wait_for(live.session.send_notification(notification), GRACE)

    async def _pinged(self, live: _Live) -> bool:
        """Whether the server answers at all."""
        ping = asyncio.ensure_future(live.session.send_ping())
        ping.add_done_callback(_failure)
        await asyncio.wait({ping, live.owner}, timeout=PING, return_when=FIRST_COMPLETED)
        if not ping.done():
            ping.cancel()
            return False
        return _failure(ping) is None


def _failure(work: asyncio.Future[Any]) -> BaseException | None:
    """What work that is done failed with."""
    if not work.done():
        return None
    return asyncio.CancelledError() if work.cancelled() else work.exception()


def load_sdk() -> None:
    """Import what a session needs; off the event loop, which imports none of it before."""
    load_beside(MODULES)
