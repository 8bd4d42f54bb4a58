"""Serving an editor on stdin and stdout, until it is gone."""

import asyncio
import contextlib
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import cast

from acp import Agent
from acp.agent.connection import AgentSideConnection
from acp.core import DEFAULT_STDIO_BUFFER_LIMIT_BYTES

from configs.settings import Settings
from core.errors import UsageError
from graph.options import RunOptions
from server.acp.agent import EditorAgent

#: Seconds in which the last answers go out to an editor that may read no more.
PATIENCE = 2


async def serve(settings_for: Callable[[Path], Settings], options: RunOptions) -> None:
    """Serve until stdin ends, SIGINT or SIGTERM; then every turn is interrupted and stored.

    Args:
        settings_for: the settings for a folder. options: of every session.

    Raises UsageError: stdin or stdout is a file, or a device like /dev/null; a line is JSON, but no
    object, after which the connection reads nothing more.
    """
    reader, writer = await _streams()
    agent = EditorAgent(settings_for, options)
    # What the protocol leaves optional and EditorAgent lacks is answered with "method not found".
    connection = AgentSideConnection(cast("Agent", agent), writer, reader, listening=False)
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    listening = asyncio.create_task(connection.listen())
    ended = asyncio.create_task(ending.wait())
    await asyncio.wait({listening, ended}, return_when=asyncio.FIRST_COMPLETED)
    await agent.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await connection.close()
    failed = listening.exception() if listening.done() else None
    for task in (listening, ended):
        task.cancel()
    if failed is not None:
        raise UsageError(
            "Cannot read what the editor sent: a line is not a JSON-RPC message",
            "each line must be one message; restart the agent in the editor",
        ) from failed


async def _streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """What the protocol alone uses. Whatever else writes to stdout, a library or a child, writes to
    stderr from now on, and reads nothing from stdin."""
    if not (_speaks(0) and _speaks(1)):
        raise UsageError(
            "Cannot speak the protocol: stdin or stdout is a file",
            "an editor starts this command; docs/guide/editors.md has its settings",
        )
    given, taken = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(DEFAULT_STDIO_BUFFER_LIMIT_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), given)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), taken
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


def _speaks(number: int) -> bool:
    """Whether asyncio can wait for it. It takes /dev/null as well, and never sees its end."""
    mode = os.fstat(number).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number)
