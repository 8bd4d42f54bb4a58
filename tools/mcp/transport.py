"""Opening a session with a server, over stdio or streamable HTTP."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from configs.folders import make_private_folder
from core.secrets.child_environment import child_environment
from tools.mcp.config import Start

#: Of what a server said on stderr, so much is looked at for its last words.
TAIL = 4000


@asynccontextmanager
async def opened(
    start: Start, log: Path, silence: float, auth: Any, handlers: dict[str, Any]
) -> AsyncIterator[Any]:
    """A ClientSession that is not initialised yet.

    Args:
        log: takes what a program says on stderr; it begins again. silence: seconds that an HTTP
            answer may pause. auth: an httpx.Auth for HTTP, or None. handlers: of ClientSession.
    """
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    if start.url:
        from langchain_mcp_adapters.sessions import StreamableHttpConnection, create_session

        reached = StreamableHttpConnection(
            transport="streamable_http",
            url=start.url,
            headers=start.headers,
            sse_read_timeout=timedelta(seconds=silence),
            session_kwargs=handlers,
        )
        if auth is not None:
            reached["auth"] = auth
        async with create_session(reached) as session:
            yield session
        return
    program = StdioServerParameters(
        command=start.command,
        args=start.args,
        env={**child_environment(()), **start.env},
        cwd=start.cwd,
    )
    # The adapter would let the program write to our stderr: the SDK's own takes a file.
    with os.fdopen(_private(log), "w") as errors:
        async with (
            stdio_client(program, errlog=errors) as (read, write),
            ClientSession(read, write, **handlers) as session,
        ):
            yield session


def _private(path: Path) -> int:
    make_private_folder(path.parent)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def last_words(log: Path) -> str:
    """The last line that a program said on stderr."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip()[:300] if lines else ""
