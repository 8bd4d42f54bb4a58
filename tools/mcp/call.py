"""One call over an open session: how it ends, in which of few ways.

The SDK's own ways are many: a session that has ended raises three different things, and a web
server that dies in a call nothing at all.
"""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.secrets.redaction import redacted
from tools.mcp.errors import Lost, NotSent, Refused, TimedOut, leaves, never_left

Log = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What a server is asked: a method of MCP (tools/call, prompts/get, resources/read)."""

    method: str
    params: dict[str, Any]


#: Seconds that an answer may still take when the session has ended, and that a ping may.
GRACE, PING = 1.0, 5.0
#: Seconds between two looks whether a web server is still there.
WATCH = 5.0
#: JSON-RPC codes of the SDK: no answer in time, the session ended, the server does not know it.
NO_ANSWER, CLOSED, TERMINATED = 408, -32000, 32600


@dataclass
class Live:
    """A session that is open.

    Attributes:
        owner: the task that opened it, and ends when it does. leave: closes it.
        web: it goes over HTTP. last_words: the end of what its program said on stderr.
        running: where what the server says goes, a log per call under way.
    """

    session: Any
    owner: asyncio.Task[None]
    leave: asyncio.Event
    web: bool
    last_words: Callable[[], str]
    running: list[Log] = field(default_factory=list)


async def ask(live: Live, request: Request, log: Log, limit: float) -> Any:
    """The SDK's result of `request`, within `limit` seconds. Raises NotSent, Lost, TimedOut,
    Refused."""
    numbers: list[int] = []
    work = asyncio.ensure_future(_request(live, request, log, limit, numbers))
    sent = False
    try:
        while not (work.done() or live.owner.done()):
            if sent:
                # Nothing tells that a web server died in a call; a ping does.
                await pinged(live)
            watch = WATCH if live.web else None
            waits = {work, live.owner}
            done, _ = await asyncio.wait(waits, timeout=watch, return_when=FIRST_COMPLETED)
            sent = sent or not done
        if not work.done():
            await asyncio.wait({work}, timeout=GRACE)
    except asyncio.CancelledError:
        work.cancel()
        await _cancel(live, numbers)
        raise
    if not work.done():
        work.cancel()
        raise await _ended(live, sent)
    error = failure(work)
    if error is None:
        return work.result()
    raise await _in_our_words(error, live, sent, limit)


async def _request(live: Live, request: Request, log: Log, limit: float, numbers: list[int]) -> Any:
    async def progress(done: float, total: float | None, message: str | None) -> None:
        share = f"{done:g}" + (f" of {total:g}" if total is not None else "")
        log(f"{share}: {message}" if message else share)

    from mcp import types

    numbers.append(live.session._request_id)  # its own; a cancellation must name it
    results = {
        "tools/call": types.CallToolResult,
        "prompts/get": types.GetPromptResult,
        "resources/read": types.ReadResourceResult,
    }
    # Not `call_tool`: it raises if an answer does not fit the tool's outputSchema, and the answer
    # of a call that took effect would be lost. results.py says what does not fit.
    asked = {"method": request.method, "params": request.params}
    return await live.session.send_request(
        types.ClientRequest.model_validate(asked),
        results[request.method],
        request_read_timeout_seconds=timedelta(seconds=limit),
        progress_callback=progress,
    )


async def _in_our_words(
    error: BaseException, live: Live, sent: bool, limit: float
) -> BaseException:
    import anyio
    from mcp.shared.exceptions import McpError

    if isinstance(error, anyio.ClosedResourceError | anyio.BrokenResourceError):
        return NotSent("the session had ended")
    if not isinstance(error, McpError):
        return error
    code, said = error.error.code, str(error)
    if code == TERMINATED:
        return NotSent("the server does not know the session any more")
    if code == CLOSED and "Connection closed" in said:
        return await _ended(live, sent)
    if code == NO_ANSWER and "Timed out" in said:
        return TimedOut(f"no answer within {limit:g} s")
    return Refused(said)


async def _ended(live: Live, sent: bool) -> Exception:
    """How a session that is gone ended, as the exception for the call it had. `sent`: that one had
    surely left."""
    if live.web:
        await asyncio.wait({live.owner}, timeout=GRACE)
    error = failure(live.owner)
    cause = error.__cause__ if error is not None else None
    # With others under way no one can tell whose request found no server.
    alone = len(live.running) == 1 and not sent
    if alone and cause is not None and all(map(never_left, leaves(cause))):
        return NotSent(str(error))
    if error is not None:
        return Lost(str(error))
    return Lost(redacted(await asyncio.to_thread(live.last_words)))


async def _cancel(live: Live, numbers: list[int]) -> None:
    """Tell the server to stop; the user waits for it no longer than a moment."""
    from mcp import types

    for number in numbers:
        params = types.CancelledNotificationParams(requestId=number, reason="interrupted")
        notification = types.ClientNotification(types.CancelledNotification(params=params))
        with suppress(Exception):  # a session that is gone needs no word
            await asyncio.wait_for(live.session.send_notification(notification), GRACE)


async def pinged(live: Live) -> bool:
    """Whether the server answers at all."""
    ping = asyncio.ensure_future(live.session.send_ping())
    ping.add_done_callback(failure)
    await asyncio.wait({ping, live.owner}, timeout=PING, return_when=FIRST_COMPLETED)
    if not ping.done():
        ping.cancel()
        return False
    return failure(ping) is None


def failure(work: asyncio.Future[Any]) -> BaseException | None:
    """What work that is done failed with."""
    if not work.done():
        return None
    return asyncio.CancelledError() if work.cancelled() else work.exception()
