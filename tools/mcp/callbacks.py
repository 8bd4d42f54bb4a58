"""What a server says by itself: log lines, questions, changed lists, and noise."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from tools.mcp.elicitation import Ask, answered

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
        running: the logs of the calls under way. relist: set when the server's tools change.
        person: who answers questions now. notice: told of trouble.
    """
    from mcp import types

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
            notice("it prints what is no MCP message; that is left out")
        if isinstance(getattr(received, "root", None), types.ToolListChangedNotification):
            relist.set()

    return {
        "logging_callback": logged,
        "elicitation_callback": asked,
        "message_handler": message,
        "client_info": types.Implementation(name="ml-agent", version="1"),
    }
