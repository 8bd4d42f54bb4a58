"""What a server says by itself: log lines, changed lists, noise, and questions.

A question in the middle of a call is answered live by a user, else declined. It never interrupts
the graph: the call it belongs to would run a second time.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from tools.extension import Ask, Question
from tools.mcp.schema import problems

log = logging.getLogger(__name__)

#: As much of a log line as is told.
LONGEST = 2000


def handlers(
    server: str,
    running: list[Callable[[str], None]],
    relist: asyncio.Event,
    person: Callable[[], Ask | None],
    notice: Callable[[str], None],
) -> dict[str, Any]:
    """Arguments of the SDK's ClientSession.

    Args:
        running: the logs of the calls under way. relist: set when the server's lists change.
        user: who answers questions now. notice: told about trouble.
    """
    from mcp import types

    changed = (
        types.ToolListChangedNotification
        | types.PromptListChangedNotification
        | types.ResourceListChangedNotification
    )

    def tell(text: str) -> None:
        # Notifications name no call; the newest is the likeliest.
        if running:
            running[-1](text)
        else:
            log.debug("%s: %s", server, text)

    async def logged(params: types.LoggingMessageNotificationParams) -> None:
        if params.level != "debug":
            said = params.data if isinstance(params.data, str) else repr(params.data)
            tell(f"{params.level}: {said}"[:LONGEST])

    async def asked(context: Any, params: types.ElicitRequestParams) -> Any:
        return await answered(server, params, person(), tell)

    async def message(received: Any) -> None:
        if isinstance(received, Exception):
            notice("it prints text that is not an MCP message; this is left out")
        if isinstance(getattr(received, "root", None), changed):
            relist.set()

    return {
        "logging_callback": logged,
        "elicitation_callback": asked,
        "message_handler": message,
        "client_info": types.Implementation(name="ml-agent", version="1"),
    }


async def answered(server: str, params: Any, ask: Ask | None, log: Callable[[str], None]) -> Any:
    """The SDK's ElicitResult for its ElicitRequestParams."""
    from mcp.types import ElicitResult

    url = str(getattr(params, "url", "") or "")
    schema = getattr(params, "requestedSchema", None)
    if ask is None:
        log(f"{server} asks: {params.message} (declined: the user is not there)")
        return ElicitResult(action="decline")
    log(f"{server} asks: {params.message}")
    given = await ask(Question(server, params.message, schema, url))
    if given is None:
        return ElicitResult(action="decline")
    wrong = None if url else problems(given, schema or {})
    if wrong:
        log(f"the answer was not sent: {wrong}")
        return ElicitResult(action="cancel")
    return ElicitResult(action="accept", content=None if url else given)
